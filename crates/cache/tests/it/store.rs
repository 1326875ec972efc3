//! A store in memory with a feed, which can be made to wait or to fail at any point.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, Weak};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::workspace::PortfolioSummary;
use domain::{
    Caller, ChangeKind, CommitObserver, Commits, FeedMark, FeedTail, Housekeeping, ObjectKind,
    SessionStatus, StoreError, ThinUser, User, UserStore, WakeUpError, WakeUps,
};
use serde_json::{Value, json};
use tokio::sync::{Notify, oneshot};

pub(crate) const USER: &str = "user_1";
pub(crate) const SESSION: &str = "sess_1";

#[derive(Default)]
pub(crate) struct Rows {
    /// A user's row is its version.
    users: HashMap<String, i64>,
    /// And what the team itself has written in it.
    local: HashMap<String, Value>,
    sessions: HashMap<String, SessionStatus>,
    /// How many portfolios a user has.
    portfolios: HashMap<String, u64>,
    pub(crate) feed: Vec<FeedMark>,
    newest: i64,
    checkpoints: HashMap<String, String>,
    /// Reads of callers so far.
    reads: usize,
    is_away: bool,
    feed_is_away: bool,
    holds_reads: bool,
    held: Vec<oneshot::Sender<()>>,
}

/// What several processes work on.
#[derive(Default)]
pub(crate) struct Database {
    rows: Mutex<Rows>,
    bell: Notify,
}

/// One process's store.
pub(crate) struct Replica {
    pub(crate) database: Arc<Database>,
    pub(crate) observer: OnceLock<Weak<dyn CommitObserver>>,
    /// Whether the next commit's changes are told, or left to the feed.
    pub(crate) tells: AtomicBool,
}

impl Database {
    pub(crate) fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap()
    }

    pub(crate) fn reads(&self) -> usize {
        self.rows().reads
    }

    pub(crate) fn set_away(&self, is_away: bool) {
        let mut rows = self.rows();
        (rows.is_away, rows.feed_is_away) = (is_away, is_away);
    }

    pub(crate) fn set_feed_away(&self, is_away: bool) {
        self.rows().feed_is_away = is_away;
    }

    /// From now on reads of callers have seen their rows, and wait before they answer.
    pub(crate) fn hold_reads(&self, holds: bool) {
        self.rows().holds_reads = holds;
    }

    /// Lets the oldest read answer that waits; false when none does.
    pub(crate) fn release_one(&self) -> bool {
        let mut rows = self.rows();
        if rows.held.is_empty() {
            return false;
        }
        let _ = rows.held.remove(0).send(());
        true
    }

    pub(crate) fn held(&self) -> usize {
        self.rows().held.len()
    }

    /// Commits a user's next version, by a process that tells nobody; answers the version.
    pub(crate) fn change_user(&self, id: &str) -> i64 {
        let mut rows = self.rows();
        let version = rows.users.entry(id.to_owned()).or_default();
        *version += 1;
        let version = *version;
        rows.append(ObjectKind::User, id, Some(id));
        version
    }

    /// Commits one more portfolio of a user's; answers how many he has.
    pub(crate) fn add_portfolio(&self, id: &str) -> u64 {
        let mut rows = self.rows();
        let count = rows.portfolios.entry(id.to_owned()).or_default();
        *count += 1;
        let count = *count;
        rows.append(ChangeKind::Portfolios, id, None);
        count
    }

    /// Commits columns of a user's row that only the team writes.
    pub(crate) fn write_locally(&self, id: &str, columns: Value) {
        let mut rows = self.rows();
        rows.local.insert(id.to_owned(), columns);
        rows.append(ObjectKind::User, id, Some(id));
    }

    /// Commits a session's state.
    pub(crate) fn change_session(&self, id: &str, user: &str, status: SessionStatus) {
        let mut rows = self.rows();
        rows.sessions.insert(id.to_owned(), status);
        rows.append(ObjectKind::Session, id, Some(user));
    }

    /// Wakes every process.
    pub(crate) fn ring(&self) {
        self.bell.notify_waiters();
    }

    /// Puts the database back to when the feed had this many changes, all of users at version 1; they are given other
    /// content from then on.
    pub(crate) fn put_back(&self, length: usize) {
        let mut rows = self.rows();
        rows.feed.truncate(length);
        rows.newest = rows.feed.last().map_or(0, |mark| mark.cursor);
        for version in rows.users.values_mut() {
            *version = 1;
        }
    }

    /// Prunes the whole feed.
    pub(crate) fn prune(&self) {
        self.rows().feed.clear();
    }
}

impl Rows {
    fn append(&mut self, kind: impl Into<ChangeKind>, id: &str, user: Option<&str>) {
        // Gaps, as rolled back transactions leave them.
        self.newest += 1 + self.newest % 3;
        self.feed.push(FeedMark {
            cursor: self.newest,
            kind: Some(kind.into()),
            clerk_id: id.to_owned(),
            clerk_user_id: user.map(str::to_owned),
            at: DateTime::from_timestamp_micros(self.newest).unwrap(),
        });
    }
}

