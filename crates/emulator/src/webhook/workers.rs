//! The tasks that deliver.
//!
//! First attempts run in [`LANES`] lanes, chosen by the user an event is about, so bulk changes go out side by side
//! while one user's events, his sessions' among them, are first sent in the order in which they happened, each after
//! the answer to the one before. A failed attempt leaves its lane and is retried by itself, so retries arrive out of
//! order; they do so with Svix too.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use super::sender::Webhooks;

/// How many first attempts, and how many retries, are under way at once.
pub(super) const LANES: usize = 16;

/// The receiving ends, to be spawned once.
pub(crate) struct Workers {
    pub(super) lanes: Vec<mpsc::UnboundedReceiver<String>>,
    pub(super) retries: mpsc::UnboundedReceiver<Later>,
}

/// Something to do for a delivery in `wait`.
pub(super) struct Later {
    pub(super) id: String,
    pub(super) due: Due,
    pub(super) wait: Duration,
}

/// What is to be done then.
pub(super) enum Due {
    /// The attempt after the `round`-th.
    Attempt { round: usize },
    /// A second copy, whatever became of the first.
    Copy,
    /// The first attempt, if later deliveries have not let it go yet.
    Release,
}

impl Workers {
    /// Starts the workers; they end with the set that holds them.
    pub(crate) fn spawn(self, webhooks: &Arc<Webhooks>, tasks: &mut JoinSet<()>) {
        for mut lane in self.lanes {
            let webhooks = Arc::clone(webhooks);
            tasks.spawn(async move {
                while let Some(id) = lane.recv().await {
                    webhooks.attempt(id, 0).await;
                }
            });
        }
        tasks.spawn(run_retries(self.retries, Arc::clone(webhooks)));
    }
}

/// Each waiting one is a task of its own; they end together with this one.
async fn run_retries(mut retries: mpsc::UnboundedReceiver<Later>, webhooks: Arc<Webhooks>) {
    let under_way = Arc::new(Semaphore::new(LANES));
    let mut waiting = JoinSet::new();
    while let Some(Later { id, due, wait }) = retries.recv().await {
        while waiting.try_join_next().is_some() {}
        let (webhooks, under_way) = (Arc::clone(&webhooks), Arc::clone(&under_way));
        waiting.spawn(async move {
            tokio::time::sleep(wait).await;
            let _permit = under_way.acquire().await;
            match due {
                Due::Attempt { round } => webhooks.attempt(id, round).await,
                Due::Copy => webhooks.copy(&id).await,
                Due::Release => {
                    if webhooks.release(&id) {
                        webhooks.attempt(id, 0).await;
                    }
                }
            }
        });
    }
}
