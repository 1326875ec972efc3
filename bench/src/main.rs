//! Measures the service beside the least that could answer the same, in one run on one machine, and writes a table.
//!
//! Absolute figures move from machine to machine and from hour to hour; only ratios within one run say something. So
//! every round visits all servers in turn, the table shows medians over the rounds, and the spread stands beside them.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool speaks to its terminal"
)]

mod answer;
mod cases;
mod connection;
mod contestants;
mod event;
mod flood;
mod floor;
mod growth;
mod inputs;
mod load;
mod machine;
mod notes;
mod overload;
mod pages;
mod peers;
mod postgres;
mod report;
mod rounds;
mod subject;
mod tokens;
mod told;
mod who;

use std::process::ExitCode;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

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
    /// Hold databases with more and more users beside one another
    Growth(growth::Growth),
}

/// What ends a command early, in words for whoever started it.
type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let work = async {
        match Bench::parse() {
            Bench::Floor(floor) => floor.serve().await,
            Bench::Run(run) => run.measure().await,
            Bench::Overload(overload) => overload.measure().await,
            Bench::Growth(growth) => growth.measure().await,
        }
    };
    // Whatever was started ends when the work is dropped, also when somebody has had enough of it.
    let outcome = tokio::select! {
        outcome = work => outcome,
        stopped = asked_to_stop() => stopped,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprint!("bench: {failure}");
            let mut cause = failure.source();
            while let Some(under) = cause {
                eprint!(": {under}");
                cause = under.source();
            }
            eprintln!();
            ExitCode::FAILURE
        }
    }
}

async fn asked_to_stop() -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    Err("interrupted".into())
}
