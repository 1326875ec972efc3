//! Roles, tiers and limits: what a user may do and how much of it.
//!
//! `file` reads the team's rules into a [`Policy`]; the policy makes decisions out of facts, when rows are written, and
//! [`Entitlements`] out of rows, at each request; `guards` compares entitlements with what a route asks.

mod entitlements;
mod facts;
mod file;
mod guards;
mod names;
mod policies;
mod policy;
mod rules;
mod sources;
mod tiers;

pub use entitlements::Entitlements;
pub use facts::{
    MembershipFact, Notice, NoticeProblem, RoleDecision, RoleFacts, TierDecision, TierFacts,
};
pub use file::{PolicyErrors, PolicyFault};
pub use guards::{Denial, Factor, StepUp, VerifiedFactors, require_permission, require_step_up};
pub use names::{Feature, Role, Tier};
pub use policies::Policies;
pub use policy::Policy;
pub use sources::{RoleSource, RuleKind, TierSource};
pub use tiers::Limits;
