//! The command line: one file a command.

mod assets;
mod backfill;
mod completions;
mod dev;
mod doctor;
mod emulate;
mod job;
mod man;
mod migrate;
mod moving;
mod openapi;
mod output;
mod reconcile;
mod replay;
mod send;
mod serve;
mod signals;

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::build;

/// Keeps your own database equal to Clerk, verifies tokens, and enforces roles, tiers and limits.
#[derive(Debug, Parser)]
#[command(name = "clerk-sync", version, long_version = build::LINE, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The service on SQLite plus an offline Clerk, in one process: no account and no settings needed
    Dev(dev::Dev),
    /// The service, configured by environment variables and `.env`
    Serve(serve::Serve),
    /// The offline Clerk alone, for any project in any language
    Emulator(Box<emulate::Emulate>),
    /// Fill the database from Clerk's Backend API; goes on where a broken run ended
    Backfill(backfill::Backfill),
    /// Hold the database against Clerk: report the drift, or repair it
    Reconcile(reconcile::Reconcile),
    /// Apply stored deliveries again
    Replay(replay::Replay),
    /// The database's schema: up, down, status
    Migrate(migrate::Migrate),
    /// Move everything from a SQLite file to an empty PostgreSQL database
    Move(moving::Move),
    /// Look at settings, keys, database, Redis and Clerk: what is wrong, and what to do about it
    Doctor(doctor::Doctor),
    /// Send a signed sample event to a webhook endpoint
    Send(send::Send),
    /// Print the OpenAPI document
    Openapi(openapi::Openapi),
    /// Print completions for a shell
    Completions(completions::Completions),
    /// Print the manual page, or write those of all commands
    Man(man::ManPages),
}

/// Why a command failed; shown with its causes.
type Failure = Box<dyn Error + Send + Sync>;

impl Cli {
    /// Runs the command, and says on standard error why it failed if it did.
    pub async fn run(self) -> ExitCode {
        let result = match self.command {
            Command::Dev(command) => command.run().await,
            Command::Serve(command) => command.run().await,
            Command::Emulator(command) => command.run().await,
            Command::Backfill(command) => command.run().await,
            Command::Reconcile(command) => return command.run().await,
            Command::Replay(command) => command.run().await,
            Command::Migrate(command) => command.run().await,
            Command::Move(command) => command.run().await,
            Command::Doctor(command) => return command.run().await,
            Command::Send(command) => command.run().await,
            Command::Openapi(command) => command.run(),
            Command::Completions(command) => command.run(),
            Command::Man(command) => command.run(),
        };
        match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                output::failure(&*failure);
                ExitCode::FAILURE
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_help_says_what_the_program_is_for() {
        Cli::command().debug_assert();
        let help = Cli::command().render_help().to_string();
        assert!(
            help.starts_with("Keeps your own database equal to Clerk"),
            "{help}"
        );
    }
}
