//! `cargo xtask soak`: the service on a PostgreSQL of its own for as long as one likes, with faults on. What is done and what
//! is looked at stands in `tests/soak/`.

use std::path::PathBuf;
use std::process::Command;

use crate::process;

/// Where the report goes.
const REPORT: &str = "docs/proof/soak.md";

/// How long, and with which program.
#[derive(clap::Args)]
pub(crate) struct Soak {
    /// How long the load goes on
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    minutes: u64,
    /// The service's program; a release build of this tree when absent
    #[arg(long)]
    server: Option<PathBuf>,
}

impl Soak {
    /// Fails when a promise did not hold; the report is written all the same.
    pub(crate) fn run(&self) -> Result<(), String> {
        process::stop_cleanly()?;
        let server = match &self.server {
            Some(program) => program.clone(),
            None => {
                let mut build = process::cargo();
                process::run(build.args(["build", "--release", "--package", "clerk-sync"]))?;
                process::target().join("release/clerk-sync")
            }
        };
        let mut build = process::cargo();
        process::run(build.args(["build", "--package", "e2e", "--bin", "soak"]))?;
        let mut soak = Command::new(process::target().join("debug/soak"));
        soak.current_dir(process::root())
            .arg("--server")
            .arg(server)
            .args(["--minutes", &self.minutes.to_string()])
            .args(["--report", REPORT])
            .arg("--logs")
            .arg(process::target().join("soak"));
        process::run(&mut soak)
    }
}
