//! A process with its caches, on a store in memory.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use cache::{CacheParts, CacheSettings, Caches, RedisUrl};
use domain::{Caller, StoreError, UserStore as _};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::store::{Database, Replica, SESSION, eventually};

/// One process with its caches.
pub(crate) struct Process {
    pub(crate) caches: Arc<Caches>,
    replica: Arc<Replica>,
    _stop: DropGuard,
}

pub(crate) fn settings() -> CacheSettings {
    CacheSettings {
        users: 1000,
        sessions: 1000,
        lifetime: Duration::from_secs(300),
        redis: None,
    }
}

impl Process {
    /// Starts one, whose watch has not looked yet.
    pub(crate) fn start(database: &Arc<Database>) -> Self {
        Self::with(database, settings())
    }

    pub(crate) fn sharing(database: &Arc<Database>, redis: &str) -> Self {
        let redis: RedisUrl = redis.parse().unwrap();
        Self::with(
            database,
            CacheSettings {
                redis: Some(redis),
                ..settings()
            },
        )
    }

    pub(crate) fn with(database: &Arc<Database>, settings: CacheSettings) -> Self {
        let replica = Arc::new(Replica {
            database: Arc::clone(database),
            observer: OnceLock::new(),
            tells: AtomicBool::new(true),
        });
        let parts = CacheParts {
            users: replica.clone(),
            feed_tail: replica.clone(),
            commits: replica.clone(),
            wake_ups: replica.clone(),
            housekeeping: replica.clone(),
        };
        let caches = Arc::new(Caches::new(settings, parts).unwrap());
        let stop = CancellationToken::new();
        tokio::spawn(Arc::clone(&caches).run(stop.clone()));
        Self {
            caches,
            replica,
            _stop: stop.drop_guard(),
        }
    }

    /// Starts one and waits until it uses what it remembers.
    pub(crate) async fn watching(database: &Arc<Database>) -> Self {
        let process = Self::start(database);
        process.in_use().await;
        process
    }

    /// Waits until what is remembered is used.
    pub(crate) async fn in_use(&self) {
        eventually(|| self.report().in_use).await;
    }

    pub(crate) fn report(&self) -> domain::CacheReport {
        domain::CacheHealth::report(&*self.caches)
    }

    pub(crate) async fn caller(&self, user: &str, session: &str) -> Result<Caller, StoreError> {
        let caller = self.caches.users.caller(user, session).await;
        caller.map(|caller| caller.expect("a known user"))
    }

    /// The version of a user's row that a request gets.
    pub(crate) async fn version(&self, user: &str) -> i64 {
        self.caller(user, SESSION).await.unwrap().user.version
    }

    /// Commits through this process's store, which returns once the caches know.
    pub(crate) async fn commit<T>(&self, change: impl FnOnce(&Database) -> T) -> T {
        let newest = || {
            self.replica
                .database
                .rows()
                .feed
                .last()
                .map_or(0, |mark| mark.cursor)
        };
        let before = newest();
        let changed = change(&self.replica.database);
        let told = self.replica.tells.fetch_not(Ordering::Relaxed).then(|| {
            let rows = self.replica.database.rows();
            let marks = rows.feed.iter().filter(|mark| mark.cursor > before);
            marks.cloned().collect::<Vec<_>>()
        });
        // What changed nothing tells nothing, and is only a reason to look.
        let told = told.filter(|marks| !marks.is_empty());
        if let Some(observer) = self.replica.observer.get().and_then(Weak::upgrade) {
            observer.committed(told).await;
        }
        changed
    }
}
