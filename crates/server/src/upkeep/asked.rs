//! Sweeps that somebody has asked for: the wish and how far it has come are kept where every replica finds them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{
    AskedSweep, Attribution, AuditAction, AuditLog, AuditRecord, Housekeeping, Progress,
    StoreError, SweepRequests,
};
use tokio::sync::Notify;

/// The wish and its progress, as JSON.
const ASKED: &str = "reconcile:asked";
/// How often progress is written down.
const PACE: Duration = Duration::from_millis(500);

/// The wishes of all replicas, by way of the store.
pub(crate) struct AskedSweeps {
    housekeeping: Arc<dyn Housekeeping>,
    audit: Arc<dyn AuditLog>,
    /// Spares the replica that works the wait for its next round, where it was asked itself.
    wake: Notify,
}

impl AskedSweeps {
    pub(crate) fn new(housekeeping: Arc<dyn Housekeeping>, audit: Arc<dyn AuditLog>) -> Self {
        Self {
            housekeeping,
            audit,
            wake: Notify::new(),
        }
    }

    /// Waits until this replica is asked.
    pub(super) async fn told(&self) {
        self.wake.notified().await;
    }

    /// The wish, marked as begun, if there is one. One that broke off begins anew.
    pub(super) async fn begin(&self, now: DateTime<Utc>) -> Result<Option<AskedSweep>, StoreError> {
        let asked = self.asked().await?;
        if asked.asked_at.is_none() {
            return Ok(None);
        }
        let begun = AskedSweep {
            began_at: Some(now),
            listing: None,
            done: 0,
            total: None,
            ..asked
        };
        self.keep(Some(&begun)).await?;
        Ok(Some(begun))
    }

    /// Nobody waits any more.
    pub(super) async fn ended(&self) -> Result<(), StoreError> {
        self.keep(None).await
    }

    /// Writes down how far a sweep has come, for as long as it is polled. A word that is lost is followed by the next.
    pub(super) async fn follow(
        &self,
        begun: AskedSweep,
        latest: &Latest,
    ) -> std::convert::Infallible {
        loop {
            tokio::time::sleep(PACE).await;
            let Some(progress) = latest.take() else {
                continue;
            };
            let Progress {
                listing,
                done,
                total,
                pages: _,
            } = progress;
            let known = AskedSweep {
                listing: Some(listing.as_str().to_owned()),
                done,
                total,
                ..begun.clone()
            };
            if let Err(error) = self.keep(Some(&known)).await {
                tracing::debug!(%error, "how far the sweep has come is not written down");
            }
        }
    }

    async fn keep(&self, asked: Option<&AskedSweep>) -> Result<(), StoreError> {
        // Names and numbers: this cannot fail.
        let word = asked.map(|asked| serde_json::to_string(asked).unwrap_or_default());
        self.housekeeping.keep_checkpoint(ASKED, word).await
    }
}

/// The last progress that was told and not written down.
#[derive(Default)]
pub(super) struct Latest(Mutex<Option<Progress>>);

impl Latest {
    pub(super) fn tell(&self, progress: Progress) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress);
    }

    fn take(&self) -> Option<Progress> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[async_trait]
impl SweepRequests for AskedSweeps {
    async fn ask(&self, by: Attribution) -> Result<AskedSweep, StoreError> {
        let asked = self.asked().await?;
        if asked.asked_at.is_some() {
            self.wake.notify_one();
            return Ok(asked);
        }
        let asked = AskedSweep {
            asked_at: Some(by.at),
            ..AskedSweep::default()
        };
        let record = AuditRecord {
            action: AuditAction::SweepRequested,
            subject: None,
            before: None,
            after: None,
        };
        // The line first: a wish that is not written down after it does nothing.
        self.audit.record(record, by).await?;
        self.keep(Some(&asked)).await?;
        self.wake.notify_one();
        Ok(asked)
    }

    async fn asked(&self) -> Result<AskedSweep, StoreError> {
        let kept = self.housekeeping.checkpoint(ASKED).await?;
        // What cannot be read was kept by another version.
        let asked = kept.and_then(|text| serde_json::from_str(&text).ok());
        Ok(asked.unwrap_or_default())
    }
}
