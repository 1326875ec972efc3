//! The adapter against servers that answer well, badly or not at all.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod answers;
mod failures;
mod stub;
mod waits;
