//! Whether what is remembered may be used.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How old the last look at the feed may be. It bounds, whatever fails, how long a change is not known here.
pub(crate) const FRESH: Duration = Duration::from_secs(2);

const SHUT: u64 = 0;

/// Open for as long as the last successful look is fresh, and has covered every commit of this process.
pub(crate) struct Gate {
    start: Instant,
    /// Microseconds after `start` when the last look began, plus one; or [`SHUT`].
    looked: AtomicU64,
    /// The look that opens has to cover the commits with numbers below this. Held while `looked` is written.
    owed: Mutex<u64>,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            looked: AtomicU64::new(SHUT),
            owed: Mutex::new(0),
        }
    }

    /// How long ago the last successful look began; `None` while shut.
    pub(crate) fn age(&self, now: Instant) -> Option<Duration> {
        let looked = self.looked.load(Ordering::Acquire).checked_sub(1)?;
        let now = now.saturating_duration_since(self.start);
        Some(now.saturating_sub(Duration::from_micros(looked)))
    }

    pub(crate) fn is_open(&self, now: Instant) -> bool {
        self.age(now).is_some_and(|age| age < FRESH)
    }

    /// A look that began then has succeeded, and covers the commits with numbers below `covers`.
    pub(crate) fn looked(&self, began: Instant, covers: u64) {
        let owed = self.owed.lock().unwrap_or_else(PoisonError::into_inner);
        if *owed <= covers {
            let micros = began.saturating_duration_since(self.start).as_micros();
            let micros = u64::try_from(micros).unwrap_or(u64::MAX - 1);
            self.looked
                .store(micros.saturating_add(1), Ordering::Release);
        }
    }

    /// Stays shut until a look covers the commit with this number.
    pub(crate) fn owe(&self, commit: u64) {
        let mut owed = self.owed.lock().unwrap_or_else(PoisonError::into_inner);
        *owed = (*owed).max(commit.saturating_add(1));
        self.looked.store(SHUT, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_open_while_the_look_is_fresh() {
        let gate = Gate::new();
        assert!(!gate.is_open(Instant::now()));
        let began = Instant::now();
        tokio::time::advance(Duration::from_millis(500)).await;
        gate.looked(began, 0);
        assert!(gate.is_open(Instant::now()), "at the start of the clock");
        tokio::time::advance(Duration::from_millis(1499)).await;
        assert!(gate.is_open(Instant::now()));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(
            !gate.is_open(Instant::now()),
            "two seconds after the look began, not after it ended"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_commit_that_no_look_has_covered_keeps_it_shut() {
        let gate = Gate::new();
        gate.looked(Instant::now(), 5);
        gate.owe(5);
        assert!(!gate.is_open(Instant::now()));
        gate.looked(Instant::now(), 5);
        assert!(!gate.is_open(Instant::now()), "that look had begun before");
        gate.looked(Instant::now(), 6);
        assert!(gate.is_open(Instant::now()));
    }
}
