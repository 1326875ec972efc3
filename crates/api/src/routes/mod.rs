//! The handlers, a file for each group.

pub(crate) mod admin;
pub(crate) mod changes;
pub(crate) mod health;
pub(crate) mod logout;
pub(crate) mod me;
pub(crate) mod me_answers;
pub(crate) mod my_account;
pub(crate) mod my_events;
pub(crate) mod my_preferences;
pub(crate) mod my_usage;
pub(crate) mod onboarding;
pub(crate) mod stream_ticket;
pub(crate) mod verify;
pub(crate) mod webhook;
pub(crate) mod workspace;
