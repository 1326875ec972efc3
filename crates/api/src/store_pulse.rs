//! Whether the database answers: one question at a time, whoever wants to know, and not waited for without end.

use std::sync::Arc;
use std::time::Duration;

use domain::{StoreHealth, StoreReport};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// How long to wait for one: less than those who ask wait for us.
const PATIENCE: Duration = Duration::from_secs(2);

/// The last answer.
pub(crate) struct StorePulse {
    store: Arc<dyn StoreHealth>,
    /// When the last question was asked, and its answer. Held while the database is asked: all who come meanwhile share the
    /// answer to the next question. So nobody is told what was so before he asked.
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
        let came = Instant::now();
        let mut last = self.last.lock().await;
        if let Some((asked, report)) = last.as_ref()
            && *asked >= came
        {
            return report.clone();
        }
        let asked = Instant::now();
        let report = match timeout(PATIENCE, self.store.report()).await {
            Ok(report) => report.map_err(|error| error.to_string()),
            Err(_) => Err("the database does not answer in time".to_owned()),
        };
        *last = Some((asked, report.clone()));
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
    async fn those_who_come_while_it_is_asked_share_the_next_answer() {
        let store = Arc::new(Slow::default());
        let pulse = StorePulse::of(store.clone());
        let later = async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            pulse.report().await
        };
        let again = async {
            tokio::time::sleep(Duration::from_millis(6)).await;
            pulse.report().await
        };
        let (one, later, again) = tokio::join!(pulse.report(), later, again);
        assert!(one.is_ok() && later.is_ok() && again.is_ok());
        assert_eq!(store.0.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever() {
        let store = Arc::new(Slow::default());
        let pulse = StorePulse::of(store.clone());
        let second = Duration::from_secs(1);
        for is_answered in [true, true, false, true] {
            tokio::time::advance(second).await;
            assert_eq!(pulse.report().await.is_ok(), is_answered);
        }
    }
}
