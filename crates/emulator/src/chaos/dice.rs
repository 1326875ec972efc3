//! The dice that decide. They fall the same again for the same seed and the same sequence.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{AssistantFaults, Chaos, Mishap};

/// The length of a rate limit's window, as at Clerk.
const WINDOW: Duration = Duration::from_secs(10);

/// The decisions about one webhook.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fate {
    pub(crate) mishaps: Vec<Mishap>,
    /// How long after the first attempt was due the second copy goes out.
    pub(crate) copy_after: Duration,
    /// How many later webhooks it lets pass.
    pub(crate) behind: usize,
    pub(crate) hold: Duration,
    pub(crate) delay: Duration,
}

/// The decision about one request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) wait: Duration,
    pub(crate) kind: FaultKind,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum FaultKind {
    #[default]
    None,
    /// 429 with this `Retry-After`, in seconds.
    TooMany(u64),
    /// This status, after the request took effect or before.
    Error {
        status: u16,
        done: bool,
    },
    Hang,
    /// One of several kinds.
    Garbage(u8),
}

/// The settings in use and where their sequences stand.
#[derive(Debug)]
pub(crate) struct Dice(Mutex<Throws>);

#[derive(Debug)]
struct Throws {
    chaos: Chaos,
    webhooks: u64,
    requests: u64,
    window: Option<(Instant, u32)>,
}

impl Dice {
    pub(crate) fn new(chaos: Chaos) -> Self {
        Self(Mutex::new(Throws::of(chaos)))
    }

    fn throws(&self) -> MutexGuard<'_, Throws> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn chaos(&self) -> Chaos {
        self.throws().chaos.clone()
    }

    /// Whether questions about organizations are refused.
    pub(crate) fn organizations_off(&self) -> bool {
        self.throws().chaos.organizations_off
    }

    /// What happens to the assistant's answers.
    pub(crate) fn assistant(&self) -> AssistantFaults {
        self.throws().chaos.assistant.clone()
    }

    pub(crate) fn set(&self, chaos: Chaos) {
        *self.throws() = Throws::of(chaos);
    }

    /// Decides about the next webhook.
    pub(crate) fn webhook(&self, event_type: &str) -> Fate {
        let mut throws = self.throws();
        throws.webhooks += 1;
        let Throws {
            chaos, webhooks, ..
        } = &*throws;
        if !chaos.applies_to(event_type) {
            return Fate::default();
        }
        let throw = |side| share(chaos.seed, 1, *webhooks, side);
        let mishaps = [
            (Mishap::Duplicate, chaos.duplicate),
            (Mishap::Reorder, chaos.reorder),
            (Mishap::Delay, chaos.delay),
            (Mishap::Drop, chaos.drop),
            (Mishap::Corrupt, chaos.corrupt),
            (Mishap::Fail, chaos.fail),
        ];
        let struck = mishaps.iter().zip(0..);
        Fate {
            mishaps: struck
                .filter(|((_, chance), side)| throw(*side) < *chance)
                .map(|((mishap, _), _)| *mishap)
                .collect(),
            copy_after: Duration::from_millis(200).mul_f64(throw(10)),
            behind: if throw(11) < 0.5 { 1 } else { 3 },
            hold: Duration::from_millis(chaos.reorder_ms),
            delay: Duration::from_millis(chaos.max_delay_ms).mul_f64(throw(12)),
        }
    }

    /// Decides about the next request at this time.
    pub(crate) fn request(&self, now: Instant) -> Fault {
        let mut throws = self.throws();
        throws.requests += 1;
        if let Some(seconds) = throws.over_limit(now) {
            return Fault {
                wait: Duration::ZERO,
                kind: FaultKind::TooMany(seconds),
            };
        }
        let Throws {
            chaos, requests, ..
        } = &*throws;
        let throw = |side| share(chaos.seed, 2, *requests, side);
        let wait = if throw(0) < chaos.slow {
            Duration::from_millis(chaos.slow_ms).mul_f64(throw(10))
        } else {
            Duration::ZERO
        };
        let kind = if throw(1) < chaos.hang {
            FaultKind::Hang
        } else if throw(2) < chaos.rate_429 {
            FaultKind::TooMany(chaos.retry_after)
        } else if throw(3) < chaos.error_5xx {
            let status = match throw(11) {
                low if low < 0.34 => 500,
                middle if middle < 0.67 => 502,
                _ => 503,
            };
            FaultKind::Error {
                status,
                done: throw(12) < 0.5,
            }
        } else if throw(4) < chaos.garbage {
            FaultKind::Garbage(match throw(13) {
                low if low < 0.34 => 0,
                middle if middle < 0.67 => 1,
                _ => 2,
            })
        } else {
            FaultKind::None
        };
        Fault { wait, kind }
    }
}

