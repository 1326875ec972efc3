//! Who was let in, and who was not and why.

use std::sync::atomic::{AtomicU64, Ordering};

use super::ProblemCounts;
use crate::problem::{Kind, Problem};

/// How a caller proves who he is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Session,
    Ticket,
    Legacy,
    Service,
}

impl Way {
    const ALL: &[Self] = &[Self::Session, Self::Ticket, Self::Legacy, Self::Service];

    fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Ticket => "ticket",
            Self::Legacy => "legacy",
            Self::Service => "service",
        }
    }
}

/// Authentications of this process.
pub(crate) struct ProofCounts {
    accepted: [AtomicU64; Way::ALL.len()],
    refused: ProblemCounts,
}

/// Authentications, as they stood at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofReport {
    /// By what was accepted: `session`, `ticket`, `legacy`, `service`.
    pub accepted: Vec<(&'static str, u64)>,
    /// By the code of the refusal.
    pub refused: Vec<(&'static str, u64)>,
}

impl ProofCounts {
    pub(crate) fn new() -> Self {
        Self {
            accepted: [const { AtomicU64::new(0) }; Way::ALL.len()],
            refused: ProblemCounts::new(),
        }
    }

    pub(crate) fn accepted(&self, way: Way) {
        if let Some(count) = self.accepted.get(way as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn refused(&self, kind: Kind) {
        self.refused.add(kind);
    }

    /// Counts how it came out.
    pub(crate) fn note<T>(&self, way: Way, result: Result<T, Problem>) -> Result<T, Problem> {
        match &result {
            Ok(_) => self.accepted(way),
            Err(problem) => self.refused(problem.kind()),
        }
        result
    }

    pub(crate) fn report(&self) -> ProofReport {
        let counts = self.accepted.iter();
        let counts = counts.map(|count| count.load(Ordering::Relaxed));
        let ways = Way::ALL.iter().map(|way| way.as_str());
        let refused = self.refused.report().into_iter();
        ProofReport {
            accepted: ways.zip(counts).collect(),
            refused: refused.map(|(kind, count)| (kind.code(), count)).collect(),
        }
    }
}
