//! One reader of the feed's end for all open streams of this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use domain::{ChangeKind, FeedMark, FeedPulse, FeedTail, ObjectKind};
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

use crate::problem::{Kind, Problem};

/// Streams that one user may have open at one time, in this process.
const MAX_STREAMS: usize = 20;
/// Changes that wait for one user's streams; one that falls behind looks at everything anew.
const WAITING: usize = 64;
/// Changes read at once.
const PAGE: u32 = 1000;
/// How long to wait after the feed could not be read.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// How long a new stream waits for the reader to find its place.
const START: Duration = Duration::from_secs(2);

/// The reader, and who listens.
pub(crate) struct Hub {
    tail: Arc<dyn FeedTail>,
    pulse: Arc<dyn FeedPulse>,
    stopping: CancellationToken,
    listeners: Mutex<HashMap<String, broadcast::Sender<Arc<FeedMark>>>>,
    /// Whether the reader has found its place.
    placed: watch::Sender<bool>,
    started: Once,
}

impl Hub {
    pub(crate) fn new(
        tail: Arc<dyn FeedTail>,
        pulse: Arc<dyn FeedPulse>,
        stopping: CancellationToken,
    ) -> Arc<Self> {
        Arc::new(Self {
            tail,
            pulse,
            stopping,
            listeners: Mutex::default(),
            placed: watch::Sender::new(false),
            started: Once::new(),
        })
    }

    /// Cancelled when the service stops.
    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    /// Listens to what concerns one user, from now on: whatever commits after this has returned is told. The first call
    /// starts the reader.
    pub(crate) async fn listen(self: &Arc<Self>, user_id: &str) -> Result<Listener, Problem> {
        let hub = Arc::clone(self);
        self.started.call_once(|| {
            tokio::spawn(async move { hub.read().await });
        });
        let mut placed = self.placed.subscribe();
        let placed = tokio::time::timeout(START, placed.wait_for(|placed| *placed)).await;
        if !matches!(placed, Ok(Ok(_))) {
            return Err(Problem::of(Kind::StoreUnavailable));
        }
        let mut listeners = self.listeners();
        let sender = listeners
            .entry(user_id.to_owned())
            .or_insert_with(|| broadcast::Sender::new(WAITING));
        if sender.receiver_count() >= MAX_STREAMS {
            return Err(Problem::with_detail(
                Kind::TooManyStreams,
                format!("{MAX_STREAMS} streams of this user are open already"),
            ));
        }
        Ok(Listener {
            marks: sender.subscribe(),
            user_id: user_id.to_owned(),
            hub: Arc::clone(self),
        })
    }

    /// Streams that are open, of all users.
    pub(crate) fn open_streams(&self) -> usize {
        let listeners = self.listeners();
        listeners
            .values()
            .map(broadcast::Sender::receiver_count)
            .sum()
    }

    fn listeners(&self) -> MutexGuard<'_, HashMap<String, broadcast::Sender<Arc<FeedMark>>>> {
        // Nothing under this lock can leave the map half-changed.
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(&self) {
        tokio::select! {
            () = self.stopping.cancelled() => {}
            () = self.follow() => {}
        }
    }

    async fn follow(&self) {
        // A cursor below every other: answered at once, with the newest that was seen.
        let mut cursor = self.pulse.moved(-1).await;
        self.placed.send_replace(true);
        loop {
            let newest = self.pulse.moved(cursor).await;
            if newest < cursor || self.listeners().is_empty() {
                cursor = newest;
                continue;
            }
            while cursor < newest {
                match self.tail.from(cursor.saturating_add(1), PAGE).await {
                    Ok(marks) => {
                        let last = marks.last().map(|mark| mark.cursor);
                        self.tell(marks);
                        // Nothing behind it: pruned, or put back to an earlier day.
                        cursor = last.unwrap_or(newest).max(cursor);
                    }
                    Err(error) => {
                        tracing::warn!(%error, "open streams cannot follow the feed");
                        tokio::time::sleep(LOOK_AGAIN).await;
                    }
                }
            }
        }
    }

    fn tell(&self, marks: Vec<FeedMark>) {
        let listeners = self.listeners();
        for mark in marks {
            let whose = match (&mark.clerk_user_id, mark.kind) {
                // Nothing of it is in what streams tell, and it bars nobody.
                (_, Some(ChangeKind::Usage | ChangeKind::Portfolios)) => continue,
                (Some(user_id), _) => Some(user_id.clone()),
                (None, Some(ChangeKind::Object(ObjectKind::User))) => Some(mark.clerk_id.clone()),
                (None, _) => None,
            };
            let mark = Arc::new(mark);
            match whose {
                // Sending fails when nobody listens, which is no fault.
                Some(user_id) => {
                    if let Some(sender) = listeners.get(&user_id) {
                        let _ = sender.send(mark);
                    }
                }
                // A session that names no user may be anybody's: all look.
                None if mark.kind == Some(ObjectKind::Session.into()) => {
                    for sender in listeners.values() {
                        let _ = sender.send(Arc::clone(&mark));
                    }
                }
                None => {}
            }
        }
    }
}

/// One stream's ear.
pub(crate) struct Listener {
    marks: broadcast::Receiver<Arc<FeedMark>>,
    user_id: String,
    hub: Arc<Hub>,
}

