use std::path::Path;

use clap::{Args, Subcommand};

use super::{Failure, output};
use crate::config::{DatabaseConfig, environment};
use crate::service;

#[derive(Debug, Args)]
pub(super) struct Migrate {
    #[command(subcommand)]
    direction: Direction,
}

#[derive(Debug, Subcommand)]
enum Direction {
    /// Run every migration that has not run yet
    Up,
    /// Revert the latest migrations; the rows in their tables are lost
    Down {
        /// How many
        #[arg(long, default_value_t = 1)]
        steps: usize,
    },
    /// Show which have run
    Status,
}

impl Migrate {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let (lookup, trouble) = environment(Path::new("."));
        if let Some(trouble) = trouble {
            output::warning(trouble);
        }
        let database = DatabaseConfig::read(lookup)?;
        let owner = database.migration_url.as_ref().unwrap_or(&database.url);
        match self.direction {
            Direction::Up => told("ran", service::migrate(&database).await?),
            Direction::Down { steps } => {
                service::check_sessions(&database).await?;
                told("reverted", persistence::migrate_down(owner, steps).await?)
            }
            Direction::Status => {
                service::check_sessions(&database).await?;
                for migration in persistence::migration_status(owner).await? {
                    let state = if migration.applied {
                        "applied"
                    } else {
                        "pending"
                    };
                    output::line(format!("{state}  {}", migration.name));
                }
            }
        }
        Ok(())
    }
}

fn told(verb: &str, names: Vec<String>) {
    if names.is_empty() {
        output::line("nothing to do");
    }
    for name in names {
        output::line(format!("{verb} {name}"));
    }
}
