use chrono::{DateTime, TimeDelta, Utc};

/// How far Clerk's clock and ours may disagree when an event is set against the change that it tells of.
const CLOCK_SKEW: TimeDelta = TimeDelta::seconds(5);

/// Whether Clerk has moved and said nothing: the newest change that a sweep saw (`clerk_moved_at`) is at least `after`
/// old by `now`, and no event has come since (`last_event_at`).
///
/// `None` as `last_event_at` means that none ever came. Where the webhooks have just been set up, the time of that is the
/// better word, since Clerk tells nothing of the past.
#[must_use]
pub fn no_events_alarm(
    last_event_at: Option<DateTime<Utc>>,
    clerk_moved_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    after: TimeDelta,
) -> bool {
    clerk_moved_at.is_some_and(|moved| {
        let is_due = now.signed_duration_since(moved) >= after;
        let has_heard =
            last_event_at.is_some_and(|heard| moved.signed_duration_since(heard) <= CLOCK_SKEW);
        is_due && !has_heard
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const AFTER: TimeDelta = TimeDelta::minutes(10);

    fn minute(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_716_883_200, 0).unwrap() + TimeDelta::minutes(minute)
    }

    fn alarm(heard: Option<i64>, moved: Option<i64>, now: i64) -> bool {
        no_events_alarm(heard.map(minute), moved.map(minute), minute(now), AFTER)
    }

    #[test]
    fn clerk_moved_and_nobody_told() {
        assert!(alarm(Some(0), Some(1), 11));
        assert!(alarm(None, Some(1), 11));
    }

    #[test]
    fn an_event_may_take_its_time() {
        assert!(!alarm(Some(0), Some(1), 10));
        assert!(!alarm(None, Some(1), 10));
    }

    #[test]
    fn an_event_since_the_move_is_enough() {
        assert!(!alarm(Some(1), Some(1), 60));
        assert!(!alarm(Some(2), Some(1), 60));
    }

    #[test]
    fn silence_is_no_alarm_while_clerk_stands_still() {
        assert!(!alarm(Some(0), Some(0), 1_000_000));
        assert!(!alarm(None, None, 1_000_000));
    }

    #[test]
    fn clocks_need_not_agree_to_the_second() {
        let moved = Some(minute(1));
        let heard = Some(minute(1) - TimeDelta::seconds(5));
        assert!(!no_events_alarm(heard, moved, minute(60), AFTER));
        let earlier = Some(minute(1) - TimeDelta::seconds(6));
        assert!(no_events_alarm(earlier, moved, minute(60), AFTER));
    }
}
