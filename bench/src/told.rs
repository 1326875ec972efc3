//! What every measurement is told by whoever starts it.

use std::path::PathBuf;

/// What is measured, where, and where it is written down.
#[derive(clap::Args)]
pub(crate) struct Subjects {
    /// The service's program
    #[arg(long)]
    pub(crate) server: PathBuf,
    /// A superuser's URL of a PostgreSQL with its promises to the disk kept
    #[arg(long)]
    pub(crate) postgres: String,
    /// The folder of the report
    #[arg(long)]
    pub(crate) report: PathBuf,
}

/// How long, and what is said of what it shows.
#[derive(clap::Args)]
pub(crate) struct Times {
    /// Seconds for each measurement
    #[arg(long, default_value_t = 4)]
    pub(crate) seconds: u64,
    /// How often every measurement is made
    #[arg(long, default_value_t = 3)]
    pub(crate) rounds: usize,
    /// What is written by hand on goals that were missed
    #[arg(long)]
    pub(crate) notes: Option<PathBuf>,
}
