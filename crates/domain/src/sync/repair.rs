//! The second and third look at rows that seem wrong, and putting them right.

use chrono::{DateTime, Utc};

use crate::{Deletion, DirectoryError, Mirrored, StoreError, Write};

use super::differences::{Drift, Finding, judge, version};
use super::reconcile::{Suspects, Sweep};
use super::{SyncError, adopt_what_fits};

/// How often a row is looked at that changes while it is looked at. After that it is plain that webhooks keep it.
const LOOKS: usize = 3;

impl Sweep<'_> {
    /// Looks again at rows that seemed wrong, now that events on their way have had time to come.
    ///
    /// A row that is still missing or older than the page was behind when the page was read, whatever Clerk has done
    /// since. A row that differs may as well be ahead of the page: only Clerk can tell, asked for that object alone.
    pub(super) async fn look_again(&mut self, suspects: Suspects) -> Result<(), SyncError> {
        let Suspects { told, read_at } = suspects;
        let rows = self.rows_of(&told).await?;
        let (mut behind, mut doubtful) = (Vec::new(), Vec::new());
        for write in told {
            let row = rows.get(&write);
            match judge(Some(&write), row) {
                None => {}
                Some(finding) if finding.drift == Drift::Differs => doubtful.extend(row.cloned()),
                Some(finding) => behind.push((write, finding)),
            }
        }
        if self.report.repair {
            self.catch_up(behind, read_at).await?;
        } else {
            for (_, finding) in &behind {
                self.report.count(self.listing, finding, false);
            }
        }
        for row in doubtful {
            let id = row.clerk_id().clone();
            if self.examine(row, IfGone::LeaveIt).await? == Verdict::Gone {
                // Deleted since the page was read: it stands with the other absent ones from now on.
                self.seen.remove(&id);
            }
        }
        Ok(())
    }

    /// Brings rows up to what a page showed, many in one transaction.
    async fn catch_up(
        &mut self,
        behind: Vec<(Write, Finding)>,
        read_at: DateTime<Utc>,
    ) -> Result<(), SyncError> {
        let writes: Vec<Write> = behind.iter().map(|(write, _)| write.clone()).collect();
        adopt_what_fits(self.mirror, writes.clone(), read_at).await?;
        let rows = self.rows_of(&writes).await?;
        for (write, finding) in behind {
            let row = rows.get(&write);
            let is_repaired = match judge(Some(&write), row) {
                None => true,
                // An event has carried the row beyond the page: not our work, and no drift any more.
                Some(_) if row.is_some_and(|row| is_beyond(row, &write)) => continue,
                // The row's place says more than its version does, or the database refuses the content.
                Some(_) => self.correct(row.cloned(), write, read_at).await?,
            };
            self.report.count(self.listing, &finding, is_repaired);
        }
        Ok(())
    }

    /// Asks Clerk about a live row that it did not list. Answers whether the row was indeed too many.
    pub(super) async fn examine_absent(&mut self, row: Mirrored) -> Result<bool, SyncError> {
        Ok(self.examine(row, IfGone::Delete).await? == Verdict::Gone)
    }

    /// Holds a row against what Clerk says of that object this moment, and counts or repairs what is wrong.
    ///
    /// The row is read before and after Clerk is asked. When it has not changed meanwhile, then what Clerk said and what
    /// the row says were true at one time.
    async fn examine(&mut self, row: Mirrored, if_gone: IfGone) -> Result<Verdict, SyncError> {
        let mut row = row;
        let mut unrepaired = None;
        for _ in 0..LOOKS {
            if matches!(row, Mirrored::Forgotten(_)) {
                return Ok(Verdict::Alive);
            }
            let read_at = (self.clock)();
            let told = match self.directory.find(&row).await {
                Ok(told) => told,
                Err(DirectoryError::Unreadable(reason)) => {
                    let id = row.clerk_id().to_string();
                    self.report.unmappable.note(self.listing, Some(id), reason);
                    return Ok(Verdict::Alive);
                }
                Err(source) => return Err(self.failed(source)),
            };
            let Some(again) = self.row_again(&row).await? else {
                return Ok(Verdict::Alive);
            };
            if again != row {
                row = again;
                continue;
            }
            let Some(finding) = judge(told.as_ref(), Some(&row)) else {
                return Ok(Verdict::Alive);
            };
            if told.is_none() && if_gone == IfGone::LeaveIt {
                return Ok(Verdict::Gone);
            }
            let verdict = if told.is_some() {
                Verdict::Alive
            } else {
                Verdict::Gone
            };
            if !self.report.repair {
                self.report.count(self.listing, &finding, false);
                return Ok(verdict);
            }
            let write = told.unwrap_or_else(|| {
                Write::Deletion(Deletion {
                    kind: self.listing.kind(),
                    clerk_id: row.clerk_id().clone(),
                    deleted_at: read_at,
                })
            });
            if self.correct(Some(row.clone()), write, read_at).await? {
                self.report.count(self.listing, &finding, true);
                return Ok(verdict);
            }
            unrepaired = Some((finding, verdict));
            match self.row_again(&row).await? {
                Some(again) if again != row => {
                    row = again;
                    unrepaired = None;
                }
                // The store will not have it.
                _ => break,
            }
        }
        Ok(match unrepaired {
            Some((finding, verdict)) => {
                self.report.count(self.listing, &finding, false);
                verdict
            }
            None => Verdict::Alive,
        })
    }

    /// Whether the row now says what the write says. `false` when it moved meanwhile, or the database refused.
    async fn correct(
        &self,
        expected: Option<Mirrored>,
        write: Write,
        read_at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        match self.mirror.correct(expected, write, read_at).await {
            Err(StoreError::Refused(_)) => Ok(false),
            other => other,
        }
    }

    async fn row_again(&self, row: &Mirrored) -> Result<Option<Mirrored>, StoreError> {
        let ids = vec![row.clerk_id().clone()];
        Ok(self.rows.with_ids(self.listing, ids).await?.pop())
    }
}

/// What to do about a live row whose object Clerk does not have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum IfGone {
    /// Nothing: absence is judged when the whole listing has been read.
    LeaveIt,
    /// Mark it as deleted.
    Delete,
}

/// Whether Clerk has the object of a live row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It has, or cannot tell, or the row is not live any more.
    Alive,
    /// It has not.
    Gone,
}

fn is_beyond(row: &Mirrored, write: &Write) -> bool {
    row.is_deleted() || row.version() > version(write)
}
