//! Callers out of memory, where that is known to be true; out of the store everywhere else.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use domain::{Caller, ClerkId, StoreError, ThinUser, User, UserStore};
use tokio::time::Instant;

use crate::memory::Ticket;
use crate::remembered::{Known, Remembered};
use crate::shared::{SharedCallers, Stamped};
use crate::watch::FeedWatch;

/// A store of users that remembers callers.
pub struct CachedUsers {
    store: Arc<dyn UserStore>,
    remembered: Arc<Remembered>,
    watch: Arc<FeedWatch>,
    shared: Option<Arc<SharedCallers>>,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// What was so before a caller was read.
struct Before {
    user: Ticket,
    session: Ticket,
    /// Everything up to this change is in what is read from the store.
    seen: i64,
}

impl CachedUsers {
    pub(crate) fn new(
        store: Arc<dyn UserStore>,
        remembered: Arc<Remembered>,
        watch: Arc<FeedWatch>,
        shared: Option<Arc<SharedCallers>>,
    ) -> Self {
        Self {
            store,
            remembered,
            watch,
            shared,
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }

    pub(crate) fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    pub(crate) fn misses(&self) -> u64 {
        self.misses.load(Ordering::Relaxed)
    }

    fn remembered(&self, user_id: &str, session_id: &str) -> Option<Caller> {
        let now = Instant::now();
        if !self.watch.is_in_use(now) {
            return None;
        }
        let Known {
            user,
            usage,
            portfolios,
        } = self.remembered.users.get(user_id, now)?;
        let session_status = self.remembered.sessions.get(session_id, now)?;
        Some(Caller {
            user,
            session_status,
            usage,
            portfolios,
        })
    }

    async fn find(&self, user_id: &str, session_id: &str) -> Result<Option<Caller>, StoreError> {
        let before = Before {
            user: self.remembered.users.ticket(user_id),
            session: self.remembered.sessions.ticket(session_id),
            seen: self.watch.seen(),
        };
        if let Some(caller) = self.shared(user_id, session_id, &before).await {
            self.remember(&caller, session_id, &before);
            return Ok(Some(caller));
        }
        let Some(caller) = self.store.caller(user_id, session_id).await? else {
            // Whoever is unknown gets a row in a moment.
            return Ok(None);
        };
        self.remember(&caller, session_id, &before);
        if let Some(shared) = &self.shared
            && self.watch.is_in_use(Instant::now())
        {
            shared.put(session_id, &Stamped::new(before.seen, &caller));
        }
        Ok(Some(caller))
    }

    /// What Redis has, if it is no older than what is known here to have changed.
    async fn shared(&self, user_id: &str, session_id: &str, before: &Before) -> Option<Caller> {
        let shared = self.shared.as_ref()?;
        if !self.watch.is_in_use(Instant::now()) {
            return None;
        }
        let found = shared.get(user_id, session_id).await?;
        let is_current =
            found.seen >= before.user.changed_at && found.seen >= before.session.changed_at;
        // It took a moment.
        let is_current = is_current && self.watch.is_in_use(Instant::now());
        is_current.then(|| found.into_caller())
    }

    fn remember(&self, caller: &Caller, session_id: &str, before: &Before) {
        let now = Instant::now();
        let users = &self.remembered.users;
        let known = Known {
            user: Arc::clone(&caller.user),
            usage: caller.usage.clone(),
            portfolios: caller.portfolios,
        };
        users.put(&caller.user.clerk_user_id, known, before.user, now);
        if let Ok(session_id) = ClerkId::parse(session_id) {
            let status = caller.session_status.clone();
            let sessions = &self.remembered.sessions;
            sessions.put(&session_id, status, before.session, now);
        }
    }
}

#[async_trait]
impl UserStore for CachedUsers {
    async fn caller(
        &self,
        clerk_user_id: &str,
        clerk_session_id: &str,
    ) -> Result<Option<Caller>, StoreError> {
        if let Some(caller) = self.remembered(clerk_user_id, clerk_session_id) {
            self.hits.fetch_add(1, Ordering::Relaxed);
            return Ok(Some(caller));
        }
        self.misses.fetch_add(1, Ordering::Relaxed);
        // In a box of its own, so that a hit does not pay for its size.
        Box::pin(self.find(clerk_user_id, clerk_session_id)).await
    }

    async fn provision(&self, user: ThinUser) -> Result<User, StoreError> {
        self.store.provision(user).await
    }
}
