//! An hour of ordinary life with everything going wrong now and then, and a count of what came of it.
//!
//! Two replicas of the program share a PostgreSQL of their own; an offline Clerk beside them changes users all the time and
//! sends webhooks that come twice, late, out of order, wrongly signed or never. One replica is killed now and then, and so
//! is PostgreSQL; the other replica lives from the first minute to the last, which is what its memory is looked at for.
//! At the end the sweep says what the lost webhooks have left, mends it, and everything is held against the promises.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests' own code: what goes wrong here is said by a panic, and what it finds is said to a terminal"
)]

mod changes;
mod clock;
mod figures;
mod life;
mod memory;
mod messages;
mod outages;
mod reads;
mod replica;
mod report;
mod verdict;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// How long, how much, and where to.
#[derive(Parser)]
#[command(name = "soak", disable_help_subcommand = true)]
struct Soak {
    /// The service's program
    #[arg(long)]
    server: PathBuf,
    /// How long the load goes on
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    minutes: u64,
    /// Questions of signed-in users, a second, down to a multiple of eight
    #[arg(long, default_value_t = 100)]
    reads: u32,
    /// Changes at Clerk, a second; each makes one webhook or more
    #[arg(long, default_value_t = 10)]
    changes: u32,
    /// Webhooks besides, sent to the replica that is not killed, a second
    #[arg(long, default_value_t = 10)]
    messages: u32,
    /// Where the report goes; it is printed in any case
    #[arg(long)]
    report: Option<PathBuf>,
    /// A folder for what the replicas say
    #[arg(long)]
    logs: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    let soak = Soak::parse();
    let found = life::live(&soak).await;
    let page = report::page(&soak, &found);
    println!("{page}");
    if let Some(path) = &soak.report {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).expect("a folder for the report");
        }
        std::fs::write(path, page).expect("the report");
    }
    let broken = verdict::broken(&found);
    for promise in &broken {
        eprintln!("soak: {promise}");
    }
    if broken.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
