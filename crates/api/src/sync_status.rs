//! What the last sweep found, for health and metrics.

use std::sync::{PoisonError, RwLock};

use chrono::{DateTime, Utc};
use domain::ReconcileReport;

/// The last sweep of this process, if it has made one.
#[derive(Default)]
pub struct SyncStatus(RwLock<Option<(ReconcileReport, DateTime<Utc>)>>);

impl SyncStatus {
    /// Keeps a sweep's report in the place of the one before.
    pub fn set(&self, report: ReconcileReport, at: DateTime<Utc>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some((report, at));
    }

    /// The last report, and when it was made.
    #[must_use]
    pub fn last(&self) -> Option<(ReconcileReport, DateTime<Utc>)> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
