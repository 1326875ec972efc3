//! Clerk's Backend API behind [`domain::Directory`].
//!
//! Translates the port's questions to HTTP requests that stay within Clerk's rate limit, are tried again when trying
//! again can help and end in bounded time, and Clerk's JSON (through `mapping`) to guarded writes. [`ClerkApi`] is the
//! adapter; logins may ask it for one user through [`ClerkApi::user`], before every sweep.
//!
//! It will never know webhooks, databases or what becomes of its answers, and it sends the secret key to no host but
//! the configured one.

mod answer;
mod backoff;
mod budget;
mod client;
mod config;
mod cursor;
mod experience;
mod page;
mod place;
mod transport;

pub use client::ClerkApi;
pub use config::{API_VERSION, ClerkApiConfig, ClerkConfigError, Timeouts};
pub use experience::clock_ahead;
