//! What a role and a tier follow from, and what was concluded.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};

use super::names::{Role, Tier};
use super::sources::{RoleSource, TierSource};
use crate::Coverage;

/// Everything that a user's role follows from. There is no place for `unsafe_metadata`, which users write themselves.
#[derive(Debug, Clone, Copy)]
pub struct RoleFacts<'a> {
    /// What an admin set, as stored.
    pub overridden: Option<&'a str>,
    /// As Clerk has it.
    pub public_metadata: &'a Map<String, Value>,
    /// The user's places in organizations, those that count: none of the three is deleted.
    pub memberships: &'a [MembershipFact<'a>],
    /// The plans that the user pays for, in force or not.
    pub plans: &'a [Coverage<'a>],
}

/// A place in an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MembershipFact<'a> {
    /// `org_…`
    pub organization_id: &'a str,
    /// With its prefix: `org:admin`.
    pub role: &'a str,
}

/// Everything that a user's tier follows from.
#[derive(Debug, Clone, Copy)]
pub struct TierFacts<'a> {
    /// What an admin set, as stored.
    pub overridden: Option<&'a str>,
    /// As Clerk has it.
    pub public_metadata: &'a Map<String, Value>,
    /// The plans that the user pays for, in force or not.
    pub plans: &'a [Coverage<'a>],
}

/// A role, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleDecision {
    /// The role in force.
    pub role: Role,
    /// What gave it.
    pub source: RoleSource,
    /// When the answer may change although Clerk says nothing more: the plan that gave it ends.
    pub until: Option<DateTime<Utc>>,
    /// What could not be understood, for the audit log.
    pub notices: Vec<Notice>,
}

/// A tier, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierDecision {
    /// The tier in force.
    pub tier: Tier,
    /// What gave it.
    pub source: TierSource,
    /// When the answer may change although Clerk says nothing more: the plan that gave it ends.
    pub until: Option<DateTime<Utc>>,
    /// What could not be understood, for the audit log.
    pub notices: Vec<Notice>,
}

/// A fact that should have decided and could not be understood, so that the least was given. Its value is not repeated
/// here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// Where it stands: `public_metadata.role`, `role_override`, `tier_override`.
    pub fact: String,
    /// What is wrong with it.
    #[serde(flatten)]
    pub problem: NoticeProblem,
}

/// Why a fact could not be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "problem", rename_all = "snake_case")]
pub enum NoticeProblem {
    /// The policy does not know the value.
    UnknownValue,
    /// The value is no text.
    WrongType {
        /// What it is, in JSON's words.
        found: &'static str,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fact, problem } = self;
        match problem {
            NoticeProblem::UnknownValue => {
                write!(f, "{fact} has a value that the policy does not know")
            }
            NoticeProblem::WrongType { found } => {
                write!(f, "{fact} is of type {found} where text is wanted")
            }
        }
    }
}

/// The word for a value's type in JSON.
pub(super) fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
