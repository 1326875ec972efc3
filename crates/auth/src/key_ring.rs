//! The keys of one Clerk instance: which there are, how old they are, and when to fetch them again.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex;

use crate::config::KeyCacheSettings;
use crate::jwks::{EMULATOR_KID, Jwks};
use crate::key_source::{KeySource, KeySourceError};
use crate::verifying_key::{KeyId, VerifyingKey};

/// The keys of one issuer. A ring is never shared between issuers: a `kid` means nothing without one.
///
/// A request with a known key never waits for the network, except for the short patience when its set is over age.
/// Cloning gives a handle to the same ring.
#[derive(Clone)]
pub struct KeyRing {
    inner: Arc<Inner>,
}

struct Inner {
    source: Option<Arc<dyn KeySource>>,
    /// The configured PEM key.
    fallback: Option<Arc<VerifyingKey>>,
    settings: KeyCacheSettings,
    accept_emulator_keys: bool,
    current: ArcSwapOption<FetchedSet>,
    /// Written only by whoever holds `flight`.
    progress: ArcSwap<Progress>,
    /// Held while a fetch is in the air, so that there is never a second one.
    flight: Arc<Mutex<()>>,
    /// The fetch in the air has outlasted a request's patience.
    slow: AtomicBool,
}

struct FetchedSet {
    jwks: Jwks,
    fetched_at: DateTime<Utc>,
}

#[derive(Clone, Default)]
struct Progress {
    attempts: u64,
    /// Of them, those that brought nothing.
    failed: u64,
    last_attempt: Option<DateTime<Utc>>,
    /// In a row, until now.
    failures: u32,
    last_error: Option<(DateTime<Utc>, String)>,
}

/// What a ring knows about itself, for health checks and metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRingHealth {
    /// When the set in use was fetched; none when none ever was.
    pub last_success: Option<DateTime<Utc>>,
    /// The last failed fetch and why, also when a later one succeeded.
    pub last_error: Option<(DateTime<Utc>, String)>,
    /// How many fetches failed since the last that did not.
    pub failures: u32,
    /// How many fetches there were since the start.
    pub fetches: u64,
    /// How many of them failed.
    pub failed: u64,
    /// How many keys the set in use holds.
    pub keys: usize,
    /// How many entries of that set could not be used.
    pub skipped: usize,
    /// Whether a token can be verified now: the set is within its stale limit, or the PEM key stands in.
    pub usable: bool,
}

/// Why there is no key for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoKey {
    /// There are keys, none of that name.
    Unknown,
    /// It is the emulator's name, which does not count here.
    Emulator,
    /// There are no keys.
    Unavailable,
}