/// Waits for a condition, with a bound.
pub(crate) async fn eventually(mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(30), waiting).await;
    waited.expect("what was waited for");
}

fn away() -> StoreError {
    StoreError::Unavailable("away".into())
}

fn user(id: &str, version: i64, local: Option<&Value>) -> User {
    let at = "2026-01-01T00:00:00Z";
    let mut row = json!({
        "id": uuid::Uuid::nil(), "clerk_user_id": id, "email_verified": true, "role": "solo", "tier": "free",
        "public_metadata": {"b": 1.5, "a": [null]}, "preferences": {}, "banned": false, "locked": false,
        "is_active": true, "created_at": at, "updated_at": at, "version": version, "first_name": "Ann"
    });
    let written = local
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    row.as_object_mut().unwrap().extend(written);
    serde_json::from_value(row).unwrap()
}

#[async_trait]
impl UserStore for Replica {
    async fn caller(
        &self,
        clerk_user_id: &str,
        clerk_session_id: &str,
    ) -> Result<Option<Caller>, StoreError> {
        let (caller, held) = {
            let mut rows = self.database.rows();
            if rows.is_away {
                return Err(away());
            }
            rows.reads += 1;
            let version = rows.users.get(clerk_user_id).copied();
            let caller = version.map(|version| Caller {
                user: Arc::new(user(clerk_user_id, version, rows.local.get(clerk_user_id))),
                session_status: rows.sessions.get(clerk_session_id).cloned(),
                usage: None,
                portfolios: PortfolioSummary {
                    first: None,
                    count: rows.portfolios.get(clerk_user_id).copied().unwrap_or(0),
                },
            });
            let held = rows.holds_reads.then(oneshot::channel);
            let held = held.map(|(sender, receiver)| {
                rows.held.push(sender);
                receiver
            });
            (caller, held)
        };
        if let Some(held) = held {
            held.await.unwrap();
        }
        Ok(caller)
    }

    async fn provision(&self, _: ThinUser) -> Result<User, StoreError> {
        unreachable!("nobody is made here")
    }
}

#[async_trait]
impl FeedTail for Replica {
    async fn newest(&self) -> Result<i64, StoreError> {
        tokio::task::yield_now().await;
        let rows = self.database.rows();
        if rows.feed_is_away {
            return Err(away());
        }
        Ok(rows.feed.last().map_or(0, |mark| mark.cursor))
    }

    async fn from(&self, cursor: i64, limit: u32) -> Result<Vec<FeedMark>, StoreError> {
        tokio::task::yield_now().await;
        let marks = {
            let rows = self.database.rows();
            if rows.feed_is_away {
                return Err(away());
            }
            let marks = rows.feed.iter().filter(|mark| mark.cursor >= cursor);
            marks.take(limit as usize).cloned().collect()
        };
        tokio::task::yield_now().await;
        Ok(marks)
    }
}

impl Commits for Replica {
    fn observe(&self, observer: Weak<dyn CommitObserver>) {
        let _ = self.observer.set(observer);
    }
}

#[async_trait]
impl WakeUps for Replica {
    async fn listen(&self, woken: &(dyn Fn() + Send + Sync)) -> Result<Infallible, WakeUpError> {
        loop {
            self.database.bell.notified().await;
            woken();
        }
    }

    fn wake(&self) {
        self.database.ring();
    }
}

#[async_trait]
impl Housekeeping for Replica {
    async fn lease(
        &self,
        _: &str,
        _: &str,
        _: DateTime<Utc>,
        _: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        unreachable!()
    }

    async fn checkpoint(&self, name: &str) -> Result<Option<String>, StoreError> {
        Ok(self.database.rows().checkpoints.get(name).cloned())
    }

    async fn keep_checkpoint(&self, name: &str, word: Option<String>) -> Result<(), StoreError> {
        let mut rows = self.database.rows();
        if let Some(word) = word {
            rows.checkpoints.insert(name.to_owned(), word);
        }
        Ok(())
    }

    async fn prune_deliveries(&self, _: DateTime<Utc>, _: u32) -> Result<u64, StoreError> {
        unreachable!()
    }

    async fn prune_leftovers(&self, _: DateTime<Utc>, _: u32) -> Result<u64, StoreError> {
        unreachable!()
    }

    async fn thin_users(
        &self,
        _: Option<domain::ClerkId>,
        _: u32,
    ) -> Result<Vec<domain::ClerkId>, StoreError> {
        unreachable!()
    }

    async fn settle_tiers(&self, _: DateTime<Utc>, _: u32) -> Result<u64, StoreError> {
        unreachable!()
    }
}
