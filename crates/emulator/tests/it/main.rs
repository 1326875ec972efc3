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
mod bans;
mod billing;
mod chaos;
mod console;
mod control;
mod domains;
mod edge;
mod email_addresses;
mod frontend;
mod handshake;
mod images;
mod large;
mod memberships;
mod organizations;
mod page;
mod phone_numbers;
mod portal;
mod races;
mod receiver;
mod restart;
mod roles;
mod running;
mod sessions;
mod settings;
mod sign_ins;
mod sign_up_invitations;
mod social;
mod start;
mod teams;
mod templates;
mod tokens;
mod user_filters;
mod users;
mod waitlist;
mod webhooks;
