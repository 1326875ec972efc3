//! Whether the database answers: asked four times a second at most, whoever wants to know, and not waited for without end.

use std::sync::Arc;
use std::time::Duration;

use domain::{StoreHealth, StoreReport};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// For how long an answer is good.
const FRESH: Duration = Duration::from_millis(250);
/// How long to wait for one: less than those who ask wait for us.
const PATIENCE: Duration = Duration::from_secs(2);

/// The last answer.
pub(crate) struct StorePulse {
    store: Arc<dyn StoreHealth>,
    /// Held while the database is asked, so that all who come meanwhile share its answer.
    last: Mutex<Option<(Instant, Result<StoreReport, String>)>>,
}

impl StorePulse {
    pub(crate) fn of(store: Arc<dyn StoreHealth>) -> Self {
        Self {
            store,
            last: Mutex::default(),
        }
    }

    /// What the database says of itself, or why it says nothing.
    pub(crate) async fn report(&self) -> Result<StoreReport, String> {
        let mut last = self.last.lock().await;
        if let Some((at, report)) = last.as_ref()
            && at.elapsed() < FRESH
        {
            return report.clone();
        }
        let report = match timeout(PATIENCE, self.store.report()).await {
            Ok(report) => report.map_err(|error| error.to_string()),
            Err(_) => Err("the database does not answer in time".to_owned()),
        };
        *last = Some((Instant::now(), report.clone()));
        report
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use async_trait::async_trait;
    use domain::{MigrationState, StoreError, StoreLoad};

    use super::*;

    /// Counts questions; does not answer every third.
    #[derive(Default)]
    struct Slow(AtomicU64);

    #[async_trait]
    impl StoreHealth for Slow {
        async fn report(&self) -> Result<StoreReport, StoreError> {
            if self.0.fetch_add(1, Ordering::Relaxed) % 3 == 2 {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            Ok(StoreReport {
                migrations: MigrationState::Current,
                last_event_at: None,
                quarantined: 0,
                takes_writes: true,
            })
        }

        fn load(&self) -> StoreLoad {
            StoreLoad::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn many_who_ask_at_once_cost_one_question_and_nobody_waits_for_ever() {
        let store = Arc::new(Slow::default());
        let pulse = StorePulse::of(store.clone());
        let (one, other) = tokio::join!(pulse.report(), pulse.report());
        assert!(one.is_ok() && other.is_ok());
        assert_eq!(store.0.load(Ordering::Relaxed), 1);
        tokio::time::advance(FRESH).await;
        assert!(pulse.report().await.is_ok());
        assert_eq!(store.0.load(Ordering::Relaxed), 2);
        tokio::time::advance(FRESH).await;
        assert!(pulse.report().await.is_err());
        tokio::time::advance(FRESH).await;
        assert!(pulse.report().await.is_ok());
    }
}
