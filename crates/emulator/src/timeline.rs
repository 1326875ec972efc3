//! Places of records in the order of their times, so that a page of a long list costs what the page holds.

use std::collections::BTreeSet;
use std::ops::Bound::{Excluded, Unbounded};

/// Which time orders a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Time {
    Created,
    Updated,
}

/// When a record was made and last changed, in milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) created: i64,
    pub(crate) updated: i64,
}

/// Both orders of one collection's places. Equal times keep the order of insertion.
#[derive(Debug, Clone, Default)]
pub(crate) struct Timeline {
    created: BTreeSet<(i64, u64)>,
    updated: BTreeSet<(i64, u64)>,
}

impl Timeline {
    pub(crate) fn add(&mut self, place: u64, at: Times) {
        self.created.insert((at.created, place));
        self.updated.insert((at.updated, place));
    }

    pub(crate) fn forget(&mut self, place: u64, at: Times) {
        self.created.remove(&(at.created, place));
        self.updated.remove(&(at.updated, place));
    }

    /// All places, those behind `after` (a time and a place) when it is given.
    pub(crate) fn walk(
        &self,
        time: Time,
        descending: bool,
        after: Option<(i64, u64)>,
    ) -> Box<dyn Iterator<Item = u64> + '_> {
        let order = match time {
            Time::Created => &self.created,
            Time::Updated => &self.updated,
        };
        let bound = after.map_or(Unbounded, Excluded);
        if descending {
            let range = order.range((Unbounded, bound)).rev();
            Box::new(range.map(|(_, place)| *place))
        } else {
            let range = order.range((bound, Unbounded));
            Box::new(range.map(|(_, place)| *place))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_both_ways_from_any_place() {
        let mut timeline = Timeline::default();
        for (place, created) in [(0, 7), (1, 5), (2, 7)] {
            timeline.add(
                place,
                Times {
                    created,
                    updated: 10 - created,
                },
            );
        }
        let walk = |time, descending, after| -> Vec<u64> {
            timeline.walk(time, descending, after).collect()
        };
        assert_eq!(walk(Time::Created, false, None), [1, 0, 2]);
        assert_eq!(walk(Time::Created, true, None), [2, 0, 1]);
        assert_eq!(walk(Time::Updated, false, None), [0, 2, 1]);
        assert_eq!(walk(Time::Created, false, Some((7, 0))), [2]);
        assert_eq!(walk(Time::Created, true, Some((7, 0))), [1]);
        timeline.forget(
            0,
            Times {
                created: 7,
                updated: 3,
            },
        );
        assert_eq!(timeline.walk(Time::Updated, true, None).count(), 2);
    }
}
