use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::{
    ClerkId, Directory, DirectoryError, Listing, Mirror, MirrorRows, Mirrored, Precedence,
    StoreError, Write,
};

use super::differences::judge;
use super::pages::Pages;
use super::report::{Failure, ReconcileReport};
use super::seen::Seen;
use super::{Braked, Clock, MaxAbsent, Progress, SyncError, Told, counted, wanted};

/// What a sweep does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReconcileOptions {
    /// Whether drift is put right, or only counted.
    pub repair: bool,
    /// How many rows may be deleted.
    pub max_absent: MaxAbsent,
    /// The listings, in any order; none means all.
    pub listings: Vec<Listing>,
    /// Only what may have changed at Clerk since this time, as far as Clerk can list that; `None`: everything. Absence is
    /// judged by whole sweeps alone.
    pub since: Option<DateTime<Utc>>,
}

/// Rows read at one time when absence is judged.
const LIVE_PAGE: u32 = 500;

/// Holds every mirrored row against everything that Clerk lists, and puts right what is not, if asked to.
///
/// A row that looks wrong gets a second look one page later, and a third beside what Clerk says of it alone where the
/// first two do not prove that it is wrong: so what webhooks tell meanwhile is no drift. Deletions follow absence only
/// after a whole listing, only after Clerk has said of each object that there is none, and never more of them than
/// [`MaxAbsent`] allows. Where there is no drift nothing is written. Memory grows by eight bytes an object.
///
/// # Errors
/// When the store fails. When Clerk fails the report says so (see [`ReconcileReport::stopped`]).
pub async fn reconcile(
    directory: &dyn Directory,
    mirror: &dyn Mirror,
    rows: &dyn MirrorRows,
    options: &ReconcileOptions,
    progress: Told<'_>,
    clock: Clock<'_>,
) -> Result<ReconcileReport, SyncError> {
    let mut report = ReconcileReport {
        repair: options.repair,
        since: options.since,
        ..ReconcileReport::default()
    };
    for listing in wanted(&options.listings) {
        report.kinds.entry(listing).or_default();
        let judges_absence = report.failures.is_empty() && options.since.is_none();
        let mut sweep = Sweep {
            directory,
            mirror,
            rows,
            clock,
            listing,
            started_at: clock(),
            seen: Seen::default(),
            report: &mut report,
        };
        let result = match sweep.compare(progress).await {
            Ok(Read::Whole) if judges_absence => sweep.judge_absence(options.max_absent).await,
            other => other.map(drop),
        };
        match result {
            Err(SyncError::Directory { listing, source }) => report.failures.push(Failure {
                listing,
                reason: source.to_string(),
            }),
            other => other?,
        }
    }
    Ok(report)
}

/// The sweep over one listing.
pub(super) struct Sweep<'a> {
    pub(super) directory: &'a dyn Directory,
    pub(super) mirror: &'a dyn Mirror,
    pub(super) rows: &'a dyn MirrorRows,
    pub(super) clock: Clock<'a>,
    pub(super) listing: Listing,
    pub(super) started_at: DateTime<Utc>,
    pub(super) seen: Seen,
    pub(super) report: &'a mut ReconcileReport,
}

/// What the end of a listing proves.
enum Read {
    /// Everything was listed that there is.
    Whole,
    /// The listing is switched off at Clerk: that nothing is listed says nothing about what there is.
    SwitchedOff,
}

/// Objects whose rows looked wrong when their page was read.
#[derive(Default)]
pub(super) struct Suspects {
    pub(super) told: Vec<Write>,
    pub(super) read_at: DateTime<Utc>,
}

