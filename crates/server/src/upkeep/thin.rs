//! Users who were left known from a token alone: the process ended before Clerk had answered, or there were too many.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::{ClerkId, Enrichment, Housekeeping, StoreError};
use tokio::time::Instant;

/// How often they are looked for. A user whom Clerk does not know, and who is therefore asked for again and again, costs
/// one request each time.
const LOOK: Duration = Duration::from_secs(300);
/// How many of them at a time; the next look begins behind them.
const AT_ONCE: u32 = 100;

pub(super) struct ThinUsers {
    housekeeping: Arc<dyn Housekeeping>,
    enrichment: Arc<dyn Enrichment>,
    next: Mutex<Next>,
}

/// When the next look is due, and where it begins.
#[derive(Default, Clone)]
struct Next {
    at: Option<Instant>,
    after: Option<ClerkId>,
}

impl ThinUsers {
    pub(super) fn new(
        housekeeping: Arc<dyn Housekeeping>,
        enrichment: Arc<dyn Enrichment>,
    ) -> Self {
        Self {
            housekeeping,
            enrichment,
            next: Mutex::default(),
        }
    }

    /// Has some of them asked for, if it is time.
    pub(super) async fn look(&self) -> Result<(), StoreError> {
        let next = self.lock().clone();
        if next.at.is_some_and(|at| Instant::now() < at) {
            return Ok(());
        }
        let found = self.housekeeping.thin_users(next.after, AT_ONCE).await?;
        for user in &found {
            self.enrichment.wanted(user);
        }
        let is_end = u32::try_from(found.len()).unwrap_or(u32::MAX) < AT_ONCE;
        *self.lock() = Next {
            at: Some(Instant::now() + LOOK),
            after: found.last().filter(|_| !is_end).cloned(),
        };
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Next> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
