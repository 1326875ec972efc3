//! How long things took, counted by classes of duration.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How many durations a class has room for: fixed, so that the numbers stand side by side.
const CLASSES: usize = 13;

/// Durations by class. The bounds are those up to which a class goes, in microseconds, ascending.
pub(crate) struct Histogram {
    bounds: &'static [u64; CLASSES],
    counts: [AtomicU64; CLASSES],
    /// Beyond the last bound.
    longer: AtomicU64,
    sum_micros: AtomicU64,
}

/// A histogram as it stood at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct HistogramReport {
    /// Up to how many seconds, and how many there were of that or less.
    pub up_to: Vec<(f64, u64)>,
    /// How many there were in all.
    pub count: u64,
    /// Their sum in seconds.
    pub sum: f64,
}

/// From a millisecond to ten seconds: answers.
pub(crate) const ANSWERS: &[u64; CLASSES] = &[
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000,
];

/// From 50 milliseconds to an hour: what came from Clerk.
pub(crate) const LAGS: &[u64; CLASSES] = &[
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    30_000_000,
    60_000_000,
    300_000_000,
    1_800_000_000,
    3_600_000_000,
];

impl Histogram {
    pub(crate) const fn new(bounds: &'static [u64; CLASSES]) -> Self {
        Self {
            bounds,
            counts: [const { AtomicU64::new(0) }; CLASSES],
            longer: AtomicU64::new(0),
            sum_micros: AtomicU64::new(0),
        }
    }

    pub(crate) fn add(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let mut classes = self.bounds.iter().zip(&self.counts);
        let class = classes.find(|(bound, _)| micros <= **bound);
        let count = class.map_or(&self.longer, |(_, count)| count);
        count.fetch_add(1, Ordering::Relaxed);
        self.sum_micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// What was counted; `None` while that is nothing.
    pub(crate) fn report(&self) -> Option<HistogramReport> {
        let mut count = 0;
        let up_to = self
            .bounds
            .iter()
            .zip(&self.counts)
            .map(|(bound, class)| {
                count += class.load(Ordering::Relaxed);
                (seconds(*bound), count)
            })
            .collect();
        count += self.longer.load(Ordering::Relaxed);
        (count > 0).then(|| HistogramReport {
            up_to,
            count,
            sum: seconds(self.sum_micros.load(Ordering::Relaxed)),
        })
    }
}

fn seconds(micros: u64) -> f64 {
    Duration::from_micros(micros).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_in_the_first_class_that_holds_it_and_in_all_after_it() {
        let histogram = Histogram::new(ANSWERS);
        assert_eq!(histogram.report(), None);
        for micros in [0, 1_000, 1_001, 9_000_000, 10_000_001] {
            histogram.add(Duration::from_micros(micros));
        }
        let report = histogram.report().unwrap();
        assert_eq!(report.up_to.len(), CLASSES);
        assert_eq!(report.up_to[0], (0.001, 2));
        assert_eq!(report.up_to[1], (0.0025, 3));
        assert_eq!(report.up_to[11], (5.0, 3));
        assert_eq!(report.up_to[12], (10.0, 4));
        assert_eq!(report.count, 5);
        assert!((report.sum - 19.002_002).abs() < 1e-9);
    }

    #[test]
    fn bounds_ascend() {
        for bounds in [ANSWERS, LAGS] {
            assert!(bounds.is_sorted_by(|one, next| one < next));
        }
    }
}