#[derive(Debug, thiserror::Error)]
enum RefreshError {
    #[error(transparent)]
    Source(#[from] KeySourceError),
    #[error("the JWKS is not a key set")]
    NotAKeySet,
    #[error("the JWKS holds no usable key ({skipped} entries skipped)")]
    NoUsableKey { skipped: usize },
}

impl KeyRing {
    pub(crate) fn new(
        source: Option<Arc<dyn KeySource>>,
        fallback: Option<VerifyingKey>,
        settings: KeyCacheSettings,
        accept_emulator_keys: bool,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                source,
                fallback: fallback.map(Arc::new),
                settings,
                accept_emulator_keys,
                current: ArcSwapOption::empty(),
                progress: ArcSwap::default(),
                flight: Arc::new(Mutex::new(())),
                slow: AtomicBool::new(false),
            }),
        }
    }

    /// The key that a token names, fetching the set when that is due.
    pub(crate) async fn key(
        &self,
        kid: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Arc<VerifyingKey>, NoKey> {
        let ring = &*self.inner;
        if kid == Some(EMULATOR_KID) && !ring.accept_emulator_keys {
            return Err(NoKey::Emulator);
        }
        if ring.source.is_none() {
            return ring.fallback.clone().ok_or(NoKey::Unavailable);
        }
        if kid.is_none() && ring.fallback.is_none() {
            return Err(NoKey::Unknown);
        }
        let progress = ring.progress.load_full();
        let held = ring.held(kid, now);
        if ring.is_due(&progress, kid, now) {
            let refresh = self.refresh(progress.attempts, now);
            if held.is_none() {
                refresh.await;
            } else if !ring.is_slow()
                && tokio::time::timeout(ring.settings.patience, refresh)
                    .await
                    .is_err()
            {
                // The fetch goes on by itself; this request, and those after it, go on with what there is.
                ring.slow.store(true, Ordering::Relaxed);
            }
        } else if let Some(key) = held {
            return Ok(key);
        }
        ring.held(kid, now).ok_or_else(|| {
            if ring.has_live_set(now) {
                NoKey::Unknown
            } else {
                NoKey::Unavailable
            }
        })
    }

    /// Whether a token that this key verified may count at `now` without another look for its key: the key is in the set
    /// still, and the set is fresh. When not, nothing is lost: [`KeyRing::key`] decides, and fetches if that is due.
    pub(crate) fn vouches_for(&self, key: KeyId, now: DateTime<Utc>) -> bool {
        let ring = &*self.inner;
        if ring.source.is_none() {
            return ring.fallback.as_ref().is_some_and(|pem| pem.id() == key);
        }
        // A set has a key or two, so that looking at all of them is the fastest search.
        ring.current.load().as_ref().is_some_and(|set| {
            within(set.fetched_at, ring.settings.ttl, now)
                && set.jwks.keys.values().any(|held| held.id() == key)
        })
    }

    /// Fetches the set when it is near its end (four fifths of its time to live) and no pause after a failure stands
    /// against it. For a background task, so that requests never meet a set that is over age; every 10 seconds is enough.
    pub async fn refresh_if_due(&self, now: DateTime<Utc>) {
        let ring = &*self.inner;
        let progress = ring.progress.load_full();
        let early = ring.settings.ttl.mul_f32(0.8);
        let ageing = ring
            .current
            .load()
            .as_ref()
            .is_none_or(|set| !within(set.fetched_at, early, now));
        if ring.source.is_some() && ageing && ring.pause_is_over(&progress, now) {
            self.refresh(progress.attempts, now).await;
        }
    }

    /// The ring's state at `now`, without any fetch.
    pub fn health(&self, now: DateTime<Utc>) -> KeyRingHealth {
        let ring = &*self.inner;
        let progress = ring.progress.load_full();
        let set = ring.current.load_full();
        KeyRingHealth {
            last_success: set.as_ref().map(|set| set.fetched_at),
            last_error: progress.last_error.clone(),
            failures: progress.failures,
            fetches: progress.attempts,
            failed: progress.failed,
            keys: set.as_ref().map_or(0, |set| set.jwks.keys.len()),
            skipped: set.as_ref().map_or(0, |set| set.jwks.skipped),
            usable: ring.has_live_set(now) || (set.is_none() && ring.fallback.is_some()),
        }
    }

    /// One fetch, or the end of the one in the air. `seen` is the number of attempts when the caller made up its mind:
    /// when it has moved on, somebody else has done the work. The fetch is a task of its own, so that a caller who goes
    /// away neither stops it nor leaves the others waiting.
    async fn refresh(&self, seen: u64, now: DateTime<Utc>) {
        let guard = Arc::clone(&self.inner.flight).lock_owned().await;
        if self.inner.progress.load().attempts != seen {
            return;
        }
        let ring = Arc::clone(&self.inner);
        let fetch = tokio::spawn(async move {
            ring.fetch(now).await;
            drop(guard);
        });
        // A task that panicked has recorded nothing and freed the flight; the next request tries again.
        drop(fetch.await);
    }
}

impl Inner {
    async fn fetch(&self, now: DateTime<Utc>) {
        self.slow.store(false, Ordering::Relaxed);
        let outcome = self.fetch_set().await;
        let mut progress = Progress::clone(&self.progress.load());
        progress.attempts += 1;
        progress.last_attempt = Some(now);
        match outcome {
            Ok(mut jwks) => {
                progress.failures = 0;
                self.keep_known_keys(&mut jwks);
                tracing::debug!(
                    keys = jwks.keys.len(),
                    skipped = jwks.skipped,
                    "JWKS fetched"
                );
                self.current.store(Some(Arc::new(FetchedSet {
                    jwks,
                    fetched_at: now,
                })));
            }
            Err(error) => {
                progress.failed += 1;
                progress.failures = progress.failures.saturating_add(1);
                progress.last_error = Some((now, with_causes(&error)));
                tracing::warn!(
                    error = &error as &dyn Error,
                    failures = progress.failures,
                    "JWKS not fetched"
                );
            }
        }
        self.progress.store(Arc::new(progress));
    }

