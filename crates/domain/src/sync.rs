//! How the mirror is filled from Clerk's Backend API, held against it, and put right.

mod alarm;
mod backfill;
mod brake;
mod differences;
mod pages;
mod reconcile;
mod repair;
mod report;
mod schedule;
mod seen;
mod summary;
mod unmappable;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{Directory, DirectoryError, Listing, Mirror, StoreError, Write};

pub use alarm::no_events_alarm;
pub use backfill::{BackfillOptions, BackfillReport, ListingRead, backfill};
pub use brake::{Braked, MaxAbsent};
pub use reconcile::{ReconcileOptions, reconcile};
pub use report::{Failure, KindDrift, ReconcileReport};
pub use schedule::{DueSweep, SweepLog, SweepPlan};
pub use summary::SweepSummary;
pub use unmappable::{Unmappable, UnmappableObject};

/// How far the reading of one listing has come; told after every page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// What is being read.
    pub listing: Listing,
    /// Objects read until now, those before a resumption included.
    pub done: u64,
    /// Objects that Clerk counted at the start; `None` when it did not say. More may have come since.
    pub total: Option<u64>,
    /// Pages read by this run.
    pub pages: u64,
}

/// Why a backfill or a sweep could not go on.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// Clerk did not answer; what was read until then is in the rows.
    #[error("the listing of {} stopped", listing.as_str())]
    Directory {
        /// What was being read.
        listing: Listing,
        /// Clerk's reason.
        #[source]
        source: DirectoryError,
    },
    /// The store could not be read or written.
    #[error("the mirror could not be read or written")]
    Store(#[from] StoreError),
}

/// Where progress goes.
type Told<'a> = &'a (dyn Fn(Progress) + Send + Sync);

/// Where the time comes from: both jobs are long, so one instant would not do.
type Clock<'a> = &'a (dyn Fn() -> DateTime<Utc> + Send + Sync);

/// Those of all listings that were asked for, parents first; nothing asked for means all.
fn wanted(asked: &[Listing]) -> impl Iterator<Item = Listing> {
    Listing::ALL
        .iter()
        .copied()
        .filter(move |listing| asked.is_empty() || asked.contains(listing))
}

/// How many there are, for progress alone: a listing that cannot be counted may well be read.
async fn counted(directory: &dyn Directory, listing: Listing) -> Option<u64> {
    directory.count(listing).await.ok()
}

/// Adopts what the store takes: one write that it refuses does not hold up its neighbours. Answers how many rows changed,
/// and which writes were refused.
async fn adopt_what_fits(
    mirror: &dyn Mirror,
    writes: Vec<Write>,
    read_at: DateTime<Utc>,
) -> Result<(u64, Vec<Write>), StoreError> {
    if writes.is_empty() {
        return Ok((0, Vec::new()));
    }
    match mirror.adopt(writes.clone(), read_at).await {
        Err(StoreError::Refused(_)) => {}
        other => return other.map(|changed| (changed, Vec::new())),
    }
    let (mut changed, mut refused) = (0, Vec::new());
    for write in writes {
        match mirror.adopt(vec![write.clone()], read_at).await {
            Ok(one) => changed += one,
            Err(StoreError::Refused(_)) => refused.push(write),
            Err(error) => return Err(error),
        }
    }
    Ok((changed, refused))
}
