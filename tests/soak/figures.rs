//! What a run found, before anybody judges it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::memory::Sample;
use crate::outages::{Outages, Whom};

/// A request that was not answered as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What it was.
    pub(crate) what: &'static str,
    pub(crate) whom: Whom,
    /// When it was sent, in milliseconds since 1970.
    pub(crate) from: i64,
    pub(crate) until: i64,
    /// `None` when there was no answer.
    pub(crate) status: Option<u16>,
}

impl Failure {
    /// Whether an outage that was planned explains it: then there is no answer, or one that asks to come again.
    pub(crate) fn is_planned(&self, outages: &Outages) -> bool {
        matches!(self.status, None | Some(503)) && outages.cover(self.whom, self.from, self.until)
    }
}

/// What one kind of request came to.
#[derive(Debug, Default)]
pub(crate) struct Load {
    /// How long those took that were answered as they should be.
    pub(crate) times: Vec<Duration>,
    pub(crate) failures: Vec<Failure>,
    /// Ids of the messages that were answered 2xx, where it is messages.
    pub(crate) acknowledged: Vec<String>,
}

impl Load {
    pub(crate) fn add(&mut self, other: Self) {
        self.times.extend(other.times);
        self.failures.extend(other.failures);
        self.acknowledged.extend(other.acknowledged);
    }

    /// The time that so many of a hundred did not exceed.
    pub(crate) fn quantile(&self, percent: usize) -> Duration {
        let mut times = self.times.clone();
        times.sort_unstable();
        let rank = (times.len() * percent).div_ceil(100).saturating_sub(1);
        times.get(rank).copied().unwrap_or_default()
    }
}

/// What the sweeps at the end said, and what two pairs of eyes besides say.
#[derive(Debug, Default)]
pub(crate) struct Drift {
    /// Rows out of step before the repair.
    pub(crate) found: u64,
    pub(crate) repaired: u64,
    /// What the last sweep said.
    pub(crate) left: u64,
    /// Rows that differ when both sides are read whole and compared, without the sweep's code.
    pub(crate) differing: usize,
    /// Users, organizations and memberships.
    pub(crate) rows: [usize; 3],
}

/// What a run found.
pub(crate) struct Found {
    pub(crate) reads: Load,
    pub(crate) messages: Load,
    /// Clerk's own webhooks.
    pub(crate) webhooks: Load,
    /// Of these, how many suffered what.
    pub(crate) mishaps: BTreeMap<String, usize>,
    /// How many changes were made at Clerk.
    pub(crate) changes: usize,
    pub(crate) outages: Outages,
    pub(crate) samples: Vec<Sample>,
    pub(crate) drift: Drift,
    /// Acknowledged messages that the ledger does not have.
    pub(crate) lost: Vec<String>,
    /// Lines of the ledger by outcome.
    pub(crate) ledger: BTreeMap<String, i64>,
}

impl Found {
    /// Failures that a planned outage explains, and the others.
    pub(crate) fn failures(&self) -> (Vec<&Failure>, Vec<&Failure>) {
        let loads = [&self.reads, &self.messages, &self.webhooks];
        let all = loads.into_iter().flat_map(|load| &load.failures);
        all.partition(|failure| failure.is_planned(&self.outages))
    }

    /// Messages that were answered 2xx.
    pub(crate) fn acknowledged(&self) -> usize {
        self.messages.acknowledged.len() + self.webhooks.acknowledged.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outages::Outage;

    #[test]
    fn an_outage_excuses_only_what_says_so() {
        let mut outages = Outages::default();
        let now = crate::clock::now();
        outages.over(Outage::DatabaseKilled, now - 1_000);
        let failure = |status| Failure {
            what: "GET /me",
            whom: Whom::Steady,
            from: now - 500,
            until: now - 400,
            status,
        };
        assert!(failure(Some(503)).is_planned(&outages));
        assert!(failure(None).is_planned(&outages));
        assert!(!failure(Some(500)).is_planned(&outages));
        assert!(!failure(Some(401)).is_planned(&outages));
    }
}
