//! The parts put together.

use std::sync::Arc;
use std::time::Duration;

use domain::{
    CacheHealth, CacheReport, CommitObserver, Commits, FeedTail, Housekeeping, SharedBudget,
    SharedCacheState, UserStore, WakeUps,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::budget::RedisBudgets;
use crate::callers::CachedUsers;
use crate::redis_link::RedisLink;
use crate::redis_url::{RedisLinkError, RedisUrl};
use crate::remembered::Remembered;
use crate::shared::SharedCallers;
use crate::watch::FeedWatch;

/// How much is remembered, and for how long.
#[derive(Debug, Clone)]
pub struct CacheSettings {
    /// Users in this process's memory; 0 remembers nobody.
    pub users: usize,
    /// Sessions in this process's memory.
    pub sessions: usize,
    /// How long, here and in Redis, whatever the feed says.
    pub lifetime: Duration,
    /// The Redis that several processes share.
    pub redis: Option<RedisUrl>,
}

/// The ports behind the caches.
pub struct CacheParts {
    /// Where users are read.
    pub users: Arc<dyn UserStore>,
    /// The end of the change feed.
    pub feed_tail: Arc<dyn FeedTail>,
    /// Who tells of this process's commits.
    pub commits: Arc<dyn Commits>,
    /// Who tells of the others'.
    pub wake_ups: Arc<dyn WakeUps>,
    /// Where the key is kept that seals what stands in Redis.
    pub housekeeping: Arc<dyn Housekeeping>,
}

/// Everything that remembers callers in this process.
pub struct Caches {
    /// The store of users, which remembers.
    pub users: Arc<CachedUsers>,
    /// The watch on the change feed.
    pub watch: Arc<FeedWatch>,
    remembered: Arc<Remembered>,
    redis: Option<(Arc<RedisLink>, Arc<SharedCallers>)>,
}

impl Caches {
    /// Puts the caches before a store. They are used once [`Self::run`] has looked at the feed.
    ///
    /// # Errors
    /// When the settings of Redis are impossible. One that is away is no error.
    pub fn new(settings: CacheSettings, parts: CacheParts) -> Result<Self, RedisLinkError> {
        let CacheParts {
            users,
            feed_tail,
            commits,
            wake_ups,
            housekeeping,
        } = parts;
        let remembered = Arc::new(Remembered::new(&settings));
        let mut bells = vec![wake_ups];
        let redis = match settings.redis {
            None => None,
            Some(url) => {
                let link = Arc::new(RedisLink::new(url)?);
                bells.push(Arc::clone(&link) as Arc<dyn WakeUps>);
                let shared = SharedCallers::new(Arc::clone(&link), housekeeping, settings.lifetime);
                Some((link, Arc::new(shared)))
            }
        };
        let watch = Arc::new(FeedWatch::new(feed_tail, Arc::clone(&remembered), bells));
        let observer: Arc<dyn CommitObserver> = watch.clone();
        commits.observe(Arc::downgrade(&observer));
        let shared = redis.as_ref().map(|(_, shared)| Arc::clone(shared));
        let users = CachedUsers::new(users, Arc::clone(&remembered), Arc::clone(&watch), shared);
        Ok(Self {
            users: Arc::new(users),
            watch,
            remembered,
            redis,
        })
    }

    /// What the processes that share a Redis may do together, where there is one.
    #[must_use]
    pub fn shared_budget(&self) -> Option<Arc<dyn SharedBudget>> {
        let (link, shared) = self.redis.as_ref()?;
        let budgets = RedisBudgets::new(Arc::clone(link), Arc::clone(shared));
        Some(Arc::new(budgets))
    }

    /// Keeps the caches in step until `stop`.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let watching = Arc::clone(&self.watch).run(stop.clone());
        match &self.redis {
            None => watching.await,
            Some((link, shared)) => {
                tokio::join!(watching, link.run(&stop), shared.run(&stop));
            }
        }
    }
}

impl CacheHealth for Caches {
    fn report(&self) -> CacheReport {
        let now = Instant::now();
        let shared = match &self.redis {
            None => SharedCacheState::Absent,
            Some((link, shared)) if shared.is_ready() => link.state(),
            Some(_) => SharedCacheState::Away,
        };
        CacheReport {
            seen_ago: self.watch.age(now),
            in_use: self.watch.is_in_use(now),
            users: self.remembered.users.len(),
            sessions: self.remembered.sessions.len(),
            hits: self.users.hits(),
            misses: self.users.misses(),
            shared,
        }
    }
}
