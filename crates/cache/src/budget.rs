//! Budgets in Redis, from which all processes of a service take.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::{Pace, SharedBudget};

use crate::redis_link::RedisLink;
use crate::shared::SharedCallers;

/// One number a share: when it will have recovered from all that was taken, in microseconds of Redis' clock, which is the
/// one that all processes have in common (the generic cell rate algorithm). Answers the microseconds to wait, 0 when one was
/// taken.
const TAKE: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local recovered = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now) + interval
local wait = recovered - interval * burst - now
if wait > 0 then return wait end
redis.call('SET', KEYS[1], string.format('%.0f', recovered), 'PX', math.ceil((recovered - now) / 1000))
return 0
";

/// Takes from Redis as long as it answers.
pub(crate) struct RedisBudgets {
    link: Arc<RedisLink>,
    /// Knows what this service's keys are called.
    service: Arc<SharedCallers>,
}

impl RedisBudgets {
    pub(crate) fn new(link: Arc<RedisLink>, service: Arc<SharedCallers>) -> Self {
        Self { link, service }
    }
}

impl std::fmt::Debug for RedisBudgets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisBudgets").finish_non_exhaustive()
    }
}

#[async_trait]
impl SharedBudget for RedisBudgets {
    async fn take(&self, share: &'static str, pace: Pace) -> Option<Duration> {
        let service = self.service.name()?;
        let mut take = redis::cmd("EVAL");
        take.arg(TAKE)
            .arg(1)
            .arg(format!("clerk-sync:{service}:budget:{share}"))
            .arg(u64::try_from(pace.interval.as_micros()).unwrap_or(u64::MAX))
            .arg(pace.burst.max(1));
        let wait: u64 = self.link.ask(&take).await?;
        (wait > 0).then(|| Duration::from_micros(wait))
    }
}

#[cfg(test)]
mod tests {
    use testdb::TestRedis;
    use tokio_util::sync::CancellationToken;

    use super::*;

    /// Longer than any test takes, so that nothing recovers meanwhile.
    const SLOW: Pace = Pace {
        interval: Duration::from_secs(3600),
        burst: 5,
    };

    async fn budgets(redis: &TestRedis, key: &[u8]) -> RedisBudgets {
        let link = Arc::new(RedisLink::new(redis.url().parse().unwrap()).unwrap());
        let keeping = Arc::clone(&link);
        tokio::spawn(async move { keeping.run(&CancellationToken::new()).await });
        let service = Arc::new(SharedCallers::of_key(
            Arc::clone(&link),
            Arc::new(domain::MockHousekeeping::new()),
            key,
        ));
        let ready = async {
            while link.state() != domain::SharedCacheState::Answering {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(30), ready).await;
        waited.expect("an answer of Redis");
        RedisBudgets::new(link, service)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn processes_of_one_service_take_from_one_budget() {
        let redis = TestRedis::start().await;
        let (one, other) = (budgets(&redis, b"a").await, budgets(&redis, b"a").await);
        for taking in [&one, &other, &one, &other, &one] {
            assert_eq!(taking.take("clerk", SLOW).await, None);
        }
        for taking in [&one, &other] {
            let wait = taking.take("clerk", SLOW).await.expect("nothing is left");
            assert!(
                wait > SLOW.interval / 2 && wait <= SLOW.interval,
                "{wait:?}"
            );
        }
        // Another share, and another service with the same Redis.
        assert_eq!(one.take("clerk-sweeps", SLOW).await, None);
        let strangers = budgets(&redis, b"b").await;
        assert_eq!(strangers.take("clerk", SLOW).await, None);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_was_taken_comes_back_with_time() {
        let redis = TestRedis::start().await;
        let quick = Pace {
            interval: Duration::from_millis(20),
            burst: 1,
        };
        let budgets = budgets(&redis, b"a").await;
        let mut left = 10;
        let taking = async {
            while left > 0 {
                match budgets.take("clerk", quick).await {
                    None => left -= 1,
                    Some(wait) => {
                        assert!(wait <= quick.interval, "{wait:?}");
                        tokio::time::sleep(wait).await;
                    }
                }
            }
        };
        let taken = tokio::time::timeout(Duration::from_secs(30), taking).await;
        taken.expect("ten of them");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn without_redis_everybody_keeps_to_his_own_count() {
        let mut redis = TestRedis::start().await;
        let budgets = budgets(&redis, b"a").await;
        for _ in 0..5 {
            assert_eq!(budgets.take("clerk", SLOW).await, None);
        }
        assert!(budgets.take("clerk", SLOW).await.is_some());
        redis.stop();
        assert_eq!(budgets.take("clerk", SLOW).await, None);
    }
}
