//! The crate from outside: signed messages in, deliveries or refusals out.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects by panicking"
)]

mod billing;
mod deletions;
mod messages;
mod objects;
mod odd_bodies;
mod organizations;
mod properties;
mod samples;
mod sender;
mod sessions;
mod signature;
mod users;
