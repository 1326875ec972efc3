//! Wires the crates into a running service: configuration, adapters behind ports, sockets, commands.
//!
//! This is the only crate that knows all the others and the only one that reads the environment. It decides nothing
//! about tokens, deliveries or rows.

pub mod build;
mod clerk_assets;
pub mod command;
pub mod config;
mod doctor;
mod enrichment;
mod http;
mod logging;
mod metrics;
mod service;
mod start_error;
mod upkeep;
mod write_backs;

pub use config::{Config, ConfigErrors};
pub use logging::{LastWords, Logging, TracesError, start as start_logging};
pub use service::Server;
pub use start_error::StartError;
