//! The connection to Redis, which may be slow or away without anybody noticing more than a few milliseconds.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use domain::{SharedCacheState, WakeUpError, WakeUps};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, Cmd, FromRedisValue, PushInfo, PushKind, RedisError};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::redis_url::RedisUrl;

/// The channel on which the processes wake each other.
const CHANNEL: &str = "clerk-sync:changes";
/// How long a request waits for Redis. After one that waited in vain nobody does, until Redis has answered a ping.
const LIMIT: Duration = Duration::from_millis(40);
/// How long a ping may take before it is given up. One that takes longer than [`LIMIT`] shows a Redis that is too slow to
/// be asked: it is done without, and the connection stays.
const PING_LIMIT: Duration = Duration::from_millis(500);
const CONNECT_LIMIT: Duration = Duration::from_secs(1);
/// Between pings of a Redis that answers, and of one that does not.
const PING_WELL: Duration = Duration::from_secs(2);
const PING_ILL: Duration = Duration::from_millis(250);
/// Pings in vain after which the connection is given up: the other side may be gone without a word.
const PATIENCE: u32 = 4;
/// Writes under way that nobody waits for; more are left undone.
const WRITES: u32 = 256;

/// One connection, made again whenever that is needed.
pub(crate) struct RedisLink {
    client: Client,
    manager: ArcSwap<ConnectionManager>,
    heard: Arc<Notify>,
    to_publish: Notify,
    answers: AtomicBool,
    writes: AtomicU32,
}

impl RedisLink {
    /// Connects to nobody yet. On a runtime.
    pub(crate) fn new(url: RedisUrl) -> Result<Self, RedisError> {
        let client = Client::open(url.0)?;
        let heard = Arc::new(Notify::new());
        Ok(Self {
            manager: ArcSwap::from_pointee(manager(&client, &heard)?),
            client,
            heard,
            to_publish: Notify::new(),
            answers: AtomicBool::new(false),
            writes: AtomicU32::new(0),
        })
    }

    pub(crate) fn state(&self) -> SharedCacheState {
        if self.answers.load(Ordering::Acquire) {
            SharedCacheState::Answering
        } else {
            SharedCacheState::Away
        }
    }

    /// Keeps the connection, and publishes, until `stop`.
    pub(crate) async fn run(&self, stop: &CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.keep() => {}
            () = self.publish() => {}
        }
    }

    async fn keep(&self) {
        let mut in_vain = 0;
        let mut subscribed = false;
        loop {
            let took = self.ping(subscribed).await;
            if took.is_some() && !subscribed {
                // That one connected as well: only the next one says how quick Redis is.
                (in_vain, subscribed) = (0, true);
                continue;
            }
            let well = took.is_some_and(|took| took <= LIMIT);
            let was_well = self.answers.swap(well, Ordering::AcqRel);
            if well && !was_well {
                tracing::info!("Redis answers");
                // What was published meanwhile is lost.
                self.heard.notify_one();
            } else if was_well && !well {
                warn_of_silence();
            }
            if took.is_some() {
                in_vain = 0;
            } else {
                in_vain += 1;
                if in_vain % PATIENCE == 0
                    && let Ok(fresh) = manager(&self.client, &self.heard)
                {
                    self.manager.store(Arc::new(fresh));
                    subscribed = false;
                }
            }
            tokio::time::sleep(if well { PING_WELL } else { PING_ILL }).await;
        }
    }

    /// How long a ping took; `None` when there was no answer.
    async fn ping(&self, subscribed: bool) -> Option<Duration> {
        let began = Instant::now();
        let mut manager = ConnectionManager::clone(&self.manager.load());
        let ping = async {
            if !subscribed {
                manager.subscribe(CHANNEL).await?;
            }
            redis::cmd("PING").query_async::<()>(&mut manager).await
        };
        let limit = if subscribed {
            PING_LIMIT
        } else {
            CONNECT_LIMIT
        };
        let answered = tokio::time::timeout(limit, ping).await;
        matches!(answered, Ok(Ok(()))).then(|| began.elapsed())
    }

    async fn publish(&self) {
        loop {
            self.to_publish.notified().await;
            // The others look for themselves soon if this is lost.
            let _: Option<i64> = self.ask(&Cmd::publish(CHANNEL, "")).await;
        }
    }

    /// Asks, and waits a little. `None` when Redis does not answer, or not what was expected.
    pub(crate) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Option<T> {
        if !self.answers.load(Ordering::Acquire) {
            return None;
        }
        let mut manager = ConnectionManager::clone(&self.manager.load());
        match tokio::time::timeout(LIMIT, command.query_async(&mut manager)).await {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(error)) => {
                tracing::debug!(kind = ?error.kind(), "Redis refused a command");
                self.give_up();
                None
            }
            Err(_) => {
                self.give_up();
                None
            }
        }
    }

    /// Tells, and lets nobody wait.
    pub(crate) fn tell(self: &Arc<Self>, command: Cmd) {
        if self.writes.fetch_add(1, Ordering::AcqRel) >= WRITES {
            self.writes.fetch_sub(1, Ordering::AcqRel);
            return;
        }
        let link = Arc::clone(self);
        tokio::spawn(async move {
            let _: Option<()> = link.ask(&command).await;
            link.writes.fetch_sub(1, Ordering::AcqRel);
        });
    }

    fn give_up(&self) {
        if self.answers.swap(false, Ordering::AcqRel) {
            warn_of_silence();
        }
    }
}

