use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ReconcileReport;

/// The last scheduled sweep, as it is kept for every replica and for the time after a restart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SweepSummary {
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// Rows that it left out of step.
    pub drift: u64,
    /// Whether it did less than it was asked to.
    pub stopped: bool,
    /// The newest credible `updated_at` that Clerk showed.
    pub clerk_moved_at: Option<DateTime<Utc>>,
    /// The whole report, as `clerk-sync reconcile --json` prints it.
    pub report: Value,
}

impl SweepSummary {
    /// What is kept of a report.
    #[must_use]
    pub fn of(report: &ReconcileReport, ended_at: DateTime<Utc>) -> Self {
        Self {
            ended_at,
            drift: report.drift,
            stopped: report.stopped(),
            clerk_moved_at: report.clerk_moved_at,
            // Names and numbers: this cannot fail.
            report: serde_json::to_value(report).unwrap_or_default(),
        }
    }

    /// A summary in the place of the `former` one. A sweep of what has changed may have seen nothing move; what was seen
    /// before it is still so.
    #[must_use]
    pub fn following(mut self, former: Option<&Self>) -> Self {
        let moved_at = former.and_then(|former| former.clerk_moved_at);
        self.clerk_moved_at = self.clerk_moved_at.max(moved_at);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_survives_the_round_trip_and_remembers_when_clerk_moved() {
        let at = |second: i64| DateTime::from_timestamp(1_716_883_200 + second, 0).unwrap();
        let moved = ReconcileReport {
            clerk_moved_at: Some(at(0)),
            drift: 3,
            ..ReconcileReport::default()
        };
        let first = SweepSummary::of(&moved, at(1));
        let text = serde_json::to_string(&first).unwrap();
        assert_eq!(serde_json::from_str::<SweepSummary>(&text).unwrap(), first);
        assert_eq!(first.report["drift"], 3);
        let next = SweepSummary::of(&ReconcileReport::default(), at(2)).following(Some(&first));
        assert_eq!((next.clerk_moved_at, next.drift), (Some(at(0)), 0));
    }
}
