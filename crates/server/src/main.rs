//! The `clerk-sync` command.

use std::process::ExitCode;

use clap::Parser as _;
use clerk_sync::command::Cli;
use mimalloc::MiMalloc;

/// A fifth of this process's time for a webhook went into taking and giving back memory with libc's allocator
/// (`docs/decisions/0020-ingest-in-few-statements.md`).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    Cli::parse().run().await
}
