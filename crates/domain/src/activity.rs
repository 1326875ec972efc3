//! How much there is and how much goes on: what an administrator sees first.

use chrono::NaiveDate;
use serde::Serialize;

use crate::Outcome;

/// How many of each there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Totals {
    /// Users who are not deleted.
    pub users: u64,
    /// Organizations that are not deleted.
    pub organizations: u64,
    /// Sessions that are in use.
    pub sessions: u64,
}

/// One day (UTC).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayActivity {
    /// The day.
    pub day: NaiveDate,
    /// Deliveries that came first on this day, by what became of them; outcomes of which there is none are left out.
    pub deliveries: Vec<(Outcome, u64)>,
    /// Sessions that began on this day.
    pub sign_ins: u64,
}

impl DayActivity {
    /// A day on which nothing happened.
    #[must_use]
    pub fn quiet(day: NaiveDate) -> Self {
        Self {
            day,
            deliveries: Vec::new(),
            sign_ins: 0,
        }
    }

    /// Deliveries with this outcome.
    #[must_use]
    pub fn of(&self, outcome: Outcome) -> u64 {
        let mut found = self
            .deliveries
            .iter()
            .filter(|(known, _)| *known == outcome);
        found.next().map_or(0, |(_, count)| *count)
    }

    /// All deliveries.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        self.deliveries.iter().map(|(_, count)| count).sum()
    }
}
