//! When much of one kind comes at once: one alert for a burst, however long it lasts.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What is counted together.
const WINDOW: Duration = Duration::from_secs(60);
/// After so long with less, the next burst is another one.
const QUIET: Duration = Duration::from_secs(600);

/// What somebody may be up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suspicion {
    /// Tokens that no key of ours has signed, or of other instances.
    ForgedTokens,
    /// Webhooks that Clerk has not signed.
    ForgedWebhooks,
    /// Invite codes that there are not.
    InviteGuessing,
    /// Requests beyond what one caller may send.
    Flooding,
}

impl Suspicion {
    /// Every kind.
    pub const ALL: [Self; 4] = [
        Self::ForgedTokens,
        Self::ForgedWebhooks,
        Self::InviteGuessing,
        Self::Flooding,
    ];

    /// The name in the audit log and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ForgedTokens => "forged_tokens",
            Self::ForgedWebhooks => "forged_webhooks",
            Self::InviteGuessing => "invite_guessing",
            Self::Flooding => "flooding",
        }
    }

    /// How many within a minute are no accident.
    fn threshold(self) -> u64 {
        match self {
            Self::ForgedTokens | Self::InviteGuessing => 50,
            Self::ForgedWebhooks => 20,
            Self::Flooding => 500,
        }
    }
}

/// The events of one kind.
pub(super) struct Bursts {
    kind: Suspicion,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    window: Option<Instant>,
    count: u64,
    /// When there were enough of them last.
    enough_at: Option<Instant>,
    alerts: u64,
}

impl Bursts {
    pub(super) fn of(kind: Suspicion) -> Self {
        Self {
            kind,
            state: Mutex::default(),
        }
    }

    pub(super) fn kind(&self) -> Suspicion {
        self.kind
    }

    /// Counts an event; answers how many there were within the minute when it begins a burst.
    pub(super) fn note(&self, now: Instant) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = |since: Instant, time| now.saturating_duration_since(since) >= time;
        if state.window.is_none_or(|began| is_over(began, WINDOW)) {
            state.window = Some(now);
            state.count = 0;
        }
        state.count += 1;
        if state.count < self.kind.threshold() {
            return None;
        }
        let is_new = state.enough_at.is_none_or(|last| is_over(last, QUIET));
        state.enough_at = Some(now);
        if is_new {
            state.alerts += 1;
        }
        is_new.then_some(state.count)
    }

    /// Bursts so far.
    pub(super) fn alerts(&self) -> u64 {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.alerts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Alerts of events at these seconds.
    fn alerts(seconds: impl IntoIterator<Item = u64>) -> Vec<u64> {
        let (bursts, start) = (Bursts::of(Suspicion::ForgedWebhooks), Instant::now());
        let at = |second| start + Duration::from_secs(second);
        let alarming = |second: &u64| bursts.note(at(*second)).is_some();
        let alarming: Vec<u64> = seconds.into_iter().filter(alarming).collect();
        assert_eq!(bursts.alerts(), alarming.len() as u64);
        alarming
    }

    #[test]
    fn a_few_are_no_burst_and_many_are_one() {
        assert!(alerts(0..19).is_empty());
        assert_eq!(alerts(0..1_000), [19]);
        // Ten a minute, for hours.
        assert!(alerts((0..10_000).step_by(6)).is_empty());
    }

    #[test]
    fn after_a_quiet_time_the_next_burst_is_another() {
        let first = (0..30).map(|_| 0);
        let soon = (0..30).map(|_| 300);
        let later = (0..30).map(|_| 300 + 601);
        assert_eq!(alerts(first.chain(soon).chain(later)), [0, 901]);
    }
}
