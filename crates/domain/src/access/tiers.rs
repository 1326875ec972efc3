//! Tiers from the least to the best, and what each allows.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;
use std::sync::Arc;

use serde::Serialize;

use super::names::{Feature, Role, Tier};

/// How much a tier allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Portfolios that a user may own at one time.
    pub max_portfolios: u32,
    /// For each metered feature, how often it may be used in one calendar month (UTC). Every tier names them all.
    pub per_month: BTreeMap<Feature, u32>,
}

impl Limits {
    /// How often a feature may be used in one calendar month (UTC); `None` when the policy does not meter it. Whoever
    /// meters it all the same allows nothing.
    #[must_use]
    pub fn per_month(&self, feature: &str) -> Option<u32> {
        self.per_month.get(feature).copied()
    }
}

/// One tier.
#[derive(Debug, Clone)]
pub(super) struct TierTerms {
    pub(super) tier: Tier,
    pub(super) limits: Arc<Limits>,
    /// What is on, for each role: worked out once, so that a request only takes a pointer.
    pub(super) features: BTreeMap<Role, Arc<BTreeSet<Feature>>>,
}

/// All tiers. There is always a lowest.
#[derive(Debug, Clone)]
pub(super) struct Ladder {
    pub(super) lowest: TierTerms,
    /// From the second to the best.
    pub(super) better: Vec<TierTerms>,
}

impl Ladder {
    /// From the least to the best.
    pub(super) fn iter(&self) -> impl Iterator<Item = &TierTerms> {
        iter::once(&self.lowest).chain(&self.better)
    }

    /// How good a tier is, from 0; `None` when it is none of these.
    pub(super) fn rank(&self, name: &str) -> Option<usize> {
        self.iter().position(|terms| terms.tier.as_str() == name)
    }

    pub(super) fn at(&self, rank: usize) -> Option<&TierTerms> {
        self.iter().nth(rank)
    }

    pub(super) fn named(&self, name: &str) -> Option<&TierTerms> {
        self.iter().find(|terms| terms.tier.as_str() == name)
    }
}
