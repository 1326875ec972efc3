//! Measures the service beside the least that could answer the same, in one run on one machine, and writes a table.
//!
//! Absolute figures move from machine to machine and from hour to hour; only ratios within one run say something. So
//! every round visits all servers in turn, the table shows medians over the rounds, and the spread stands beside them.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool speaks to its terminal"
)]

mod cases;
mod connection;
mod event;
mod floor;
mod load;
mod overload;
mod postgres;
mod report;
mod rounds;
mod subject;
mod tokens;

use std::process::ExitCode;

use clap::Parser;

/// Measures the service beside bare axum routes.
#[derive(Parser)]
#[command(name = "bench", disable_help_subcommand = true)]
enum Bench {
    /// Serve the bare routes that the service is held against
    Floor(floor::Floor),
    /// Start the servers, measure, and write the report
    Run(rounds::Run),
    /// Ask the service for twice what it can do, for minutes
    Overload(overload::Overload),
}

/// What ends a command early, in words for whoever started it.
type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Bench::parse() {
        Bench::Floor(floor) => floor.serve().await,
        Bench::Run(run) => run.measure().await,
        Bench::Overload(overload) => overload.measure().await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("bench: {failure}");
            ExitCode::FAILURE
        }
    }
}
