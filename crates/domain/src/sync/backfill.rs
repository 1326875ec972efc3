use std::collections::BTreeMap;

use serde::Serialize;

use crate::{Directory, DirectoryError, Housekeeping, Listing, Mirror, Page};

use super::{
    Clock, Progress, SyncError, Told, Unmappable, adopt_what_fits, counted, moves_on, wanted,
};

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

/// Where a listing's next page begins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Position {
    done: u64,
    after: Option<String>,
}

impl Position {
    /// The place after `done` objects, as it is kept: the number, a space, and Clerk's cursor.
    fn word(done: u64, next: &str) -> String {
        format!("{done} {next}")
    }

    fn parse(word: &str) -> Self {
        let (done, after) = word
            .split_once(' ')
            .and_then(|(done, after)| Some((done.parse().ok()?, after)))
            .unwrap_or((0, word));
        Self {
            done,
            after: Some(after.to_owned()),
        }
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
        let mut position = kept.as_deref().map(Position::parse).unwrap_or_default();
        let mut read = ListingRead {
            resumed: kept.is_some(),
            ..ListingRead::default()
        };
        let total = counted(directory, listing).await;
        loop {
            let failed = |source| SyncError::Directory { listing, source };
            let read_at = clock();
            let page = match directory.page(listing, position.after.clone()).await {
                // What the checkpoint points at may be gone by now; then only the beginning is left to begin from.
                Err(DirectoryError::Refused(_)) if read.resumed && read.pages == 0 => {
                    housekeeping.keep_checkpoint(&checkpoint, None).await?;
                    position = Position::default();
                    read.resumed = false;
                    continue;
                }
                answer => answer.map_err(failed)?,
            };
            let Page {
                writes,
                unmappable,
                next,
            } = page;
            moves_on(position.after.as_deref(), next.as_deref()).map_err(failed)?;

            let count = (writes.len() + unmappable.len()) as u64;
            for (id, reason) in unmappable {
                report.unmappable.note(listing, id, reason);
            }
            let (changed, refused) = adopt_what_fits(mirror, writes, read_at).await?;
            for write in refused {
                let id = write.key().1.to_string();
                let reason = "the database refused its content".to_owned();
                report.unmappable.note(listing, Some(id), reason);
            }
            position.done += count;
            let word = next
                .as_deref()
                .map(|next| Position::word(position.done, next));
            housekeeping.keep_checkpoint(&checkpoint, word).await?;

            read.read += count;
            read.changed += changed;
            read.pages += 1;
            progress(Progress {
                listing,
                done: position.done,
                total,
                pages: read.pages,
            });
            position.after = next;
            if position.after.is_none() {
                break;
            }
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
        for next in ["user_1", "500", "with a space", " ", ""] {
            let position = Position::parse(&Position::word(7, next));
            assert_eq!((position.done, position.after.as_deref()), (7, Some(next)));
        }
    }

    #[test]
    fn a_bare_cursor_is_taken_too() {
        let position = Position::parse("user_1");
        assert_eq!(
            (position.done, position.after.as_deref()),
            (0, Some("user_1"))
        );
    }
}