/// What was heard: the changes, and whether some were missed.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) marks: Vec<Arc<FeedMark>>,
    pub(crate) missed: bool,
}

impl Listener {
    /// Waits until something is heard, and takes all that waits.
    pub(crate) async fn heard(&mut self) -> Heard {
        use broadcast::error::{RecvError, TryRecvError};
        let mut heard = Heard::default();
        match self.marks.recv().await {
            Ok(mark) => heard.marks.push(mark),
            // The sender lives as long as its listeners do.
            Err(RecvError::Lagged(_) | RecvError::Closed) => heard.missed = true,
        }
        loop {
            match self.marks.try_recv() {
                Ok(mark) => heard.marks.push(mark),
                Err(TryRecvError::Lagged(_)) => heard.missed = true,
                Err(TryRecvError::Empty | TryRecvError::Closed) => return heard,
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut listeners = self.hub.listeners();
        let last = listeners
            .get(&self.user_id)
            .is_some_and(|sender| sender.receiver_count() <= 1);
        if last {
            listeners.remove(&self.user_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use chrono::Utc;
    use domain::StoreError;
    use tokio::sync::watch;

    use super::*;

    /// A feed in memory.
    struct Feed {
        marks: Mutex<Vec<FeedMark>>,
        newest: watch::Sender<i64>,
    }

    impl Feed {
        fn starting_at(cursor: i64) -> Arc<Self> {
            Arc::new(Self {
                marks: Mutex::default(),
                newest: watch::Sender::new(cursor),
            })
        }

        fn add(&self, kind: ObjectKind, clerk_id: &str, user_id: Option<&str>) {
            let cursor = *self.newest.borrow() + 1;
            self.marks.lock().unwrap().push(FeedMark {
                cursor,
                kind: Some(kind.into()),
                clerk_id: clerk_id.to_owned(),
                clerk_user_id: user_id.map(str::to_owned),
                at: Utc::now(),
            });
            self.newest.send_replace(cursor);
        }
    }

    #[async_trait]
    impl FeedTail for Feed {
        async fn newest(&self) -> Result<i64, StoreError> {
            Ok(*self.newest.borrow())
        }

        async fn from(&self, cursor: i64, _: u32) -> Result<Vec<FeedMark>, StoreError> {
            let marks = self.marks.lock().unwrap();
            let after = marks.iter().filter(|mark| mark.cursor >= cursor);
            Ok(after.cloned().collect())
        }
    }

    #[async_trait]
    impl FeedPulse for Feed {
        async fn moved(&self, cursor: i64) -> i64 {
            let mut newest = self.newest.subscribe();
            *newest.wait_for(|newest| *newest != cursor).await.unwrap()
        }
    }

    fn hub(feed: &Arc<Feed>) -> Arc<Hub> {
        Hub::new(feed.clone(), feed.clone(), CancellationToken::new())
    }

    fn ids(heard: &Heard) -> Vec<&str> {
        let ids = heard.marks.iter().map(|mark| mark.clerk_id.as_str());
        ids.collect()
    }

    #[tokio::test]
    async fn each_user_hears_what_concerns_him() {
        let feed = Feed::starting_at(41);
        let hub = hub(&feed);
        let mut ann = hub.listen("user_ann").await.unwrap();
        let mut bob = hub.listen("user_bob").await.unwrap();
        feed.add(ObjectKind::User, "user_bob", None);
        feed.add(ObjectKind::User, "user_ann", None);
        assert_eq!(ids(&bob.heard().await), ["user_bob"]);
        assert_eq!(ids(&ann.heard().await), ["user_ann"]);
        feed.add(ObjectKind::Session, "sess_1", Some("user_ann"));
        assert_eq!(ids(&ann.heard().await), ["sess_1"]);
        feed.add(ObjectKind::Session, "sess_2", None);
        assert_eq!(ids(&ann.heard().await), ["sess_2"]);
        assert_eq!(ids(&bob.heard().await), ["sess_2"]);
    }

    #[tokio::test]
    async fn who_falls_behind_is_told_so() {
        let feed = Feed::starting_at(0);
        let hub = hub(&feed);
        let mut slow = hub.listen("user_1").await.unwrap();
        let mut last = hub.listen("user_2").await.unwrap();
        for _ in 0..=WAITING {
            feed.add(ObjectKind::User, "user_1", None);
        }
        feed.add(ObjectKind::User, "user_2", None);
        last.heard().await;
        assert!(slow.heard().await.missed);
    }

    #[tokio::test]
    async fn a_user_has_so_many_streams_and_gives_them_back() {
        let feed = Feed::starting_at(0);
        let hub = hub(&feed);
        let mut open = Vec::new();
        for _ in 0..MAX_STREAMS {
            open.push(hub.listen("user_1").await.unwrap());
        }
        let refused = hub.listen("user_1").await.err().unwrap();
        assert_eq!(refused.kind(), Kind::TooManyStreams);
        hub.listen("user_2").await.unwrap();
        open.pop();
        open.push(hub.listen("user_1").await.unwrap());
        drop(open);
        assert!(hub.listeners().is_empty());
    }
}
