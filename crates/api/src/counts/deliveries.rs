//! What became of webhooks.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use domain::Outcome;

use super::histogram::{Histogram, HistogramReport, LAGS};

/// What types are counted under that Clerk's catalogue does not have: senders must not be able to make up names.
const OTHER: &str = "other";

/// Webhooks of this process.
pub(crate) struct DeliveryCounts {
    /// Few names, each taken from a closed set, so that the lock is held for a moment.
    outcomes: Mutex<BTreeMap<(&'static str, String), u64>>,
    rejections: Mutex<BTreeMap<&'static str, u64>>,
    lag: Histogram,
}

/// Webhooks, as they stood at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliveryReport {
    /// Outcome, event type, how many.
    pub outcomes: Vec<(&'static str, String, u64)>,
    /// Why messages were not believed, and how many.
    pub rejections: Vec<(&'static str, u64)>,
    /// From the event at Clerk to the commit here; `None` before the first.
    pub lag: Option<HistogramReport>,
}

impl DeliveryCounts {
    pub(crate) fn new() -> Self {
        Self {
            outcomes: Mutex::default(),
            rejections: Mutex::default(),
            lag: Histogram::new(LAGS),
        }
    }

    /// Counts a delivery that was committed, and how long that was after it happened, where it says when that was. A
    /// repetition, or what is older than rows know, says nothing of how far behind we are.
    pub(crate) fn committed(
        &self,
        event_type: &str,
        outcome: Outcome,
        occurred_at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) {
        let name = if webhooks::is_known_event(event_type) {
            event_type
        } else {
            OTHER
        };
        let mut outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        let count = outcomes.entry((outcome.as_str(), name.to_owned()));
        *count.or_default() += 1;
        drop(outcomes);
        if outcome == Outcome::Applied
            && let Some(at) = occurred_at
        {
            // A clock at Clerk that is ahead of ours is no time travel.
            let lag = now.signed_duration_since(at).to_std();
            self.lag.add(lag.unwrap_or_default());
        }
    }

    /// Counts a message that was not believed.
    pub(crate) fn rejected(&self, code: &'static str) {
        let mut rejections = self
            .rejections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *rejections.entry(code).or_default() += 1;
    }

    pub(crate) fn report(&self) -> DeliveryReport {
        let outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        let outcomes = outcomes
            .iter()
            .map(|((outcome, name), count)| (*outcome, name.clone(), *count));
        let outcomes = outcomes.collect();
        let rejections = self
            .rejections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        DeliveryReport {
            outcomes,
            rejections: rejections
                .iter()
                .map(|(code, count)| (*code, *count))
                .collect(),
            lag: self.lag.report(),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn made_up_types_make_no_names() {
        let counts = DeliveryCounts::new();
        let now = Utc::now();
        let ago = |seconds| Some(now - TimeDelta::seconds(seconds));
        counts.committed("user.created", Outcome::Applied, ago(2), now);
        counts.committed("user.created", Outcome::Duplicate, ago(600), now);
        for number in 0..1_000 {
            counts.committed(&format!("user.{number}"), Outcome::Ignored, None, now);
        }
        counts.rejected("signature_invalid");
        counts.rejected("signature_invalid");
        let report = counts.report();
        let outcomes: Vec<_> = report
            .outcomes
            .iter()
            .map(|(outcome, name, count)| (*outcome, &**name, *count))
            .collect();
        assert_eq!(
            outcomes,
            [
                ("applied", "user.created", 1),
                ("duplicate", "user.created", 1),
                ("ignored", "other", 1_000),
            ]
        );
        assert_eq!(report.rejections, [("signature_invalid", 2)]);
        let lag = report.lag.unwrap();
        assert_eq!(lag.count, 1);
        assert!((lag.sum - 2.0).abs() < 1e-9);
    }
}
