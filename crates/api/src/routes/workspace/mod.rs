//! What users keep: a file a resource, and what is worked out of them.

pub(crate) mod calculations;
pub(crate) mod chat;
pub(crate) mod chat_messages;
pub(crate) mod collection_items;
pub(crate) mod collections;
pub(crate) mod imports;
pub(crate) mod listings;
pub(crate) mod portfolios;
pub(crate) mod positions;
pub(crate) mod profiles;
pub(crate) mod rulesets;
pub(crate) mod shares;
pub(crate) mod valuations;
