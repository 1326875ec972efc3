//! Callers in Redis: a copy that several processes share, believed only where the feed shows that it still holds.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use domain::workspace::PortfolioSummary;
use domain::{Caller, Housekeeping, MonthUsage, SessionStatus, User};
use redis::Cmd;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::redis_link::RedisLink;
use crate::seal::Seal;

/// Before asking the database for the seal's key again.
const AGAIN: Duration = Duration::from_secs(1);

/// A caller, with the newest change that its process had seen before it read him.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stamped {
    pub(crate) seen: i64,
    user: Arc<User>,
    session_status: Option<SessionStatus>,
    usage: Option<Arc<MonthUsage>>,
    portfolios: PortfolioSummary,
}

impl Stamped {
    pub(crate) fn new(seen: i64, caller: &Caller) -> Self {
        let Caller {
            user,
            session_status,
            usage,
            portfolios,
        } = caller;
        Self {
            seen,
            user: Arc::clone(user),
            session_status: session_status.clone(),
            usage: usage.clone(),
            portfolios: *portfolios,
        }
    }

    pub(crate) fn into_caller(self) -> Caller {
        Caller {
            user: self.user,
            session_status: self.session_status,
            usage: self.usage,
            portfolios: self.portfolios,
        }
    }

    fn to_bytes(&self) -> Option<Vec<u8>> {
        serde_json::to_vec(self).ok()
    }

    /// Reads what [`Self::to_bytes`] of this very version wrote. Another version's row may have other columns: a missing
    /// one would be read as empty, and an empty `deleted_at` is a lie.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let read: Self = serde_json::from_slice(bytes).ok()?;
        (read.to_bytes()? == bytes).then_some(read)
    }
}

/// The copy in Redis.
pub(crate) struct SharedCallers {
    link: Arc<RedisLink>,
    store: Arc<dyn Housekeeping>,
    seal: OnceLock<Arc<Seal>>,
    lifetime: Duration,
}

impl SharedCallers {
    pub(crate) fn new(
        link: Arc<RedisLink>,
        store: Arc<dyn Housekeeping>,
        lifetime: Duration,
    ) -> Self {
        Self {
            link,
            store,
            seal: OnceLock::new(),
            lifetime,
        }
    }

    /// Gets the seal's key as soon as the database answers; until then nothing is shared.
    pub(crate) async fn run(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            match Seal::of_service(&*self.store).await {
                Ok(seal) => {
                    let _ = self.seal.set(Arc::new(seal));
                    return;
                }
                Err(error) => tracing::debug!(%error, "nothing is shared through Redis yet"),
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(AGAIN) => {}
            }
        }
    }

    /// Those of a service whose key is known already.
    #[cfg(test)]
    pub(crate) fn of_key(link: Arc<RedisLink>, store: Arc<dyn Housekeeping>, key: &[u8]) -> Self {
        let shared = Self::new(link, store, Duration::from_secs(60));
        let _ = shared.seal.set(Arc::new(Seal::new(key)));
        shared
    }

    /// Whether the key is there.
    pub(crate) fn is_ready(&self) -> bool {
        self.seal.get().is_some()
    }

    /// What this service's keys in Redis are called after; `None` until the seal's key is there.
    pub(crate) fn name(&self) -> Option<&str> {
        self.seal.get().map(|seal| seal.name())
    }

    /// What stands there about a caller. Whatever goes wrong, there is nothing.
    pub(crate) async fn get(&self, user_id: &str, session_id: &str) -> Option<Stamped> {
        let seal = self.seal.get()?;
        let place = place(seal, user_id, session_id);
        let sealed: Option<Vec<u8>> = self.link.ask(&Cmd::get(&place)).await?;
        let found = Stamped::from_bytes(seal.open(&place, &sealed?)?)?;
        (found.user.clerk_user_id.as_str() == user_id).then_some(found)
    }

    /// Puts a caller there. Nobody waits for it.
    pub(crate) fn put(&self, session_id: &str, stamped: &Stamped) {
        let Some((seal, bytes)) = self.seal.get().zip(stamped.to_bytes()) else {
            return;
        };
        let place = place(seal, &stamped.user.clerk_user_id, session_id);
        let sealed = seal.close(&place, &bytes);
        let millis = u64::try_from(self.lifetime.as_millis()).unwrap_or(u64::MAX);
        self.link.tell(Cmd::pset_ex(&place, sealed, millis.max(1)));
    }
}

fn place(seal: &Seal, user_id: &str, session_id: &str) -> String {
    format!("clerk-sync:{}:caller:{user_id}:{session_id}", seal.name())
}
