//! `cargo xtask bench`: the service beside bare axum routes, on a throw-away PostgreSQL that keeps its promises to the disk.

use crate::postgres::Server;
use crate::process;

/// Where the report goes.
const REPORT: &str = "docs/benchmarks";

/// How to measure.
#[derive(clap::Args)]
pub(crate) struct Bench {
    /// Seconds for each measurement
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// How often every measurement is made
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Only the cases whose name contains this; the report then goes to target/bench
    #[arg(long)]
    only: Option<String>,
    /// Ask for twice what the service can do for two minutes, instead of comparing
    #[arg(long, conflicts_with_all = ["seconds", "rounds", "only"])]
    overload: bool,
}

impl Bench {
    pub(crate) fn run(&self) -> Result<(), String> {
        process::stop_cleanly()?;
        let mut build = process::cargo();
        build.args([
            "build",
            "--release",
            "--package",
            "clerk-sync",
            "--package",
            "bench",
        ]);
        process::run(&mut build)?;
        let programs = process::target().join("release");
        let server = Server::start_durable()?;
        let mut measure = std::process::Command::new(programs.join("bench"));
        measure
            .current_dir(process::root())
            .arg(if self.overload { "overload" } else { "run" })
            .arg("--server")
            .arg(programs.join("clerk-sync"))
            .args(["--postgres", server.url()]);
        if self.overload {
            return process::run(measure.args(["--report", REPORT]));
        }
        measure
            .args(["--seconds", &self.seconds.to_string()])
            .args(["--rounds", &self.rounds.to_string()]);
        match &self.only {
            Some(part) => measure
                .args(["--only", part, "--report"])
                .arg(process::target().join("bench")),
            None => measure.args(["--report", REPORT]),
        };
        process::run(&mut measure)
    }
}
