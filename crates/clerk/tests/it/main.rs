//! The crate from outside: questions of the port in, HTTP requests to a stub of Clerk out.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects by panicking"
)]

mod failures;
mod finding;
mod orders;
mod paging;
mod recent;
mod rows;
mod settings;
mod stub;
