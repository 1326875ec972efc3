use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::ReconcileReport;

/// How far a sweep of what has changed reaches back before the one before it began: for clocks that disagree, and for
/// what Clerk's listings show late.
const OVERLAP: TimeDelta = TimeDelta::minutes(5);

/// How long after a sweep that broke off another one is tried; doubled with every further one.
const FIRST_PAUSE: Duration = Duration::from_secs(30);

/// How often sweeps are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SweepPlan {
    /// From the beginning of one sweep to the next.
    pub interval: Duration,
    /// From the beginning of one whole sweep to the next.
    pub full_interval: Duration,
}

/// What a sweep that is due has to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DueSweep {
    /// Everything.
    Full,
    /// What may have changed since.
    Since(DateTime<Utc>),
}

impl DueSweep {
    /// As [`ReconcileOptions::since`](super::ReconcileOptions).
    #[must_use]
    pub fn since(self) -> Option<DateTime<Utc>> {
        match self {
            Self::Full => None,
            Self::Since(since) => Some(since),
        }
    }
}

/// Which sweeps there have been; kept where every replica finds it, so that whoever takes over goes on with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SweepLog {
    /// When the sweep began that is under way, or that broke off.
    pub started_at: Option<DateTime<Utc>>,
    /// Sweeps in a row that have begun and not come to their end.
    pub unfinished: u32,
    /// When the last sweep began that came to its end.
    pub last: Option<DateTime<Utc>>,
    /// When the last whole one of them began.
    pub last_full: Option<DateTime<Utc>>,
    /// Whether the last one found something: then events have been lost, deletions perhaps among them.
    pub found_drift: bool,
}

impl SweepLog {
    /// The sweep that is due at `now`. Nothing in the future counts: clocks are set back at times.
    #[must_use]
    pub fn due(&self, plan: &SweepPlan, now: DateTime<Utc>) -> Option<DueSweep> {
        let is_past = |since: Option<DateTime<Utc>>, span: Duration| {
            since.is_none_or(|since| {
                let gone = now.signed_duration_since(since).to_std();
                gone.map_or(true, |gone| gone >= span)
            })
        };
        let is_due = match self.started_at {
            // Killed, cut off, or failed.
            Some(_) => is_past(self.started_at, self.pause(plan.interval)),
            None => is_past(self.last, plan.interval),
        };
        if !is_due {
            return None;
        }
        match self.last {
            Some(last) if !self.found_drift && !is_past(self.last_full, plan.full_interval) => {
                Some(DueSweep::Since(last - OVERLAP))
            }
            _ => Some(DueSweep::Full),
        }
    }

    /// With a sweep that begins now.
    #[must_use]
    pub fn begun(self, now: DateTime<Utc>) -> Self {
        Self {
            started_at: Some(now),
            unfinished: self.unfinished.saturating_add(1),
            ..self
        }
    }

    /// With the sweep that began at `began` at its end. One of which a page failed is as good as none.
    #[must_use]
    pub fn ended(self, began: DateTime<Utc>, report: &ReconcileReport) -> Self {
        if !report.failures.is_empty() {
            return self;
        }
        Self {
            started_at: None,
            unfinished: 0,
            last: Some(began),
            last_full: if report.since.is_none() {
                Some(began)
            } else {
                self.last_full
            },
            found_drift: !report.is_clean(),
        }
    }

    fn pause(&self, interval: Duration) -> Duration {
        let doublings = self.unfinished.saturating_sub(1).min(16);
        FIRST_PAUSE.saturating_mul(1 << doublings).min(interval)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Failure, KindDrift};
    use super::*;
    use crate::Listing;

    const PLAN: SweepPlan = SweepPlan {
        interval: Duration::from_secs(3600),
        full_interval: Duration::from_secs(86_400),
    };

    fn second(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_716_883_200 + second, 0).unwrap()
    }

    fn clean() -> ReconcileReport {
        ReconcileReport::default()
    }

    fn after_a_full_one() -> SweepLog {
        SweepLog::default()
            .begun(second(0))
            .ended(second(0), &clean())
    }

    #[test]
    fn the_first_sweep_is_whole_and_at_once() {
        let due = SweepLog::default().due(&PLAN, second(0));
        assert_eq!(due, Some(DueSweep::Full));
    }

    #[test]
    fn after_a_clean_one_only_what_has_changed_since_it_began() {
        let log = after_a_full_one();
        assert_eq!(log.due(&PLAN, second(3599)), None);
        let since = DueSweep::Since(second(-300));
        assert_eq!(log.due(&PLAN, second(3600)), Some(since));
        let report = ReconcileReport {
            since: since.since(),
            ..clean()
        };
        let log = log.begun(second(3600)).ended(second(3600), &report);
        assert_eq!(log.due(&PLAN, second(7199)), None);
        let since = DueSweep::Since(second(3300));
        assert_eq!(log.due(&PLAN, second(7200)), Some(since));
        assert_eq!(log.due(&PLAN, second(86_400)), Some(DueSweep::Full));
    }

    #[test]
    fn after_one_that_found_something_a_whole_one() {
        let mut report = clean();
        report.kinds.insert(
            Listing::Users,
            KindDrift {
                missing: 1,
                ..KindDrift::default()
            },
        );
        let log = SweepLog::default()
            .begun(second(0))
            .ended(second(0), &report);
        assert_eq!(log.due(&PLAN, second(3599)), None);
        assert_eq!(log.due(&PLAN, second(3600)), Some(DueSweep::Full));
    }

    #[test]
    fn one_that_broke_off_is_repeated_soon_and_then_less_soon() {
        let mut log = after_a_full_one();
        let (mut at, mut pauses) = (3600, Vec::new());
        for _ in 0..9 {
            log = log.begun(second(at));
            let pause = (0..10_000)
                .find(|pause| log.due(&PLAN, second(at + pause)).is_some())
                .unwrap();
            pauses.push(pause);
            at += pause;
        }
        assert_eq!(pauses, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
        // What was to be done is still to be done.
        let since = DueSweep::Since(second(-300));
        assert_eq!(log.due(&PLAN, second(at)), Some(since));
    }

    #[test]
    fn one_of_which_a_page_failed_counts_as_broken_off() {
        let mut report = clean();
        report.failures.push(Failure {
            listing: Listing::Users,
            reason: "503".to_owned(),
        });
        let log = SweepLog::default().begun(second(0));
        assert_eq!(log.ended(second(0), &report), log);
        assert_eq!(log.due(&PLAN, second(30)), Some(DueSweep::Full));
    }

    #[test]
    fn a_time_in_the_future_stops_nothing() {
        let log = after_a_full_one();
        assert!(log.due(&PLAN, second(-10)).is_some());
    }

    #[test]
    fn it_survives_the_round_trip() {
        let log = after_a_full_one().begun(second(9));
        let text = serde_json::to_string(&log).unwrap();
        assert_eq!(serde_json::from_str::<SweepLog>(&text).unwrap(), log);
    }
}
