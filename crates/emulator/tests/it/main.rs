//! The emulator from outside: real HTTP in, real webhooks out.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod account;
mod api_faults;
mod assistant;
mod billing;
mod chaos;
mod control;
mod edge;
mod email_addresses;
mod frontend;
mod handshake;
mod large;
mod memberships;
mod organizations;
mod page;
mod portal;
mod receiver;
mod restart;
mod running;
mod sessions;
mod sign_ins;
mod start;
mod teams;
mod tokens;
mod users;
mod webhooks;
