//! What the last sweep found, for health and metrics.

use std::sync::{PoisonError, RwLock};

use chrono::{DateTime, Utc};
use domain::ReconcileReport;

/// The last sweep of this process, if it has made one.
pub struct SyncStatus {
    since: DateTime<Utc>,
    last: RwLock<Option<(ReconcileReport, DateTime<Utc>)>>,
}

impl SyncStatus {
    /// Nothing yet, from `now` on.
    #[must_use]
    pub fn new(now: DateTime<Utc>) -> Self {
        Self {
            since: now,
            last: RwLock::new(None),
        }
    }

    /// When this process began.
    #[must_use]
    pub fn since(&self) -> DateTime<Utc> {
        self.since
    }

    /// Keeps a sweep's report in the place of the one before.
    pub fn set(&self, report: ReconcileReport, at: DateTime<Utc>) {
        *self.last.write().unwrap_or_else(PoisonError::into_inner) = Some((report, at));
    }

    /// The last report, and when it was made.
    #[must_use]
    pub fn last(&self) -> Option<(ReconcileReport, DateTime<Utc>)> {
        self.last
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
