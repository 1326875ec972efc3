//! The run: servers started, every work measured on all who do it in turn, several times over.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::Failure;
use crate::cases::{GROUPS, Group, ROWS, Row};
use crate::contestants::{Contestants, DATABASE};
use crate::flood::Flood;
use crate::inputs::Inputs;
use crate::load::Measurement;
use crate::machine::Machine;
use crate::peers::Installed;
use crate::postgres::Postgres;
use crate::report::{Facts, Report};
use crate::tokens::Signer;
use crate::who::Who;

/// What is measured with what.
#[derive(clap::Args)]
pub(crate) struct Run {
    /// The service's program
    #[arg(long)]
    server: PathBuf,
    /// A superuser's URL of a PostgreSQL with its promises to the disk kept
    #[arg(long)]
    postgres: String,
    /// The folder of the report
    #[arg(long)]
    report: PathBuf,
    /// What is written by hand on goals that were missed
    #[arg(long)]
    notes: Option<PathBuf>,
    /// Seconds for each measurement
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// How often every measurement is made
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Only the rows whose key or name contains this
    #[arg(long)]
    only: Option<String>,
    #[command(flatten)]
    peers: Installed,
}

/// The measurements of each round.
#[derive(Default)]
pub(crate) struct Samples(HashMap<(&'static str, Who), Vec<Measurement>>);

impl Samples {
    /// Of this contestant at this row's work, one for each round.
    pub(crate) fn of(&self, row: &Row, who: Who) -> &[Measurement] {
        group_of(row)
            .and_then(|group| self.0.get(&(group.name, who)))
            .map_or(&[], Vec::as_slice)
    }
}

fn group_of(row: &Row) -> Option<&'static Group> {
    GROUPS
        .iter()
        .find(|group| group.work == row.work && group.connections == row.connections)
}

impl Run {
    pub(crate) async fn measure(self) -> Result<(), Failure> {
        let folder = tempfile::tempdir()?;
        let signer = Signer::generate()?;
        println!("signing tokens");
        let inputs = Inputs::prepare(&signer)?;
        let postgres = Postgres::connect(&self.postgres).await?;
        println!("starting the servers");
        let contestants = Contestants::start(
            &self.server,
            &postgres,
            &self.peers,
            &signer,
            &inputs,
            folder.path(),
        )
        .await?;
        let rows: Vec<&Row> = ROWS.iter().filter(|row| self.is_wanted(row)).collect();
        if rows.is_empty() {
            return Err("no row is called so: `docs/benchmarks/README.md` shows them all".into());
        }
        let mut samples = Samples::default();
        for round in 1..=self.rounds {
            for group in GROUPS {
                let wanted = |who: &Who| {
                    rows.iter().any(|row| {
                        group_of(row) == Some(group)
                            && (row.ours == *who || row.beside.contains(who))
                    })
                };
                for who in group.who.iter().filter(|who| wanted(who)) {
                    let time = Duration::from_secs(self.seconds);
                    let measured = contestants.measure(*who, group, &inputs, time).await?;
                    let Some(measured) = measured else {
                        continue;
                    };
                    println!(
                        "round {round}: {}: {}: {:.0} a second",
                        group.name,
                        who.name(),
                        measured.rate
                    );
                    let all = samples.0.entry((group.name, *who)).or_default();
                    all.push(measured);
                }
            }
        }
        // The peak is told of the reads and webhooks that were measured, and not of the flood.
        let peak = contestants.service.memory()?.peak;
        println!("a flood of forged tokens");
        let flood = Flood::measure(&contestants.service, &inputs, &postgres, DATABASE).await?;
        let report = Report {
            rows,
            samples,
            facts: Facts {
                starts: contestants.starts,
                peak,
                flood,
                peers: crate::peers::figures(&contestants.peers)?,
            },
            machine: Machine::here(postgres.version().await?, self.peers.versions()),
            notes: crate::notes::read(self.notes.as_deref())?,
            seconds: self.seconds,
            rounds: self.rounds,
        };
        report.write(&self.report)?;
        print!("{}", report.tables());
        Ok(())
    }

    fn is_wanted(&self, row: &Row) -> bool {
        let is_named = self
            .only
            .as_ref()
            .is_none_or(|part| row.key.contains(part.as_str()) || row.name.contains(part.as_str()));
        is_named && (!row.is_about_peers() || self.peers.has_any(row.beside))
    }
}
