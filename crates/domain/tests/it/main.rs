//! Backfill and reconcile, over a Clerk and a store that live in memory, and other conversations at ports.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects by panicking"
)]

mod backfill;
mod chat;
mod columns;
mod drift;
mod fake_clerk;
mod fake_store;
mod histories;
mod live_traffic;
mod objects;
mod policy_guide;
mod recent;
mod safety;
mod world;
