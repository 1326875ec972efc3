//! The watch on the change feed: what keeps this process's memory in step with what anybody commits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use domain::{CommitObserver, FeedMark, FeedPulse, FeedTail, StoreError, WakeUps};
use tokio::sync::{Mutex, Notify, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::gate::Gate;
use crate::remembered::Remembered;

/// Between two looks when nobody wakes the watch: what a lost wake-up costs.
const POLL: Duration = Duration::from_millis(500);
/// After a look that failed.
const RETRY: Duration = Duration::from_millis(100);
/// Between two looks however often the watch is woken.
const GAP: Duration = Duration::from_millis(20);
/// How long one look may take.
const LOOK_LIMIT: Duration = Duration::from_millis(1500);
/// How long a commit waits for the look that covers it, before nothing that is remembered is used instead.
const COMMIT_LIMIT: Duration = Duration::from_secs(1);
/// Before listening again after the connection was lost.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);
/// Changes read at once.
const PAGE: u32 = 1000;
/// Changes before the newest one that a new process reads, so that it knows what of Redis it may believe.
const HISTORY: i64 = 2000;

/// No look has come to its end yet.
const UNSEEN: i64 = -1;

/// Follows every commit: of this process before the commit is answered, from what the store tells of it or from the feed;
/// of others by the feed, when woken or soon.
pub struct FeedWatch {
    tail: Arc<dyn FeedTail>,
    remembered: Arc<Remembered>,
    wake_ups: Vec<Arc<dyn WakeUps>>,
    gate: Gate,
    /// Commits of this process so far.
    commits: AtomicU64,
    place: Mutex<Place>,
    seen: watch::Sender<i64>,
    woken: Notify,
}

/// How far the feed has been read. Written between two awaits, so that a look that is given up leaves it whole.
#[derive(Default)]
struct Place {
    /// Commits with numbers below this have been seen.
    covered: u64,
    begun: bool,
    /// The next look begins at this cursor.
    cursor: i64,
    /// What stands there, if it has been seen: when it has gone, the feed is another one.
    anchor: Option<FeedMark>,
}

impl Place {
    /// Whether these changes are the next ones: nobody else's is between what has been seen and them, or among them.
    /// Numbers may be left out for good, where a transaction ended otherwise; then it cannot be told, and a look tells.
    fn is_followed_by(&self, changes: &[FeedMark]) -> bool {
        let follows = |at: i64, mark: &FeedMark| mark.cursor == at.saturating_add(1);
        self.begun
            && changes
                .iter()
                .try_fold(self.cursor, |at, mark| {
                    follows(at, mark).then_some(mark.cursor)
                })
                .is_some()
    }
}

impl FeedWatch {
    pub(crate) fn new(
        tail: Arc<dyn FeedTail>,
        remembered: Arc<Remembered>,
        wake_ups: Vec<Arc<dyn WakeUps>>,
    ) -> Self {
        Self {
            tail,
            remembered,
            wake_ups,
            gate: Gate::new(),
            commits: AtomicU64::new(0),
            place: Mutex::default(),
            seen: watch::Sender::new(UNSEEN),
            woken: Notify::new(),
        }
    }

    /// Whether what is remembered may be used.
    pub(crate) fn is_in_use(&self, now: Instant) -> bool {
        self.gate.is_open(now)
    }

    /// How long ago the last successful look began.
    pub(crate) fn age(&self, now: Instant) -> Option<Duration> {
        self.gate.age(now)
    }

    /// The newest change that has been seen: everything up to it is committed, and forgotten here.
    pub(crate) fn seen(&self) -> i64 {
        *self.seen.borrow()
    }

    /// Watches until `stop`.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut listeners = JoinSet::new();
        for wake_ups in &self.wake_ups {
            listeners.spawn(Arc::clone(&self).listen(Arc::clone(wake_ups)));
        }
        let watching = async {
            let mut was_well = true;
            loop {
                let look = tokio::time::timeout(LOOK_LIMIT, self.look()).await;
                let problem = match look {
                    Ok(Ok(())) => None,
                    Ok(Err(error)) => Some(error.to_string()),
                    Err(_) => Some("no answer".to_owned()),
                };
                match (&problem, was_well) {
                    (Some(problem), true) => {
                        tracing::warn!(%problem, "the change feed cannot be read: every request will ask the database");
                    }
                    (None, false) => tracing::info!("the change feed is read again"),
                    _ => {}
                }
                was_well = problem.is_none();
                tokio::time::sleep(GAP).await;
                let pause = if was_well { POLL } else { RETRY };
                let _ = tokio::time::timeout(pause, self.woken.notified()).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = watching => {}
        }
    }

    async fn listen(self: Arc<Self>, wake_ups: Arc<dyn WakeUps>) {
        loop {
            let Err(error) = wake_ups.listen(&|| self.woken.notify_one()).await;
            tracing::info!(
                error = &error as &dyn std::error::Error,
                "listening again for other processes' commits"
            );
            // What was sent meanwhile is lost.
            self.woken.notify_one();
            tokio::time::sleep(LISTEN_AGAIN).await;
        }
    }

    /// Reads the feed to its end.
    async fn look(&self) -> Result<(), StoreError> {
        let mut place = self.place.lock().await;
        self.look_from(&mut place).await
    }

    async fn look_from(&self, place: &mut Place) -> Result<(), StoreError> {
        let began = Instant::now();
        // Whoever has a number by now has committed by now, and is seen by what follows.
        let covers = self.commits.load(Ordering::SeqCst);
        if !place.begun {
            let newest = self.tail.newest().await?;
            self.begin(place, (newest - HISTORY).max(0));
        }
        while !self.read_page(place).await? {}
        place.covered = covers;
        self.show(place.cursor);
        self.gate.looked(began, covers);
        Ok(())
    }

    /// One page; whether it was the last one.
    async fn read_page(&self, place: &mut Place) -> Result<bool, StoreError> {
        let mut marks = self.tail.from(place.cursor, PAGE).await?;
        let is_last = u32::try_from(marks.len()).is_ok_and(|count| count < PAGE);
        match (&place.anchor, marks.first()) {
            (None, _) => {}
            (Some(anchor), Some(first)) if first == anchor => {
                marks.remove(0);
            }
            // Pruned to the last row, or put back to an earlier day. The rows may be different ones from now on.
            (Some(_), _) => {
                let newest = self.tail.newest().await?;
                tracing::warn!(
                    "the change feed does not go on where it was: everything remembered is forgotten"
                );
                self.begin(place, newest);
                return Ok(false);
            }
        }
        self.take(place, marks);
        Ok(is_last)
    }

    fn begin(&self, place: &mut Place, cursor: i64) {
        self.remembered.forget_all(cursor);
        place.begun = true;
        place.cursor = cursor;
        place.anchor = None;
    }

    /// Forgets what this commit has changed. Where that is not known, or not all that came before it has been seen, a
    /// look tells; one look covers all who wait for it.
    async fn cover(&self, commit: u64, changes: Option<Vec<FeedMark>>) -> Result<(), StoreError> {
        let mut place = self.place.lock().await;
        if place.covered > commit {
            return Ok(());
        }
        match changes {
            Some(changes) if place.is_followed_by(&changes) => {
                self.take(&mut place, changes);
                self.show(place.cursor);
                Ok(())
            }
            _ => self.look_from(&mut place).await,
        }
    }

    /// Forgets whom these changes are about; they follow the place.
    fn take(&self, place: &mut Place, news: Vec<FeedMark>) {
        for mark in &news {
            self.remembered.forget(mark);
        }
        if let Some(last) = news.into_iter().next_back() {
            place.cursor = last.cursor;
            place.anchor = Some(last);
        }
    }

    fn show(&self, cursor: i64) {
        self.seen
            .send_if_modified(|seen| std::mem::replace(seen, cursor) != cursor);
    }
}

#[async_trait]
impl CommitObserver for FeedWatch {
    async fn committed(&self, changes: Option<Vec<FeedMark>>) {
        let commit = self.commits.fetch_add(1, Ordering::SeqCst);
        match tokio::time::timeout(COMMIT_LIMIT, self.cover(commit, changes)).await {
            Ok(Ok(())) => {}
            // The next look that succeeds covers it.
            Ok(Err(_)) | Err(_) => self.gate.owe(commit),
        }
        for wake_ups in &self.wake_ups {
            wake_ups.wake();
        }
    }
}

#[async_trait]
impl FeedPulse for FeedWatch {
    async fn moved(&self, cursor: i64) -> i64 {
        let mut seen = self.seen.subscribe();
        let newest = seen
            .wait_for(|seen| *seen != cursor && *seen != UNSEEN)
            .await
            .map(|seen| *seen);
        match newest {
            Ok(newest) => newest,
            // Never: the sender is this watch.
            Err(_) => std::future::pending().await,
        }
    }
}
