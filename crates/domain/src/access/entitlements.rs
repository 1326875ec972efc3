//! What a user has now.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::names::{Feature, Role, Tier};
use super::sources::{RoleSource, TierSource};
use super::tiers::Limits;

/// What a user has now: the policy's judgement of the stored facts. A clone is a few pointers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entitlements {
    /// The role in force, one that the policy knows.
    pub role: Role,
    /// What gave it; `None` for a row older than sources.
    pub role_source: Option<RoleSource>,
    /// The tier in force, one that the policy knows.
    pub tier: Tier,
    /// What gave it; `None` for a row older than sources.
    pub tier_source: Option<TierSource>,
    /// The tier's limits.
    pub limits: Arc<Limits>,
    /// The features that are on, for this role in this tier.
    pub features: Arc<BTreeSet<Feature>>,
}