impl Throws {
    fn of(chaos: Chaos) -> Self {
        Self {
            chaos,
            webhooks: 0,
            requests: 0,
            window: None,
        }
    }

    /// Counts a request; when it is one too many, the seconds until the window ends.
    fn over_limit(&mut self, now: Instant) -> Option<u64> {
        let limit = self.chaos.rate_limit?;
        let (began, count) = match self.window {
            Some((began, count)) if now.duration_since(began) < WINDOW => (began, count),
            _ => (now, 0),
        };
        self.window = Some((began, count.saturating_add(1)));
        let left = WINDOW.saturating_sub(now.duration_since(began));
        (count >= limit).then(|| {
            left.as_secs()
                .saturating_add(u64::from(left.subsec_nanos() > 0))
        })
    }
}

/// A number from 0 to below 1 that depends on all four and on nothing else (SplitMix64's mixing).
fn share(seed: u64, kind: u64, number: u64, side: u64) -> f64 {
    let mut mixed = seed;
    for part in [kind, number, side] {
        mixed = mixed.wrapping_add(part).wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
    }
    // 32 bits are exact in a float.
    f64::from(u32::try_from(mixed >> 32).unwrap_or(0)) / 4_294_967_296.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::invalid;

    fn dice(chaos: Chaos) -> Dice {
        Dice::new(chaos.checked().unwrap())
    }

    fn fates(chaos: &Chaos) -> Vec<Fate> {
        let dice = dice(chaos.clone());
        (0..1_000).map(|_| dice.webhook("user.updated")).collect()
    }

    #[test]
    fn a_seed_decides_alike_and_another_otherwise() {
        let chaos = Chaos {
            seed: 7,
            duplicate: 0.3,
            delay: 0.5,
            ..Chaos::default()
        };
        assert_eq!(fates(&chaos), fates(&chaos));
        assert_ne!(
            fates(&chaos),
            fates(&Chaos {
                seed: 8,
                ..chaos.clone()
            })
        );
        let struck = |chaos: &Chaos, mishap| -> Vec<bool> {
            fates(chaos)
                .iter()
                .map(|fate| fate.mishaps.contains(&mishap))
                .collect()
        };
        let more = Chaos {
            drop: 0.5,
            ..chaos.clone()
        };
        assert_eq!(
            struck(&chaos, Mishap::Duplicate),
            struck(&more, Mishap::Duplicate),
            "each for itself"
        );
        let share = struck(&chaos, Mishap::Duplicate)
            .into_iter()
            .filter(|it| *it)
            .count();
        assert!((230..370).contains(&share), "{share} of 1000");
    }

    #[test]
    fn never_and_always_mean_it() {
        assert!(
            fates(&Chaos::default())
                .iter()
                .all(|fate| fate.mishaps.is_empty())
        );
        let always = Chaos {
            drop: 1.0,
            ..Chaos::default()
        };
        assert!(
            fates(&always)
                .iter()
                .all(|fate| fate.mishaps == [Mishap::Drop])
        );
        let request = |chaos| dice(chaos).request(Instant::now());
        assert_eq!(request(Chaos::default()), Fault::default());
        assert_eq!(
            request(Chaos {
                hang: 1.0,
                ..Chaos::default()
            })
            .kind,
            FaultKind::Hang
        );
    }

    #[test]
    fn only_the_chosen_types_suffer() {
        let types = Some(vec!["session.*".to_owned(), "user.deleted".to_owned()]);
        let dice = dice(Chaos {
            event_types: types,
            drop: 1.0,
            ..Chaos::default()
        });
        let dropped = |event_type| !dice.webhook(event_type).mishaps.is_empty();
        assert!(dropped("session.created") && dropped("user.deleted"));
        assert!(!dropped("user.created") && !dropped("user.deleted.twice"));
    }

    #[test]
    fn shares_beyond_the_bounds_are_refused_by_name() {
        for bad in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            let refused = Chaos {
                garbage: bad,
                ..Chaos::default()
            }
            .checked();
            assert_eq!(refused, Err(invalid("garbage", "between 0 and 1")));
        }
    }

    #[test]
    fn the_rate_limit_counts_by_windows() {
        let dice = dice(Chaos {
            rate_limit: Some(2),
            ..Chaos::default()
        });
        let start = Instant::now();
        let at = |ms| dice.request(start + Duration::from_millis(ms)).kind;
        assert_eq!([at(0), at(1)], [FaultKind::None; 2]);
        assert_eq!(at(2), FaultKind::TooMany(10));
        assert_eq!(at(9_500), FaultKind::TooMany(1));
        assert_eq!(at(10_000), FaultKind::None);
    }
}
