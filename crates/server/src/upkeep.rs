//! Work that nobody asks for: lapsed tiers, persons to be forgotten whose time has come, old ledger lines, users known
//! from a token alone, and the sweeps that hold the mirror against Clerk.
//!
//! One replica does it, the one that holds the lease. When it dies, another takes over once the lease has run out; when
//! it loses the lease, it stops in the middle of whatever it does. Every replica reads what the last sweep found.

mod asked;
mod forget;
mod lease;
mod sweeps;
#[cfg(test)]
mod tests;
mod thin;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use api::SyncStatus;
use chrono::{TimeDelta, Utc};
use domain::{
    Directory, Enrichment, Erasures, Housekeeping, Mirror, MirrorRows, StoreError, StreamTickets,
};
use futures_util::FutureExt as _;
use persistence::Store;
use tokio_util::sync::CancellationToken;

use crate::config::SyncConfig;
pub(crate) use asked::AskedSweeps;
use forget::Forget;
use lease::{Lease, ROUND};
use sweeps::Sweeps;
use thin::ThinUsers;

/// Small batches, so that no webhook waits long behind one.
const SETTLED_AT_ONCE: u32 = 200;
const PRUNED_AT_ONCE: u32 = 500;

/// The worker.
pub(crate) struct Upkeep {
    housekeeping: Arc<dyn Housekeeping>,
    tickets: Arc<dyn StreamTickets>,
    lease: Lease,
    forget: Forget,
    sweeps: Sweeps,
    thin: ThinUsers,
    asked: Arc<AskedSweeps>,
    retention_days: u32,
    pause: Duration,
}

/// What it works with.
pub(crate) struct Tools {
    pub(crate) housekeeping: Arc<dyn Housekeeping>,
    pub(crate) mirror: Arc<dyn Mirror>,
    pub(crate) rows: Arc<dyn MirrorRows>,
    pub(crate) tickets: Arc<dyn StreamTickets>,
    pub(crate) erasures: Arc<dyn Erasures>,
    /// `None` without a secret key: then nothing is swept.
    pub(crate) directory: Option<Arc<dyn Directory>>,
    pub(crate) enrichment: Arc<dyn Enrichment>,
    pub(crate) status: Arc<SyncStatus>,
    pub(crate) asked: Arc<AskedSweeps>,
}

impl Tools {
    pub(crate) fn of(
        store: &Store,
        directory: Option<Arc<dyn Directory>>,
        enrichment: Arc<dyn Enrichment>,
        status: Arc<SyncStatus>,
        asked: Arc<AskedSweeps>,
    ) -> Self {
        Self {
            housekeeping: Arc::clone(&store.housekeeping),
            mirror: Arc::clone(&store.mirror),
            rows: Arc::clone(&store.rows),
            tickets: Arc::clone(&store.tickets),
            erasures: Arc::clone(&store.erasures),
            directory,
            enrichment,
            status,
            asked,
        }
    }
}

impl Upkeep {
    pub(crate) fn new(tools: Tools, config: &SyncConfig) -> Self {
        let housekeeping = Arc::clone(&tools.housekeeping);
        // A shorter interval between sweeps is kept too.
        let pause = config
            .reconcile_interval
            .map_or(ROUND, |interval| interval.min(ROUND));
        Self {
            lease: Lease::new(Arc::clone(&housekeeping)),
            tickets: Arc::clone(&tools.tickets),
            forget: Forget::new(Arc::clone(&tools.erasures)),
            asked: Arc::clone(&tools.asked),
            thin: ThinUsers::new(Arc::clone(&housekeeping), Arc::clone(&tools.enrichment)),
            sweeps: Sweeps::new(tools, config),
            retention_days: config.retention_days,
            housekeeping,
            pause,
        }
    }

    /// Whether this replica is the one that works, kept up to date.
    pub(crate) fn leads(&self) -> Arc<AtomicBool> {
        self.lease.is_ours()
    }

    /// Works until `stop`, and then lets another replica go on at once.
    pub(crate) async fn run(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.unharmed_round() => {}
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(self.pause) => {}
                () = self.asked.told() => {}
            }
        }
        self.lease.give_up().await;
    }

    /// A round. One that panics is a fault of ours, and no reason to do nothing any more.
    async fn unharmed_round(&self) {
        let round = AssertUnwindSafe(self.round()).catch_unwind().await;
        if round.is_err() {
            tracing::error!("background work panicked");
        }
    }

    async fn round(&self) {
        if let Err(error) = self.sweeps.learn().await {
            tracing::warn!(%error, "what the last sweep found cannot be read");
        }
        let held_until = match self.lease.take().await {
            Ok(Some(until)) => until,
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(%error, "background work has to wait");
                return;
            }
        };
        tokio::select! {
            result = self.work() => {
                if let Err(error) = result {
                    tracing::warn!(%error, "background work broke off");
                }
            }
            () = self.lease.lost(held_until) => {
                tracing::warn!("background work breaks off: the lease is another replica's, or could not be renewed");
            }
        }
    }

    async fn work(&self) -> Result<(), StoreError> {
        let settle = || self.housekeeping.settle_tiers(Utc::now(), SETTLED_AT_ONCE);
        while settle().await? >= u64::from(SETTLED_AT_ONCE) {}
        let oldest = Utc::now() - TimeDelta::days(i64::from(self.retention_days));
        let prune = || self.housekeeping.prune_deliveries(oldest, PRUNED_AT_ONCE);
        while prune().await? >= u64::from(PRUNED_AT_ONCE) {}
        let prune = || self.tickets.prune_tickets(Utc::now(), PRUNED_AT_ONCE);
        while prune().await? >= u64::from(PRUNED_AT_ONCE) {}
        let prune = || {
            self.housekeeping
                .prune_leftovers(Utc::now(), PRUNED_AT_ONCE)
        };
        while prune().await? >= u64::from(PRUNED_AT_ONCE) {}
        self.forget.forget_who_is_due().await;
        self.thin.look().await?;
        self.sweeps.sweep_if_due().await
    }
}
