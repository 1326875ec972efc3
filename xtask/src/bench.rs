//! `cargo xtask bench`: the service beside bare axum routes and beside what teams run today, on a throw-away PostgreSQL that
//! keeps its promises to the disk.

use std::process::Command;

use crate::peers::Peers;
use crate::postgres::Server;
use crate::process;

/// How the programs are built: as those that are given away.
const PROFILE: &str = "dist";
/// Where the report goes.
const REPORT: &str = "docs/benchmarks";
/// What people write on goals that were missed.
const NOTES: &str = "docs/benchmarks/notes.md";

/// How to measure.
#[derive(clap::Args)]
pub(crate) struct Bench {
    /// Seconds for each measurement
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// How often every measurement is made
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Only the rows whose key or name contains this; the report then goes to target/bench
    #[arg(long)]
    only: Option<String>,
    /// Leave out Fastify and FastAPI, and what installs them
    #[arg(long)]
    without_peers: bool,
    /// Ask for twice what the service can do for two minutes, instead of comparing
    #[arg(long, conflicts_with_all = ["seconds", "rounds", "only", "without_peers"])]
    overload: bool,
    /// Hold 1,000, 100,000 and 1,000,000 users beside one another, instead of comparing with others
    #[arg(long, conflicts_with_all = ["only", "without_peers", "overload"])]
    growth: bool,
}

impl Bench {
    pub(crate) fn run(&self) -> Result<(), String> {
        process::stop_cleanly()?;
        let mut build = process::cargo();
        build.args([
            "build",
            "--profile",
            PROFILE,
            "--package",
            "clerk-sync",
            "--package",
            "bench",
        ]);
        process::run(&mut build)?;
        let peers = if self.without_peers || self.overload || self.growth {
            Peers::default()
        } else {
            Peers::install()?
        };
        let programs = process::target().join(PROFILE);
        let server = Server::start_durable()?;
        let mut measure = Command::new(programs.join("bench"));
        measure
            .current_dir(process::root())
            .arg(self.kind())
            .arg("--server")
            .arg(programs.join("clerk-sync"))
            .args(["--postgres", server.url()]);
        if self.overload {
            return process::run(measure.args(["--report", REPORT]));
        }
        measure
            .args(["--seconds", &self.seconds.to_string()])
            .args(["--rounds", &self.rounds.to_string()]);
        measure.args(["--notes", NOTES]);
        if self.growth {
            return process::run(measure.args(["--report", REPORT]));
        }
        peers.tell(&mut measure);
        match &self.only {
            Some(part) => measure
                .args(["--only", part, "--report"])
                .arg(process::target().join("bench")),
            None => measure.args(["--report", REPORT]),
        };
        process::run(&mut measure)
    }

    /// The measuring program's word for it.
    fn kind(&self) -> &'static str {
        match (self.overload, self.growth) {
            (true, _) => "overload",
            (_, true) => "growth",
            _ => "run",
        }
    }
}