fn warn_of_silence() {
    tracing::warn!("Redis does not answer in time: callers are read from the database");
}

fn manager(client: &Client, heard: &Arc<Notify>) -> Result<ConnectionManager, RedisError> {
    let heard = Arc::clone(heard);
    let config = ConnectionManagerConfig::new()
        .set_number_of_retries(1)
        .set_max_delay(PING_ILL)
        .set_connection_timeout(Some(CONNECT_LIMIT))
        .set_response_timeout(Some(PING_LIMIT))
        .set_push_sender(move |push: PushInfo| {
            // On a disconnection what comes until the next connection is lost.
            if matches!(push.kind, PushKind::Message | PushKind::Disconnection) {
                heard.notify_one();
            }
            Ok::<(), Infallible>(())
        })
        .set_automatic_resubscription();
    ConnectionManager::new_lazy_with_config(client.clone(), config)
}

#[async_trait]
impl WakeUps for RedisLink {
    async fn listen(&self, woken: &(dyn Fn() + Send + Sync)) -> Result<Infallible, WakeUpError> {
        loop {
            self.heard.notified().await;
            woken();
        }
    }

    fn wake(&self) {
        self.to_publish.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use testdb::TestRedis;

    use super::*;

    async fn link(redis: &TestRedis) -> Arc<RedisLink> {
        let link = Arc::new(RedisLink::new(redis.url().parse().unwrap()).unwrap());
        let keeping = Arc::clone(&link);
        tokio::spawn(async move { keeping.run(&CancellationToken::new()).await });
        answering(&link).await;
        link
    }

    async fn answering(link: &RedisLink) {
        let waiting = async {
            while link.state() != SharedCacheState::Answering {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(30), waiting).await;
        waited.expect("an answer of Redis");
    }

    /// Wakes by one link until the other hears it: what was told before the subscription was there is lost.
    async fn hears(from: &RedisLink, to: &RedisLink) {
        let (woken, mut bell) = tokio::sync::mpsc::unbounded_channel();
        let ring = move || woken.send(()).unwrap_or_default();
        let listening = to.listen(&ring);
        let heard = async {
            from.wake();
            bell.recv().await;
        };
        tokio::select! {
            never = listening => drop(never),
            heard = tokio::time::timeout(Duration::from_secs(30), heard) => heard.expect("a wake-up"),
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn processes_wake_each_other_also_after_redis_was_away() {
        let mut redis = TestRedis::start().await;
        let (one, other) = (link(&redis).await, link(&redis).await);
        for _ in 0..2 {
            hears(&one, &other).await;
            hears(&other, &one).await;
            redis.restart().await;
            for link in [&one, &other] {
                link.give_up();
                answering(link).await;
            }
        }
    }
}
