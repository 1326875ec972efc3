//! The rules by which facts give roles and tiers.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::facts::{Notice, NoticeProblem, RoleFacts, json_type};
use super::names::Role;
use super::sources::RuleKind;
use crate::{Coverage, PlanRules};

/// Looks at a place in `public_metadata`, and takes each value that it knows for what it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MetadataRule<T> {
    /// Key within key.
    pub(super) path: Vec<String>,
    /// Value to what it means.
    pub(super) values: BTreeMap<String, T>,
}

/// What a rule has to say about a user.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict<'a, T> {
    /// Nothing: the next rule is asked.
    Silent,
    /// This, until then.
    Gives(&'a T, Option<DateTime<Utc>>),
    /// There is something that cannot be understood: the least, and no further rule.
    Unreadable(Notice),
}

impl<T> MetadataRule<T> {
    pub(super) fn ask(&self, public_metadata: &Map<String, Value>) -> Verdict<'_, T> {
        let problem = match self.find(public_metadata) {
            Ok(None | Some(Value::Null)) => return Verdict::Silent,
            Ok(Some(Value::String(text))) => match self.values.get(text) {
                Some(meaning) => return Verdict::Gives(meaning, None),
                None => NoticeProblem::UnknownValue,
            },
            Ok(Some(other)) | Err(other) => NoticeProblem::WrongType {
                found: json_type(other),
            },
        };
        Verdict::Unreadable(Notice {
            fact: format!("public_metadata.{}", self.path.join(".")),
            problem,
        })
    }

    /// A patch of `public_metadata` after which this rule finds a value, or none.
    pub(super) fn patch(&self, value: Option<&str>) -> Value {
        let value = value.map_or(Value::Null, Value::from);
        self.path.iter().rev().fold(value, |inner, key| {
            Value::Object(Map::from_iter([(key.clone(), inner)]))
        })
    }

    /// What stands at the end of the path; an error is what stands in its way and has no keys.
    fn find<'m>(
        &self,
        public_metadata: &'m Map<String, Value>,
    ) -> Result<Option<&'m Value>, &'m Value> {
        let mut keys = self.path.iter();
        let mut found = keys.next().and_then(|key| public_metadata.get(key));
        for key in keys {
            found = match found {
                Some(Value::Object(inner)) => inner.get(key),
                None | Some(Value::Null) => None,
                Some(other) => return Err(other),
            };
        }
        Ok(found)
    }
}

/// One mapping rule for roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RoleRule {
    /// What the team's backend wrote.
    Metadata(MetadataRule<Role>),
    /// A role in an organization: in this one, or in any.
    Organization {
        organization_id: Option<String>,
        organization_role: String,
        gives: Role,
    },
    /// A plan in force.
    Plan { slug: String, gives: Role },
}

impl RoleRule {
    pub(super) fn kind(&self) -> RuleKind {
        match self {
            Self::Metadata(_) => RuleKind::PublicMetadata,
            Self::Organization { .. } => RuleKind::Organization,
            Self::Plan { .. } => RuleKind::Plan,
        }
    }

    /// The plan that it looks at, if it looks at one.
    pub(super) fn plan(&self) -> Option<&str> {
        match self {
            Self::Plan { slug, .. } => Some(slug),
            Self::Metadata(_) | Self::Organization { .. } => None,
        }
    }

    pub(super) fn ask(
        &self,
        facts: &RoleFacts<'_>,
        plan_rules: &PlanRules,
        now: DateTime<Utc>,
    ) -> Verdict<'_, Role> {
        match self {
            Self::Metadata(rule) => rule.ask(facts.public_metadata),
            Self::Organization {
                organization_id,
                organization_role,
                gives,
            } => {
                let is_held = facts.memberships.iter().any(|place| {
                    place.role == organization_role
                        && organization_id
                            .as_deref()
                            .is_none_or(|id| id == place.organization_id)
                });
                if is_held {
                    Verdict::Gives(gives, None)
                } else {
                    Verdict::Silent
                }
            }
            Self::Plan { slug, gives } => {
                let of_plan = facts.plans.iter().filter(|plan| plan.plan_slug == slug);
                match longest(of_plan, plan_rules, now) {
                    Some(until) => Verdict::Gives(gives, until),
                    None => Verdict::Silent,
                }
            }
        }
    }
}

/// Until when the plan that lasts longest is in force: `None` when none is, `Some(None)` when one has no end.
fn longest<'a>(
    plans: impl Iterator<Item = &'a Coverage<'a>>,
    rules: &PlanRules,
    now: DateTime<Utc>,
) -> Option<Option<DateTime<Utc>>> {
    plans
        .filter_map(|plan| plan.in_force(now, rules))
        .reduce(|one, other| Some(one?.max(other?)))
}
