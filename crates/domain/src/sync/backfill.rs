use std::collections::BTreeMap;

use serde::Serialize;

use crate::{Directory, Housekeeping, Listing, Mirror};

use super::pages::{Pages, Position};
use super::{Clock, Progress, SyncError, Told, Unmappable, adopt_what_fits, counted, wanted};

/// What a backfill reads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BackfillOptions {
    /// The listings, in any order; none means all.
    pub only: Vec<Listing>,
}

/// What a backfill has done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BackfillReport {
    /// Each listing that was read.
    pub listings: BTreeMap<Listing, ListingRead>,
    /// What Clerk listed and could not be taken.
    pub unmappable: Unmappable,
    /// Listings that are switched off at Clerk, and Clerk's words.
    pub switched_off: BTreeMap<Listing, String>,
}

/// What became of one listing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ListingRead {
    /// Objects that this run read.
    pub read: u64,
    /// Rows that were made or changed; the others knew as much already.
    pub changed: u64,
    /// Pages that this run read.
    pub pages: u64,
    /// Whether this run went on where an interrupted one had come to.
    pub resumed: bool,
}

/// A position as it is kept: the number of objects before it, a space, and Clerk's cursor. `None` at the end.
fn word(position: &Position) -> Option<String> {
    let after = position.after.as_deref()?;
    Some(format!("{} {after}", position.done))
}

fn parse(word: &str) -> Position {
    let (done, after) = word
        .split_once(' ')
        .and_then(|(done, after)| Some((done.parse().ok()?, after)))
        .unwrap_or((0, word));
    Position {
        done,
        after: Some(after.to_owned()),
    }
}

/// Reads everything that Clerk lists into the mirror, page by page, in memory for one page.
///
/// Every page is committed before its end is kept as the checkpoint `backfill:<listing>`, so a run that was killed at any
/// point goes on where it stood and at worst reads one page twice. The writes are guarded: what webhooks tell meanwhile
/// wins when it is newer. A listing that was read to its end forgets its checkpoint.
///
/// # Errors
/// When a page is not to be had or the store fails. The next run goes on from there.
pub async fn backfill(
    directory: &dyn Directory,
    mirror: &dyn Mirror,
    housekeeping: &dyn Housekeeping,
    options: &BackfillOptions,
    progress: Told<'_>,
    clock: Clock<'_>,
) -> Result<BackfillReport, SyncError> {
    let mut report = BackfillReport::default();
    for listing in wanted(&options.only) {
        let checkpoint = format!("backfill:{}", listing.as_str());
        let kept = housekeeping.checkpoint(&checkpoint).await?;
        let total = counted(directory, listing).await;
        let mut pages = Pages::new(directory, listing, kept.as_deref().map(parse));
        let mut read = ListingRead::default();
        loop {
            let read_at = clock();
            let page = pages.next().await;
            let Some(page) = page.map_err(|source| SyncError::Directory { listing, source })?
            else {
                break;
            };
            if pages.read() == 1 {
                // What the checkpoint pointed at may be gone; then this was read from the beginning.
                read.resumed = kept.is_some() && !pages.has_stepped_back();
            }
            read.read += (page.writes.len() + page.unmappable.len()) as u64;
            read.pages = pages.read();
            if let Some(words) = page.switched_off {
                report.switched_off.insert(listing, words);
            }
            for (id, reason) in page.unmappable {
                report.unmappable.note(listing, id, reason);
            }
            let (changed, refused) = adopt_what_fits(mirror, page.writes, read_at).await?;
            read.changed += changed;
            for write in refused {
                let id = write.key().1.to_string();
                let reason = "the database refused its content".to_owned();
                report.unmappable.note(listing, Some(id), reason);
            }
            housekeeping
                .keep_checkpoint(&checkpoint, word(pages.position()))
                .await?;
            progress(Progress {
                listing,
                done: pages.position().done,
                total,
                pages: pages.read(),
            });
        }
        report.listings.insert(listing, read);
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_survives_the_round_trip() {
        for after in ["user_1", "500", "with a space", " ", ""] {
            let position = Position {
                done: 7,
                after: Some(after.to_owned()),
            };
            assert_eq!(parse(&word(&position).unwrap()), position);
        }
    }

    #[test]
    fn a_bare_cursor_is_taken_too() {
        let position = parse("user_1");
        assert_eq!(
            (position.done, position.after.as_deref()),
            (0, Some("user_1"))
        );
    }
}
