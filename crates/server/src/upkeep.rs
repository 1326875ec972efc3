//! Work that nobody asks for: lapsed tiers, old ledger lines, and the sweep that holds the mirror against Clerk.
//!
//! One replica does it, the one that holds the lease. When it dies, another takes over once the lease has run out.

use std::sync::Arc;
use std::time::Duration;

use api::SyncStatus;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{Directory, ReconcileOptions, StoreError, reconcile};
use persistence::Store;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::config::SyncConfig;

const LEASE: &str = "upkeep";
/// How long the lease lasts unless it is renewed: the longest that nobody does the work after a crash.
const LEASE_TIME: TimeDelta = TimeDelta::seconds(25);
/// How often the lease is renewed and the small work done.
const ROUND: Duration = Duration::from_secs(8);
/// Where the time of the last sweep is kept.
const LAST_SWEEP: &str = "reconcile:last";
/// Small batches, so that no webhook waits long behind one.
const SETTLED_AT_ONCE: u32 = 200;
const PRUNED_AT_ONCE: u32 = 500;

/// The worker.
pub(crate) struct Upkeep {
    store: Store,
    directory: Option<Arc<dyn Directory>>,
    config: SyncConfig,
    status: Arc<SyncStatus>,
    holder: String,
}

impl Upkeep {
    pub(crate) fn new(
        store: Store,
        directory: Option<Arc<dyn Directory>>,
        config: SyncConfig,
        status: Arc<SyncStatus>,
    ) -> Self {
        Self {
            store,
            directory,
            config,
            status,
            holder: Uuid::now_v7().to_string(),
        }
    }

    /// Works until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        // A shorter interval between sweeps is kept too.
        let pause = self
            .config
            .reconcile_interval
            .map_or(ROUND, |interval| interval.min(ROUND));
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                result = self.round() => {
                    if let Err(error) = result {
                        tracing::warn!(%error, "background work has to wait");
                    }
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn round(&self) -> Result<(), StoreError> {
        let now = Utc::now();
        if !self.hold_lease(now).await? {
            return Ok(());
        }
        while self
            .store
            .housekeeping
            .settle_tiers(now, SETTLED_AT_ONCE)
            .await?
            >= u64::from(SETTLED_AT_ONCE)
        {}
        let oldest = now - TimeDelta::days(i64::from(self.config.retention_days));
        while self
            .store
            .housekeeping
            .prune_deliveries(oldest, PRUNED_AT_ONCE)
            .await?
            >= u64::from(PRUNED_AT_ONCE)
        {
            self.hold_lease(Utc::now()).await?;
        }
        while self
            .store
            .tickets
            .prune_tickets(now, PRUNED_AT_ONCE)
            .await?
            >= u64::from(PRUNED_AT_ONCE)
        {}
        if let (Some(directory), Some(interval)) = (&self.directory, self.config.reconcile_interval)
            && self.is_due(interval, now).await?
        {
            self.store
                .housekeeping
                .keep_checkpoint(LAST_SWEEP, Some(now.to_rfc3339()))
                .await?;
            self.sweep(&**directory).await;
        }
        Ok(())
    }

    async fn hold_lease(&self, now: DateTime<Utc>) -> Result<bool, StoreError> {
        self.store
            .housekeeping
            .lease(LEASE, &self.holder, now, now + LEASE_TIME)
            .await
    }

    async fn is_due(&self, interval: Duration, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let last = self.store.housekeeping.checkpoint(LAST_SWEEP).await?;
        let last = last.and_then(|text| DateTime::parse_from_rfc3339(&text).ok());
        Ok(last.is_none_or(|last| {
            now.signed_duration_since(last)
                .to_std()
                .is_ok_and(|since| since >= interval)
        }))
    }

    /// Holds the mirror against Clerk and puts it right, renewing the lease meanwhile.
    async fn sweep(&self, directory: &dyn Directory) {
        let options = ReconcileOptions {
            repair: true,
            max_absent: self.config.max_absent,
            ..Default::default()
        };
        let silent = |_| {};
        let sweep = reconcile(
            directory,
            &*self.store.mirror,
            &*self.store.rows,
            &options,
            &silent,
            &Utc::now,
        );
        let renewing = async {
            loop {
                tokio::time::sleep(ROUND).await;
                if let Err(error) = self.hold_lease(Utc::now()).await {
                    tracing::warn!(%error, "the lease of the background work could not be renewed");
                }
            }
        };
        let result = tokio::select! {
            result = sweep => result,
            never = renewing => never,
        };
        match result {
            Ok(report) => {
                tracing::info!(
                    drift = report.drift,
                    repaired = report.repaired,
                    stopped = report.stopped(),
                    "held the mirror against Clerk"
                );
                self.status.set(report, Utc::now());
            }
            Err(error) => tracing::warn!(%error, "the mirror could not be held against Clerk"),
        }
    }
}
