//! Instants as Clerk writes them.

use chrono::{DateTime, TimeDelta, Utc};

/// How far ahead of our own clock a time from outside may lie before it is taken for poisoned: one day.
///
/// A version far in the future would win against every honest one and freeze its row for good.
pub const MAX_CLOCK_AHEAD: TimeDelta = TimeDelta::days(1);

/// The first instant of the year 10000, in milliseconds: beyond it neither RFC 3339 nor the databases agree.
const END_OF_TIME_MILLIS: i64 = 253_402_300_800_000;

/// Values below this many are seconds: as milliseconds they would lie before March 1973.
const FIRST_MILLIS: i64 = 100_000_000_000;

/// Reads a time in milliseconds since 1970, as Clerk's objects carry it. `None` when it names no usable instant.
#[must_use]
pub fn from_clerk_millis(millis: i64) -> Option<DateTime<Utc>> {
    (0..END_OF_TIME_MILLIS)
        .contains(&millis)
        .then(|| DateTime::from_timestamp_millis(millis))
        .flatten()
}

/// Reads the envelope's `timestamp`: real deliveries carry milliseconds, Clerk's published samples seconds.
#[must_use]
pub fn from_clerk_seconds_or_millis(value: i64) -> Option<DateTime<Utc>> {
    let millis = if (0..FIRST_MILLIS).contains(&value) {
        value.checked_mul(1000)?
    } else {
        value
    };
    from_clerk_millis(millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_milliseconds_of_one_instant_agree() {
        assert_eq!(
            from_clerk_seconds_or_millis(1_716_883_200),
            from_clerk_seconds_or_millis(1_716_883_200_000)
        );
    }

    #[test]
    fn absurd_values_are_no_instant() {
        for value in [-1, i64::MIN, i64::MAX, END_OF_TIME_MILLIS] {
            assert_eq!(from_clerk_millis(value), None, "{value}");
        }
        assert_eq!(from_clerk_seconds_or_millis(i64::MAX), None);
    }
}
