//! Files as people bring them, through the port.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod any_bytes;
mod good_files;
mod hostile_files;
mod reading;
