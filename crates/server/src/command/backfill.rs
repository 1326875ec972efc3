use chrono::Utc;
use clap::Args;
use domain::{BackfillOptions, Listing, backfill};

use super::job::{Shown, Source};
use super::{Failure, output};

#[derive(Debug, Args)]
pub(super) struct Backfill {
    /// Only these: users, organizations, memberships
    #[arg(long, value_delimiter = ',', value_parser = listing)]
    only: Vec<Listing>,
    #[command(flatten)]
    source: Source,
}

pub(super) fn listing(name: &str) -> Result<Listing, String> {
    Listing::parse(name).ok_or_else(|| {
        let names: Vec<&str> = Listing::ALL
            .iter()
            .map(|listing| listing.as_str())
            .collect();
        format!("there are {}", names.join(", "))
    })
}

impl Backfill {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let job = self.source.open().await?;
        let directory = job.directory()?;
        let shown = Shown::new();
        let options = BackfillOptions { only: self.only };
        let tell = |progress| shown.tell(progress);
        let store = &job.store;
        let report = backfill(
            &directory,
            &*store.mirror,
            &*store.housekeeping,
            &options,
            &tell,
            &Utc::now,
        )
        .await?;
        for (listing, read) in &report.listings {
            output::line(format!(
                "{}: {} read, {} changed",
                listing.as_str(),
                read.read,
                read.changed
            ));
        }
        if report.unmappable.count > 0 {
            output::warning(format!(
                "{} objects could not be taken:",
                report.unmappable.count
            ));
            for object in &report.unmappable.first {
                let id = object.id.as_deref().unwrap_or("(no id)");
                output::note(format!(
                    "  {} {id}: {}",
                    object.listing.as_str(),
                    object.reason
                ));
            }
        }
        Ok(())
    }
}