impl Sweep<'_> {
    /// Reads the listing and compares every object with its row.
    async fn compare(&mut self, progress: Told<'_>) -> Result<Read, SyncError> {
        let since = self.report.since;
        let total = match since {
            Some(_) => None,
            None => counted(self.directory, self.listing).await,
        };
        let mut pages = Pages::since(self.directory, self.listing, since);
        let mut read = Read::Whole;
        let mut suspects = Suspects::default();
        loop {
            let read_at = (self.clock)();
            let page = pages.next().await;
            // By now the events of what the page before showed have had the time of one page to come.
            let looked = self.look_again(suspects).await;
            let page = match (page, looked) {
                (_, Err(SyncError::Store(error))) => return Err(error.into()),
                (Err(source), _) => return Err(self.failed(source)),
                (Ok(_), Err(error)) => return Err(error),
                (Ok(None), Ok(())) => return Ok(read),
                (Ok(Some(page)), Ok(())) => page,
            };
            if let Some(words) = page.switched_off {
                self.report.switched_off.insert(self.listing, words);
                read = Read::SwitchedOff;
            }
            for (id, reason) in page.unmappable {
                // Clerk has it, so its row is not absent.
                if let Some(id) = id.as_deref().and_then(|id| ClerkId::parse(id).ok()) {
                    self.seen.insert(&id);
                }
                self.report.unmappable.note(self.listing, id, reason);
            }
            suspects = Suspects {
                told: self.suspicious(page.writes, read_at).await?,
                read_at,
            };
            progress(Progress {
                listing: self.listing,
                done: pages.position().done,
                total,
                pages: pages.read(),
            });
        }
    }

    /// Those of a page's objects whose rows look wrong.
    async fn suspicious(
        &mut self,
        mut writes: Vec<Write>,
        read_at: DateTime<Utc>,
    ) -> Result<Vec<Write>, SyncError> {
        // Pages by offset overlap when something before them goes or comes.
        writes.retain(|write| {
            let (kind, id) = write.key();
            kind == self.listing.kind() && self.seen.insert(id)
        });
        for write in &writes {
            let moved_at =
                updated_at(write).filter(|at| !Precedence::was_clamped(Some(*at), read_at));
            self.report.clerk_moved_at = self.report.clerk_moved_at.max(moved_at);
        }
        let rows = self.rows_of(&writes).await?;
        writes.retain(|write| judge(Some(write), rows.get(write)).is_some());
        Ok(writes)
    }

    /// Looks for live rows that Clerk did not list.
    async fn judge_absence(&mut self, max_absent: MaxAbsent) -> Result<(), SyncError> {
        let (mut live, mut absent, mut is_any_unseen) = (0, 0, false);
        let mut after = None;
        while let Some(rows) = self.live_after(&mut after).await? {
            live += rows.len() as u64;
            for row in rows
                .iter()
                .filter(|row| !self.seen.contains(row.clerk_id()))
            {
                is_any_unseen = true;
                // Made after the last page was read, most likely: no sign that anything is wrong with the listing.
                absent += u64::from(created_at(row) <= self.started_at);
            }
        }
        let limit = max_absent.limit(live);
        let braked = Braked {
            absent,
            live,
            limit,
        };
        if absent > limit {
            self.report.hold_all(self.listing, braked);
            return Ok(());
        }
        if !is_any_unseen {
            return Ok(());
        }
        let (mut extra, mut after) = (0, None);
        while let Some(rows) = self.live_after(&mut after).await? {
            for row in rows {
                if self.seen.contains(row.clerk_id()) {
                    continue;
                }
                // More of them than a moment ago.
                if extra >= limit {
                    self.report.hold(self.listing, braked);
                    return Ok(());
                }
                extra += u64::from(self.examine_absent(row).await?);
            }
        }
        Ok(())
    }

    /// The next live rows, none when there are no more.
    async fn live_after(
        &self,
        after: &mut Option<ClerkId>,
    ) -> Result<Option<Vec<Mirrored>>, SyncError> {
        let rows = self
            .rows
            .live_after(self.listing, after.clone(), LIVE_PAGE)
            .await?;
        *after = rows.last().map(|row| row.clerk_id().clone());
        Ok(after.is_some().then_some(rows))
    }

    /// The rows that the writes are about.
    pub(super) async fn rows_of(&self, writes: &[Write]) -> Result<Rows, StoreError> {
        if writes.is_empty() {
            return Ok(Rows::default());
        }
        let ids = writes.iter().map(|write| write.key().1.clone()).collect();
        let rows = self.rows.with_ids(self.listing, ids).await?;
        Ok(Rows(
            rows.into_iter()
                .map(|row| (row.clerk_id().clone(), row))
                .collect(),
        ))
    }

    pub(super) fn failed(&self, source: DirectoryError) -> SyncError {
        SyncError::Directory {
            listing: self.listing,
            source,
        }
    }
}

/// Rows by the ids of their objects.
#[derive(Default)]
pub(super) struct Rows(HashMap<ClerkId, Mirrored>);

impl Rows {
    pub(super) fn get(&self, write: &Write) -> Option<&Mirrored> {
        self.0.get(write.key().1)
    }
}

fn updated_at(write: &Write) -> Option<DateTime<Utc>> {
    match write {
        Write::User(write) => Some(write.profile.updated_at),
        Write::Organization(write) => Some(write.profile.updated_at),
        Write::Membership(write) => Some(write.profile.updated_at),
        _ => None,
    }
}

/// What is forgotten is never among the live rows.
fn created_at(row: &Mirrored) -> DateTime<Utc> {
    match row {
        Mirrored::User(user, _) => user.created_at,
        Mirrored::Organization(organization) => organization.created_at,
        Mirrored::Membership(membership) => membership.created_at,
        Mirrored::Forgotten(_) => DateTime::<Utc>::MAX_UTC,
    }
}
