//! What is remembered, and for how long, against a store in memory and a real Redis.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod barred;
mod forgetting;
mod interleavings;
mod outages;
mod process;
mod shared;
mod store;
