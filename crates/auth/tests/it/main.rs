//! The crate from outside: tokens of every kind against a verifier whose keys come from a scripted source or over HTTP.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing
)]

mod accepted;
mod axum_app;
mod clerk_fixture;
mod forgeries;
mod handshake;
mod http_source;
mod key_ring;
mod legacy;
mod memory;
mod minting;
mod mutations;
mod reason_codes;
mod requests;
mod scripted_source;
mod wycheproof;
