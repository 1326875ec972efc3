//! The `clerk-sync` command.

use std::process::ExitCode;

use clap::Parser as _;
use clerk_sync::command::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    Cli::parse().run().await
}
