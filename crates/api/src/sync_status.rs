//! What the last sweep found, for health and metrics.

use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Utc};
use domain::SweepSummary;

/// The last sweep of any replica, as far as this one has read of it.
pub struct SyncStatus {
    since: DateTime<Utc>,
    last: RwLock<Option<Arc<SweepSummary>>>,
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

    /// Keeps a summary in the place of the one before; `None` while no sweep has ended yet.
    pub fn set(&self, last: Option<SweepSummary>) {
        *self.last.write().unwrap_or_else(PoisonError::into_inner) = last.map(Arc::new);
    }

    /// The last sweep.
    #[must_use]
    pub fn last(&self) -> Option<Arc<SweepSummary>> {
        self.last
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
