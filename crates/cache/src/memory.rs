//! A bounded map from ids to values that a slow reader cannot fill with what was changed meanwhile.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cached::{Cached, DefaultHashBuilder, LruCache};
use domain::ClerkId;
use tokio::time::Instant;

/// Stripes at most: what is forgotten in one keeps only loads in the same one from being remembered.
const STRIPES: usize = 256;
/// Entries that a stripe is worth having for.
const STRIPE: usize = 64;

/// Values by id; the least recently used go first.
pub(crate) struct Memory<V> {
    stripes: Vec<Mutex<Stripe<V>>>,
    hasher: DefaultHashBuilder,
    lifetime: Duration,
}

struct Stripe<V> {
    entries: LruCache<ClerkId, Entry<V>>,
    /// How often something was forgotten here.
    forgotten: u64,
    /// The last change here that is known, or one before which nothing here is known.
    changed_at: i64,
}

struct Entry<V> {
    value: V,
    since: Instant,
}

/// How a stripe was before something was read elsewhere.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket {
    forgotten: u64,
    /// What was read before this change may be out of date.
    pub(crate) changed_at: i64,
}

impl<V: Clone> Memory<V> {
    /// For as many entries, each for as long; 0 entries remember nothing.
    pub(crate) fn new(capacity: usize, lifetime: Duration) -> Self {
        let stripes = (capacity / STRIPE).clamp(1, STRIPES).min(capacity);
        let each = capacity.checked_div(stripes).unwrap_or(0);
        Self {
            stripes: (0..stripes)
                .map(|_| Mutex::new(Stripe::new(each)))
                .collect(),
            hasher: DefaultHashBuilder::default(),
            lifetime,
        }
    }

    /// What is remembered.
    pub(crate) fn get(&self, id: &str, now: Instant) -> Option<V> {
        let mut stripe = self.stripe(id)?;
        let entry = stripe.entries.cache_get(id)?;
        let is_young = now.saturating_duration_since(entry.since) < self.lifetime;
        is_young.then(|| entry.value.clone())
    }

    /// To be taken before a value is read that is to be remembered.
    pub(crate) fn ticket(&self, id: &str) -> Ticket {
        let stripe = self.stripe(id);
        stripe.map_or(
            Ticket {
                forgotten: 0,
                changed_at: 0,
            },
            |stripe| Ticket {
                forgotten: stripe.forgotten,
                changed_at: stripe.changed_at,
            },
        )
    }

    /// Remembers what was read after the ticket was taken, unless something was forgotten here meanwhile: then it may be
    /// what was to be forgotten.
    pub(crate) fn put(&self, id: &ClerkId, value: V, ticket: Ticket, now: Instant) {
        let Some(mut stripe) = self.stripe(id) else {
            return;
        };
        if stripe.forgotten == ticket.forgotten {
            stripe
                .entries
                .cache_set(id.clone(), Entry { value, since: now });
        }
    }

    /// Forgets an id, because of the change at this cursor.
    pub(crate) fn forget(&self, id: &str, cursor: i64) {
        let Some(mut stripe) = self.stripe(id) else {
            return;
        };
        stripe.forgotten += 1;
        stripe.changed_at = stripe.changed_at.max(cursor);
        let _ = stripe.entries.cache_remove(id);
    }

    /// Forgets everything: only changes after this cursor will be told of.
    pub(crate) fn forget_all(&self, cursor: i64) {
        for stripe in &self.stripes {
            let mut stripe = locked(stripe);
            stripe.forgotten += 1;
            stripe.changed_at = cursor;
            stripe.entries.cache_clear();
        }
    }

    /// How many entries there are, old ones too.
    pub(crate) fn len(&self) -> usize {
        let sizes = self.stripes.iter();
        sizes
            .map(|stripe| locked(stripe).entries.cache_size())
            .sum()
    }

    fn stripe(&self, id: &str) -> Option<MutexGuard<'_, Stripe<V>>> {
        let count = u64::try_from(self.stripes.len()).ok()?;
        let number = self.hasher.hash_one(id).checked_rem(count)?;
        let stripe = self.stripes.get(usize::try_from(number).ok()?)?;
        Some(locked(stripe))
    }
}

impl<V> Stripe<V> {
    fn new(capacity: usize) -> Self {
        Self {
            entries: LruCache::new(capacity),
            forgotten: 0,
            changed_at: 0,
        }
    }
}

/// A panic cannot have left a stripe half changed.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIME: Duration = Duration::from_secs(300);

    fn id(text: &str) -> ClerkId {
        ClerkId::parse(text).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_lives_until_it_is_forgotten_or_old() {
        let memory = Memory::new(1000, LIFETIME);
        let ticket = memory.ticket("user_1");
        memory.put(&id("user_1"), 1, ticket, Instant::now());
        memory.put(&id("user_2"), 2, memory.ticket("user_2"), Instant::now());
        assert_eq!(memory.get("user_1", Instant::now()), Some(1));
        memory.forget("user_1", 7);
        assert_eq!(memory.get("user_1", Instant::now()), None);
        assert_eq!(memory.get("user_2", Instant::now()), Some(2));
        assert_eq!(memory.ticket("user_1").changed_at, 7);
        tokio::time::advance(LIFETIME).await;
        assert_eq!(memory.get("user_2", Instant::now()), None);
    }

    #[test]
    fn what_was_read_before_it_was_forgotten_is_not_remembered() {
        let memory = Memory::new(1, LIFETIME);
        let ticket = memory.ticket("user_1");
        memory.forget("user_1", 7);
        memory.put(&id("user_1"), 1, ticket, Instant::now());
        assert_eq!(memory.get("user_1", Instant::now()), None);
        let ticket = memory.ticket("user_1");
        memory.forget_all(3);
        memory.put(&id("user_1"), 1, ticket, Instant::now());
        assert_eq!(memory.get("user_1", Instant::now()), None);
        assert_eq!(memory.ticket("user_1").changed_at, 3);
    }

    #[test]
    fn it_never_holds_more_than_it_may() {
        for capacity in [0, 1, 63, 64, 1000, 100_000] {
            let memory = Memory::new(capacity, LIFETIME);
            for number in 0..2_000 {
                let id = id(&format!("user_{number}"));
                memory.put(&id, number, memory.ticket(&id), Instant::now());
            }
            assert!(memory.len() <= capacity, "{} of {capacity}", memory.len());
            assert!(memory.len() >= capacity.min(2_000) / 2, "{capacity}");
        }
    }
}
