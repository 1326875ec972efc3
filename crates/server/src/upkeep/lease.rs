//! The lease: of all replicas, one does the background work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::Utc;
use domain::{Housekeeping, StoreError};
use tokio::time::{Instant, sleep_until, timeout_at};
use uuid::Uuid;

const JOB: &str = "upkeep";
/// How long the lease lasts unless it is renewed: the longest that nobody does the work after a crash.
const LEASE_TIME: Duration = Duration::from_secs(25);
/// How often the lease is renewed, and between two rounds of the small work.
pub(super) const ROUND: Duration = Duration::from_secs(8);

pub(super) struct Lease {
    housekeeping: Arc<dyn Housekeeping>,
    holder: String,
    /// For metrics: whether it was ours when we last asked.
    is_ours: Arc<AtomicBool>,
}

impl Lease {
    pub(super) fn new(housekeeping: Arc<dyn Housekeeping>) -> Self {
        Self {
            housekeeping,
            holder: Uuid::now_v7().to_string(),
            is_ours: Arc::default(),
        }
    }

    /// Takes or renews the lease; answers until when it surely lasts, `None` when it is another's.
    pub(super) async fn take(&self) -> Result<Option<Instant>, StoreError> {
        // From before the question on, whatever its answer takes.
        let until = Instant::now() + LEASE_TIME;
        let taken = self.hold(LEASE_TIME).await;
        // Where nobody answers, nobody else may have it either, until it runs out: the next round says.
        self.is_ours
            .store(matches!(taken, Ok(true)), Ordering::Relaxed);
        let is_ours = taken?;
        Ok(is_ours.then_some(until))
    }

    /// Whether this replica does the work.
    pub(super) fn is_ours(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_ours)
    }

    /// Renews the lease again and again; returns once it is not ours any more, or may not be.
    pub(super) async fn lost(&self, mut held_until: Instant) {
        loop {
            sleep_until((Instant::now() + ROUND).min(held_until)).await;
            match timeout_at(held_until, self.take()).await {
                Ok(Ok(Some(until))) => held_until = until,
                Ok(Ok(None)) | Err(_) => return,
                Ok(Err(error)) => {
                    tracing::warn!(%error, "the lease of the background work could not be renewed");
                    if Instant::now() >= held_until {
                        return;
                    }
                }
            }
        }
    }

    /// Lets it end now, if it is ours.
    pub(super) async fn give_up(&self) {
        if let Err(error) = self.hold(Duration::ZERO).await {
            tracing::debug!(%error, "the lease of the background work runs out by itself");
        }
    }

    async fn hold(&self, time: Duration) -> Result<bool, StoreError> {
        let now = Utc::now();
        self.housekeeping
            .lease(JOB, &self.holder, now, now + time)
            .await
    }
}
