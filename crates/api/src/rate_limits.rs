//! How many requests one caller may send: a user, or the address of whoever has not proven to be one.
//!
//! Each process counts for itself. What is kept of a caller is eight bytes and a time, for as long as it still says
//! something; whom a number stands for cannot be told from it.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::Utc;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, NotUntil, Quota, RateLimiter};

use crate::problem::{Kind, Problem};
use crate::security_log::SecurityLog;

/// How often their number is asked for, which means to ask every part of the table.
const COUNTED_EVERY: usize = 1_024;
/// Callers who are looked through for those of whom nothing has to be known any more.
const LOOKED_THROUGH: usize = 50_000;
/// Of an IPv6 address so many bits say whose network it is.
const NETWORK_BITS: u32 = 64;

/// A pace: so many in a second or a minute, and so many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many,
    pub count: NonZeroU32,
    /// in which time.
    pub period: Duration,
    /// How many at once, after a pause.
    pub burst: NonZeroU32,
}

/// What is allowed; `None` is no limit.
#[derive(Debug, Clone, Copy, Default)]
pub struct RateLimitSettings {
    /// Requests of one user.
    pub per_user: Option<Rate>,
    /// Requests from one address that do not prove to be anybody's.
    pub per_address: Option<Rate>,
    /// Authentic webhooks.
    pub webhooks: Option<Rate>,
}

/// Counts requests.
pub(crate) struct RateLimits {
    users: Option<Callers>,
    addresses: Option<Callers>,
    webhooks: Option<DefaultDirectRateLimiter>,
    security_log: Arc<SecurityLog>,
}

struct Callers {
    limiter: DefaultKeyedRateLimiter<u64>,
    hasher: RandomState,
    requests: AtomicUsize,
    look_through_at: AtomicUsize,
}

impl Rate {
    fn quota(self) -> Option<Quota> {
        let each = self.period.checked_div(self.count.get())?;
        Some(Quota::with_period(each)?.allow_burst(self.burst))
    }
}

impl RateLimits {
    pub(crate) fn new(settings: RateLimitSettings, security_log: Arc<SecurityLog>) -> Self {
        let RateLimitSettings {
            per_user,
            per_address,
            webhooks,
        } = settings;
        Self {
            users: per_user.and_then(Rate::quota).map(Callers::new),
            addresses: per_address.and_then(Rate::quota).map(Callers::new),
            webhooks: webhooks.and_then(Rate::quota).map(RateLimiter::direct),
            security_log,
        }
    }

    /// Counts a request of a user's, by Clerk's id.
    ///
    /// # Errors
    /// 429 `rate_limited`, with the time at which the next one is taken.
    pub(crate) fn user(&self, id: &str) -> Result<(), Problem> {
        let Some(users) = &self.users else {
            return Ok(());
        };
        users
            .count(id)
            .inspect_err(|_| self.security_log.rate_limited())
    }

    /// Counts a request from an address that has proven nothing.
    ///
    /// # Errors
    /// As for users.
    pub(crate) fn stranger(&self, address: Option<IpAddr>) -> Result<(), Problem> {
        match (&self.addresses, address) {
            (Some(addresses), Some(address)) => addresses
                .count(network(address))
                .inspect_err(|_| self.security_log.rate_limited()),
            _ => Ok(()),
        }
    }

    /// Counts an authentic webhook.
    ///
    /// # Errors
    /// As for users. Clerk sends it again.
    pub(crate) fn webhook(&self) -> Result<(), Problem> {
        let Some(webhooks) = &self.webhooks else {
            return Ok(());
        };
        webhooks.check().map_err(|until| refusal(&until))
    }
}

impl Callers {
    fn new(quota: Quota) -> Self {
        Self {
            limiter: RateLimiter::keyed(quota),
            hasher: RandomState::new(),
            requests: AtomicUsize::new(0),
            look_through_at: AtomicUsize::new(LOOKED_THROUGH),
        }
    }

    fn count(&self, caller: impl Hash) -> Result<(), Problem> {
        let key = self.hasher.hash_one(caller);
        let counted = self.limiter.check_key(&key);
        if counted.is_err() {
            return counted.map_err(|until| refusal(&until));
        }
        let requests = self.requests.fetch_add(1, Ordering::Relaxed);
        if requests.is_multiple_of(COUNTED_EVERY) {
            self.forget_the_idle();
        }
        Ok(())
    }

    /// Whoever may do everything again need not be remembered. The next look comes when there are twice as many as are left.
    fn forget_the_idle(&self) {
        let at = self.look_through_at.load(Ordering::Relaxed);
        if self.limiter.len() < at {
            return;
        }
        let next = at.saturating_mul(2);
        let mine =
            self.look_through_at
                .compare_exchange(at, next, Ordering::Relaxed, Ordering::Relaxed);
        // Another request looks through.
        if mine.is_err() {
            return;
        }
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
        let left = self.limiter.len().saturating_mul(2).max(LOOKED_THROUGH);
        self.look_through_at.store(left, Ordering::Relaxed);
    }
}

/// Whose address it is: one subscriber has all of an IPv6 network.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let kept = u128::MAX << (128 - NETWORK_BITS);
            std::net::Ipv6Addr::from_bits(address.to_bits() & kept).into()
        }
    }
}

fn refusal(until: &NotUntil<std::time::Instant>) -> Problem {
    let wait = until.wait_time_from(DefaultClock::default().now());
    Problem::of(Kind::RateLimited).until(Utc::now() + wait)
}
