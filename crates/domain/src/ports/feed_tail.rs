//! What a process needs to keep what it remembers in step with what is committed, by itself and by others.

use std::sync::Weak;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{ChangeKind, StoreError};

/// A change in the feed, as far as it says whom it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedMark {
    /// Its place: grows in commit order, without gaps that fill later.
    pub cursor: i64,
    /// What it is about; `None` for a kind that a later version of this program knows.
    pub kind: Option<ChangeKind>,
    /// The object's id at Clerk.
    pub clerk_id: String,
    /// The user whom the row names, where it names one: a session's, a membership's.
    pub clerk_user_id: Option<String>,
    /// When it was written.
    pub at: DateTime<Utc>,
}

/// Where the end of the change feed is read.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait FeedTail: Send + Sync {
    /// The newest change's cursor; 0 while there is none.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn newest(&self) -> Result<i64, StoreError>;

    /// The changes from this cursor on, the one at it included, in commit order, at most `limit`. It must see every
    /// change that was committed before the call.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn from(&self, cursor: i64, limit: u32) -> Result<Vec<FeedMark>, StoreError>;
}

/// Who is told that this process has committed something.
#[async_trait]
pub trait CommitObserver: Send + Sync {
    /// Something may have been committed: these changes of one transaction in the order of their cursors, or what the
    /// feed says where the store cannot tell them (`None`). Returns once nothing that this process remembers is older
    /// than that, or once it uses nothing of what it remembers. The store waits for it before it answers.
    async fn committed(&self, changes: Option<Vec<FeedMark>>);
}

/// Where one says who wants to be told of commits.
pub trait Commits: Send + Sync {
    /// From now on `observer` is told, for as long as it lives. The first one stays.
    fn observe(&self, observer: Weak<dyn CommitObserver>);
}

/// Why nobody can be heard.
#[derive(Debug, thiserror::Error)]
#[error("nothing is heard of other processes")]
pub struct WakeUpError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// How the processes on one store tell each other to look at the feed. A wake-up says nothing else, and may be lost.
#[async_trait]
pub trait WakeUps: Send + Sync {
    /// Calls `woken` whenever another process may have committed something, and once in the beginning, for what was
    /// missed before. Returns only when it hears no more.
    ///
    /// # Errors
    /// Always: why it hears no more.
    async fn listen(
        &self,
        woken: &(dyn Fn() + Send + Sync),
    ) -> Result<std::convert::Infallible, WakeUpError>;

    /// Wakes the others after a commit, as well as it goes. Must not wait.
    fn wake(&self);
}

/// How far this process has seen the feed.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait FeedPulse: Send + Sync {
    /// Waits until the newest change seen is another one than the one at `cursor`, and answers its cursor. `cursor` is
    /// what was answered last, or -1 for what is newest now. It goes back when the database is put back to an earlier day.
    async fn moved(&self, cursor: i64) -> i64;
}

/// How the shared memory of several processes does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SharedCacheState {
    /// None is configured.
    Absent,
    /// It answers.
    Answering,
    /// It does not: everything works without it, with more queries.
    Away,
}

/// How what this process remembers does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheReport {
    /// How long ago the last successful look at the feed began; `None` before the first.
    pub seen_ago: Option<Duration>,
    /// Whether remembered users are used: the look is recent enough.
    pub in_use: bool,
    /// Users in this process's memory.
    pub users: usize,
    /// Sessions in this process's memory.
    pub sessions: usize,
    /// Callers who were found in memory since the start.
    pub hits: u64,
    /// Callers who were not.
    pub misses: u64,
    /// Redis.
    pub shared: SharedCacheState,
}

/// Who says how the caches do.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait CacheHealth: Send + Sync {
    /// Looks at what is known, and asks nobody.
    fn report(&self) -> CacheReport;
}
