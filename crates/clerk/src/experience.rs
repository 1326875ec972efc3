//! What asking Clerk has come to so far: how often it answered, and what its clock says.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use domain::DirectoryReport;
use reqwest::header::{AGE, DATE, HeaderMap};

use crate::answer::Attempt;

/// In the place of a number of milliseconds that nobody knows.
const UNKNOWN: i64 = i64::MIN;

/// Counts since the start.
#[derive(Debug)]
pub(crate) struct Experience {
    answered: AtomicU64,
    refused: AtomicU64,
    rate_limited: AtomicU64,
    failed: AtomicU64,
    /// Milliseconds.
    clock_ahead: AtomicI64,
}

impl Experience {
    pub(crate) fn new() -> Self {
        Self {
            answered: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            rate_limited: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            clock_ahead: AtomicI64::new(UNKNOWN),
        }
    }

    /// Counts what one attempt came to.
    pub(crate) fn note(&self, attempt: &Attempt) {
        let count = match attempt {
            Attempt::Settled(Ok(_)) => &self.answered,
            Attempt::Settled(Err(_)) => &self.refused,
            Attempt::TooMany(..) => &self.rate_limited,
            Attempt::Failed(..) => &self.failed,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// Compares the clocks by an answer whose question was sent at `asked_at`.
    pub(crate) fn compare_clocks(&self, headers: &HeaderMap, asked_at: DateTime<Utc>) {
        if let Some(ahead) = clock_ahead(headers, asked_at) {
            self.clock_ahead
                .store(ahead.num_milliseconds(), Ordering::Relaxed);
        }
    }

    pub(crate) fn report(&self) -> DirectoryReport {
        let clock_ahead = self.clock_ahead.load(Ordering::Relaxed);
        DirectoryReport {
            answered: self.answered.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            rate_limited: self.rate_limited.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            clock_ahead: (clock_ahead != UNKNOWN)
                .then(|| TimeDelta::try_milliseconds(clock_ahead))
                .flatten(),
        }
    }
}

/// How far this machine's clock is ahead of that of whoever gave an answer with these headers, just now, to a question sent
/// at `asked_at`; negative: behind. `None` where the answer does not say, or comes out of a cache, which says when that was
/// filled. The header has whole seconds, and the moment at which the other clock was read lies anywhere between question
/// and answer: within that, the clocks agree.
#[must_use]
pub fn clock_ahead(headers: &HeaderMap, asked_at: DateTime<Utc>) -> Option<TimeDelta> {
    if headers.contains_key(AGE) {
        return None;
    }
    let told = headers.get(DATE)?.to_str().ok()?;
    let earliest = DateTime::parse_from_rfc2822(told).ok()?.to_utc();
    let latest = earliest + TimeDelta::seconds(1);
    let (ahead, behind) = (asked_at - latest, earliest - Utc::now());
    Some(if ahead > TimeDelta::zero() {
        ahead
    } else if behind > TimeDelta::zero() {
        -behind
    } else {
        TimeDelta::zero()
    })
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn seconds_ahead(told: DateTime<Utc>, asked_at: DateTime<Utc>) -> Option<i64> {
        let experience = Experience::new();
        let date = told.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let headers = [(DATE, HeaderValue::from_str(&date).unwrap())];
        experience.compare_clocks(&HeaderMap::from_iter(headers), asked_at);
        let ahead = experience.report().clock_ahead?;
        Some(ahead.num_seconds())
    }

    #[test]
    fn clocks_agree_within_what_can_be_told() {
        let now = Utc::now();
        assert_eq!(seconds_ahead(now, now), Some(0));
        // The answer took three seconds: any moment of them may be Clerk's.
        assert_eq!(seconds_ahead(now, now - TimeDelta::seconds(3)), Some(0));
        let ahead = seconds_ahead(now - TimeDelta::seconds(60), now).unwrap();
        assert!((58..=60).contains(&ahead), "{ahead}");
        let behind = seconds_ahead(now + TimeDelta::seconds(60), now).unwrap();
        assert!((-60..=-58).contains(&behind), "{behind}");
    }

    #[test]
    fn a_cache_or_no_date_says_nothing() {
        let experience = Experience::new();
        let date = HeaderValue::from_static("Sun, 22 Nov 2026 00:00:00 GMT");
        let cached = [(DATE, date), (AGE, HeaderValue::from_static("7"))];
        experience.compare_clocks(&HeaderMap::from_iter(cached), Utc::now());
        experience.compare_clocks(&HeaderMap::new(), Utc::now());
        assert_eq!(experience.report(), DirectoryReport::default());
    }
}
