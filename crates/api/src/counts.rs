//! What was asked and answered since the start, for metrics: numbers alone, of a bounded number of kinds.
//!
//! Whoever counts is on the way of a request, so a count is an addition to an atomic number; whoever asks for the numbers
//! does the rest of the work.

mod deliveries;
mod histogram;
mod proofs;
mod traffic;

pub(crate) use deliveries::DeliveryCounts;
pub use deliveries::DeliveryReport;
pub use histogram::HistogramReport;
pub use proofs::ProofReport;
pub(crate) use proofs::{ProofCounts, Way};
pub(crate) use traffic::Traffic;
pub use traffic::{AnswerClass, RouteReport, TrafficReport};

use std::sync::atomic::{AtomicU64, Ordering};

use crate::problem::Kind;

/// One number for each kind of problem.
pub(crate) struct ProblemCounts([AtomicU64; Kind::ALL.len()]);

impl ProblemCounts {
    pub(crate) fn new() -> Self {
        Self([const { AtomicU64::new(0) }; Kind::ALL.len()])
    }

    pub(crate) fn add(&self, kind: Kind) {
        if let Some(count) = self.0.get(kind as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Of each kind that there was, how many.
    pub(crate) fn report(&self) -> Vec<(Kind, u64)> {
        let counts = self.0.iter().map(|count| count.load(Ordering::Relaxed));
        let all = Kind::ALL.iter().copied().zip(counts);
        all.filter(|(_, count)| *count > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_own_number() {
        let counts = ProblemCounts::new();
        for (place, kind) in Kind::ALL.iter().enumerate() {
            for _ in 0..=place {
                counts.add(*kind);
            }
        }
        let report = counts.report();
        assert_eq!(report.len(), Kind::ALL.len());
        for (place, (kind, count)) in report.into_iter().enumerate() {
            assert_eq!((kind, count), (Kind::ALL[place], place as u64 + 1));
        }
    }
}
