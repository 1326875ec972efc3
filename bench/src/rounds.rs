//! The run: servers started, every work measured on all who do it in turn, several times over.

use std::collections::HashMap;
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
use crate::told::{Subjects, Times};
use crate::who::Who;

/// What is measured with what.
#[derive(clap::Args)]
pub(crate) struct Run {
    #[command(flatten)]
    subjects: Subjects,
    #[command(flatten)]
    times: Times,
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
        let postgres = Postgres::connect(&self.subjects.postgres).await?;
        println!("starting the servers");
        let contestants = Contestants::start(
            &self.subjects.server,
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
        for round in 1..=self.times.rounds {
            for group in GROUPS {
                let wanted = |who: &Who| {
                    rows.iter().any(|row| {
                        group_of(row) == Some(group)
                            && (row.ours == *who || row.beside.contains(who))
                    })
                };
                for who in group.who.iter().filter(|who| wanted(who)) {
                    let time = Duration::from_secs(self.times.seconds);
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
            notes: crate::notes::read(self.times.notes.as_deref())?,
            seconds: self.times.seconds,
            rounds: self.times.rounds,
        };
        report.write(&self.subjects.report)?;
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
