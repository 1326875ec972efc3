use chrono::Utc;
use clap::Args;
use domain::{BackfillOptions, Listing, Unmappable, backfill};

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

/// A line for each of the first objects that could not be read, and one for the rest.
pub(super) fn unmappable(objects: &Unmappable) -> Vec<String> {
    let mut lines: Vec<String> = objects
        .first
        .iter()
        .map(|object| {
            let id = object.id.as_deref().unwrap_or("(no id)");
            format!("{} {id}: {}", object.listing.as_str(), object.reason)
        })
        .collect();
    let more = objects.count.saturating_sub(lines.len() as u64);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines
}

/// What is to be known of a listing that Clerk has switched off.
pub(super) fn switched_off(listing: Listing, words: &str) -> String {
    format!(
        "{} are switched off at Clerk, and were left alone: {words}",
        listing.as_str()
    )
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
        for (listing, words) in &report.switched_off {
            output::warning(switched_off(*listing, words));
        }
        if report.unmappable.count > 0 {
            output::warning(format!(
                "{} objects could not be taken:",
                report.unmappable.count
            ));
            for line in unmappable(&report.unmappable) {
                output::note(format!("  {line}"));
            }
        }
        Ok(())
    }
}
