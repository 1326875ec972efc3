//! The crate from outside: tokens of every kind against a verifier whose keys come from a scripted source or over HTTP.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing
)]

mod accepted;
mod clerk_fixture;
mod forgeries;
mod http_source;
mod key_ring;
mod minting;
mod mutations;
mod reason_codes;
mod requests;
mod scripted_source;
mod wycheproof;
