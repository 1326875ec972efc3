use serde::Serialize;

/// How many rows of one listing a sweep may delete because Clerk does not list them any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxAbsent {
    /// Of the live rows, in percent.
    pub percent: u8,
    /// Always allowed, however few rows there are.
    pub at_least: u64,
}

impl MaxAbsent {
    /// The number of rows that may go, out of `live`.
    #[must_use]
    pub fn limit(self, live: u64) -> u64 {
        let share = u128::from(live) * u128::from(self.percent) / 100;
        u64::try_from(share).unwrap_or(u64::MAX).max(self.at_least)
    }
}

impl Default for MaxAbsent {
    /// 10 %, at least 10 rows.
    fn default() -> Self {
        Self {
            percent: 10,
            at_least: 10,
        }
    }
}

/// The numbers with which the brake held: more rows are absent from Clerk's listing than may be deleted at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Braked {
    /// Live rows that Clerk did not list.
    pub absent: u64,
    /// Live rows in all.
    pub live: u64,
    /// How many might have been deleted.
    pub limit: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greater_of_share_and_minimum_counts() {
        let brake = MaxAbsent::default();
        for (live, limit) in [(0, 10), (99, 10), (109, 10), (110, 11), (100_000, 10_000)] {
            assert_eq!(brake.limit(live), limit, "{live}");
        }
    }

    #[test]
    fn no_number_overflows() {
        let all = MaxAbsent {
            percent: 100,
            at_least: 0,
        };
        assert_eq!(all.limit(u64::MAX), u64::MAX);
        let absurd = MaxAbsent {
            percent: 255,
            at_least: 0,
        };
        assert_eq!(absurd.limit(u64::MAX), u64::MAX);
    }
}
