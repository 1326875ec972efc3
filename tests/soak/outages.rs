//! What is made to fail on purpose, and when it did: whatever fails at another time is a fault.

use crate::clock::now;

/// A second for answers that were under way.
const GRACE: i64 = 1_000;

/// Which replica is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whom {
    /// The one that is killed now and then, and takes Clerk's webhooks.
    Mortal,
    /// The one that lives from beginning to end.
    Steady,
}

/// What was made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outage {
    /// SIGKILL to one replica; the other goes on.
    Service,
    /// SIGKILL to PostgreSQL and all that works for it.
    DatabaseKilled,
    /// PostgreSQL is stopped as an administrator does.
    DatabaseStopped,
}

impl Outage {
    /// One after another.
    pub(crate) const TURNS: [Self; 4] = [
        Self::Service,
        Self::DatabaseKilled,
        Self::Service,
        Self::DatabaseStopped,
    ];

    fn concerns(self, whom: Whom) -> bool {
        self != Self::Service || whom == Whom::Mortal
    }
}

/// The outages so far: what, from when, until when, in milliseconds since 1970.
#[derive(Debug, Default)]
pub(crate) struct Outages(Vec<(Outage, i64, i64)>);

impl Outages {
    /// Notes one that began then and is over now.
    pub(crate) fn over(&mut self, outage: Outage, from: i64) {
        self.0.push((outage, from, now()));
    }

    /// Whether something between these times may have failed at this replica for it.
    pub(crate) fn cover(&self, whom: Whom, from: i64, until: i64) -> bool {
        self.0.iter().any(|(outage, began, ended)| {
            outage.concerns(whom) && from <= ended + GRACE && until >= began - GRACE
        })
    }

    pub(crate) fn count(&self, outage: Outage) -> usize {
        self.0.iter().filter(|(it, ..)| *it == outage).count()
    }

    /// Milliseconds of the longest one of this kind.
    pub(crate) fn longest(&self, outage: Outage) -> i64 {
        let lengths = self.0.iter().filter(|(it, ..)| *it == outage);
        lengths
            .map(|(_, from, until)| until - from)
            .max()
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_killed_replica_excuses_nothing_at_the_other() {
        let outages = Outages(vec![(Outage::Service, 10_000, 12_000)]);
        assert!(outages.cover(Whom::Mortal, 11_000, 11_001));
        assert!(!outages.cover(Whom::Steady, 11_000, 11_001));
        // What began before and ended within, or after.
        assert!(outages.cover(Whom::Mortal, 5_000, 10_500));
        assert!(!outages.cover(Whom::Mortal, 5_000, 8_000));
        assert!(!outages.cover(Whom::Mortal, 13_001, 13_002));
    }

    #[test]
    fn a_database_that_is_away_is_away_for_both() {
        let outages = Outages(vec![(Outage::DatabaseKilled, 10_000, 12_000)]);
        assert!(outages.cover(Whom::Mortal, 11_000, 11_001));
        assert!(outages.cover(Whom::Steady, 11_000, 11_001));
        assert_eq!(outages.count(Outage::DatabaseKilled), 1);
        assert_eq!(outages.longest(Outage::DatabaseKilled), 2_000);
        assert_eq!(outages.longest(Outage::Service), 0);
    }
}