    async fn fetch_set(&self) -> Result<Jwks, RefreshError> {
        let Some(source) = &self.source else {
            return Err(RefreshError::NotAKeySet);
        };
        let body = tokio::time::timeout(self.settings.fetch_timeout, source.fetch())
            .await
            .map_err(|_| KeySourceError::Timeout)??;
        let jwks = Jwks::parse(&body, self.accept_emulator_keys).ok_or(RefreshError::NotAKeySet)?;
        // A set that would lock everybody out is taken for a fault, and the one before it stays.
        if jwks.keys.is_empty() {
            return Err(RefreshError::NoUsableKey {
                skipped: jwks.skipped,
            });
        }
        Ok(jwks)
    }

    /// A key that was there before under the same name stays the very key that it was, and with it what is remembered of
    /// the tokens that it verified. What has gone or changed takes that with it.
    fn keep_known_keys(&self, jwks: &mut Jwks) {
        let current = self.current.load();
        let Some(before) = current.as_ref() else {
            return;
        };
        for (kid, key) in &mut jwks.keys {
            if let Some(known) = before.jwks.keys.get(kid)
                && known.is_same_as(key)
            {
                *key = Arc::clone(known);
            }
        }
    }

    /// What could verify this token without a fetch.
    fn held(&self, kid: Option<&str>, now: DateTime<Utc>) -> Option<Arc<VerifyingKey>> {
        match self.current.load().as_ref() {
            Some(set) if younger(set.fetched_at, self.settings.stale_limit, now) => {
                set.jwks.keys.get(kid?).cloned()
            }
            Some(_) => None,
            None => self.fallback.clone(),
        }
    }

    /// The mark alone is not enough: it may have been left by a fetch that ended in the same moment.
    fn is_slow(&self) -> bool {
        self.slow.load(Ordering::Relaxed) && self.flight.try_lock().is_err()
    }

    fn has_live_set(&self, now: DateTime<Utc>) -> bool {
        let current = self.current.load();
        current
            .as_ref()
            .is_some_and(|set| younger(set.fetched_at, self.settings.stale_limit, now))
    }

    fn is_due(&self, progress: &Progress, kid: Option<&str>, now: DateTime<Utc>) -> bool {
        let current = self.current.load();
        let Some(set) = current.as_ref() else {
            return self.pause_is_over(progress, now);
        };
        if !within(set.fetched_at, self.settings.ttl, now) {
            return self.pause_is_over(progress, now);
        }
        let unknown = kid.is_some_and(|kid| !set.jwks.keys.contains_key(kid));
        unknown
            && progress
                .last_attempt
                .is_none_or(|last| !within(last, self.settings.refresh_floor, now))
    }

    /// After failures the next attempt waits 1, 2, 4, … seconds, at most the refresh floor.
    fn pause_is_over(&self, progress: &Progress, now: DateTime<Utc>) -> bool {
        let Some(doublings) = progress.failures.checked_sub(1) else {
            return true;
        };
        let pause = Duration::from_secs(1 << doublings.min(16)).min(self.settings.refresh_floor);
        progress
            .last_attempt
            .is_none_or(|last| !within(last, pause, now))
    }
}

fn with_causes(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// Requests carry the time at which they began, so a set may well be a moment younger than "now". A clock that was set
/// back by more than this counts as "long ago": better one fetch too many than a ring that waits for tomorrow.
const SET_BACK: TimeDelta = TimeDelta::minutes(1);

/// Whether less than `span` has passed, as far as the clock can be believed.
fn within(then: DateTime<Utc>, span: Duration, now: DateTime<Utc>) -> bool {
    now - then >= -SET_BACK && younger(then, span, now)
}

fn younger(then: DateTime<Utc>, span: Duration, now: DateTime<Utc>) -> bool {
    (now - then).to_std().unwrap_or_default() < span
}
