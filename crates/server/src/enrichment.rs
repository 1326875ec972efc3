//! Users known from a token alone are asked for at Clerk, in the background.
//!
//! A first request does not wait for it. What Clerk says is written under the same guards as everything else, so it
//! resurrects nobody and undoes no webhook.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::Utc;
use clerk::ClerkApi;
use domain::{ClerkId, Directory as _, DirectoryError, Enrichment, Mirror, StoreError, Write};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Wishes that wait. More are dropped: the upkeep finds those users again.
const WAITING: usize = 1024;
/// Users asked for at one time.
const WORKERS: usize = 4;
/// Attempts for one user before the others get their turn; the upkeep finds him again.
const ATTEMPTS: u32 = 10;
/// The pause after the first failure, doubled with each further one up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Takes wishes.
pub(crate) struct Enricher {
    wishes: Sender<ClerkId>,
    under_way: Arc<UnderWay>,
}

/// Users who wait or are asked for: each once.
#[derive(Default)]
struct UnderWay(Mutex<HashSet<ClerkId>>);

impl UnderWay {
    fn lock(&self) -> MutexGuard<'_, HashSet<ClerkId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Enrichment for Enricher {
    fn wanted(&self, user: &ClerkId) {
        let mut under_way = self.under_way.lock();
        if !under_way.contains(user) && self.wishes.try_send(user.clone()).is_ok() {
            under_way.insert(user.clone());
        }
    }
}

impl Enricher {
    /// Starts the workers.
    pub(crate) fn start(
        clerk: &Arc<ClerkApi>,
        mirror: &Arc<dyn Mirror>,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Arc<Self> {
        let (wishes, waiting) = channel(WAITING);
        let under_way = Arc::new(UnderWay::default());
        let waiting = Arc::new(tokio::sync::Mutex::new(waiting));
        for _ in 0..WORKERS {
            let worker = Worker {
                clerk: Arc::clone(clerk),
                mirror: Arc::clone(mirror),
                waiting: Arc::clone(&waiting),
                under_way: Arc::clone(&under_way),
            };
            let stop = stop.clone();
            tasks.spawn(async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = worker.run() => {}
                }
            });
        }
        Arc::new(Self { wishes, under_way })
    }
}

struct Worker {
    clerk: Arc<ClerkApi>,
    mirror: Arc<dyn Mirror>,
    waiting: Arc<tokio::sync::Mutex<Receiver<ClerkId>>>,
    under_way: Arc<UnderWay>,
}

impl Worker {
    async fn run(&self) {
        while let Some(user) = self.next().await {
            self.ask_until_told(&user).await;
            self.under_way.lock().remove(&user);
        }
    }

    async fn next(&self) -> Option<ClerkId> {
        self.waiting.lock().await.recv().await
    }

    async fn ask_until_told(&self, user: &ClerkId) {
        let mut pause = FIRST_PAUSE;
        for _ in 0..ATTEMPTS {
            match self.ask(user).await {
                Ok(()) => return,
                Err(Trouble::Lasting(reason)) => {
                    tracing::warn!(reason, "a user known from a token alone stays so");
                    return;
                }
                Err(Trouble::Passing(reason)) => {
                    tracing::debug!(reason, "a user known from a token alone has to wait");
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn ask(&self, user: &ClerkId) -> Result<(), Trouble> {
        let read_at = Utc::now();
        let Some(told) = self.clerk.user(user).await? else {
            // Deleted meanwhile, or a key of another instance: sweeps judge absence, behind their brake.
            return Ok(());
        };
        let write = Write::User(Box::new(told));
        self.mirror.adopt(vec![write], read_at).await?;
        Ok(())
    }
}

/// Why nothing came of it.
enum Trouble {
    Passing(String),
    Lasting(String),
}

impl From<DirectoryError> for Trouble {
    fn from(error: DirectoryError) -> Self {
        match error {
            // What cannot be read may be the page of something between Clerk and here, which is gone soon.
            DirectoryError::Unavailable(_) | DirectoryError::Unreadable(_) => {
                Self::Passing(error.to_string())
            }
            DirectoryError::Refused(_) => Self::Lasting(error.to_string()),
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::Passing(error.to_string()),
            StoreError::Refused(_) | StoreError::Unreadable(_) => Self::Lasting(error.to_string()),
        }
    }
}
