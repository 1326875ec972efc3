//! Translates Clerk's JSON objects to records of the domain, wherever they come from: the `data` of a webhook and the
//! entries of a page of the Backend API have the same shapes, so that one reader serves both.
//!
//! Clerk's published sources disagree with each other, so it is permissive about everything that a row can do without
//! (noted, and read as absent) and strict about what a row must not lose ([`Unmappable`], naming the place).
//!
//! It will never know signatures, envelopes, HTTP or databases, and reads no clock.

mod metadata;
mod notes;
mod nul;
mod object;
mod organization;
mod placing;
mod reader;
mod subscription;
mod user;
mod visible;
mod withheld;

pub use notes::Notes;
pub use nul::{holds_nul, value_without_nul, without_nul};
pub use object::read_object;
pub use organization::{read_membership, read_organization};
pub use placing::Placing;
pub use reader::{Fields, Unmappable, kind_of};
pub use subscription::{read_subscription, read_subscription_item};
pub use user::read_user;
pub use visible::visible;
pub use withheld::take_credentials;

/// The longest name, state or foreign id that is kept, in characters: what an index of either database can hold.
pub const MAX_NAME: usize = 255;
