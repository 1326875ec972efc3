//! Roles, tiers and limits: what a user may do and how much of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{BillingTier, ClerkId, Coverage, User};

/// The name of a role, one of those that the policy knows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Role(String);

/// The name of a tier, one of those that the policy knows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tier(String);

macro_rules! policy_name {
    ($name:ident) => {
        impl $name {
            /// A name as stored. Only the policy makes names out of what came from outside.
            #[must_use]
            pub fn from_store(name: String) -> Self {
                Self(name)
            }

            /// The name.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

policy_name!(Role);
policy_name!(Tier);

/// How much a tier allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Portfolios that a user may own at one time.
    pub max_portfolios: u32,
    /// Messages to the assistant in one calendar month (UTC).
    pub max_ai_messages: u32,
}

/// What a user has now: the policy's judgement of the stored facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entitlements {
    /// The role in force.
    pub role: Role,
    /// The tier in force.
    pub tier: Tier,
    /// The tier's limits.
    pub limits: Limits,
}

/// The team's rules of access.
#[derive(Debug, Clone)]
pub struct Policy {
    roles: BTreeSet<Role>,
    default_role: Role,
    admin_role: Role,
    /// From the least to the best.
    tiers: Vec<(Tier, Limits)>,
    default_tier: Tier,
    default_limits: Limits,
    plans: BTreeMap<String, Tier>,
    past_due_grace: TimeDelta,
    admins: BTreeSet<ClerkId>,
}

impl Policy {
    /// The rules that hold without a policy file: roles `solo` (default), `growth`, `enterprise`, `admin`; tiers `free`
    /// (default: 2 portfolios, 100 messages a month) and `paid` (10 and 1000).
    #[must_use]
    pub fn built_in() -> Self {
        let role = |name: &str| Role(name.to_owned());
        let tier = |name: &str| Tier(name.to_owned());
        let free = Limits {
            max_portfolios: 2,
            max_ai_messages: 100,
        };
        let paid = Limits {
            max_portfolios: 10,
            max_ai_messages: 1000,
        };
        Self {
            roles: ["solo", "growth", "enterprise", "admin"].map(role).into(),
            default_role: role("solo"),
            admin_role: role("admin"),
            tiers: vec![(tier("free"), free), (tier("paid"), paid)],
            default_tier: tier("free"),
            default_limits: free,
            plans: ["paid", "pro"]
                .map(|plan| (plan.to_owned(), tier("paid")))
                .into(),
            past_due_grace: TimeDelta::days(7),
            admins: BTreeSet::new(),
        }
    }

    /// The same rules, with users who are always admin: how the first admin comes to be.
    #[must_use]
    pub fn with_admins(mut self, admins: impl IntoIterator<Item = ClerkId>) -> Self {
        self.admins = admins.into_iter().collect();
        self
    }

    /// The role that `public_metadata.role` names; the default for anything else, as an unknown or wrongly typed value
    /// must never give more than the least.
    #[must_use]
    pub fn role_in(&self, public_metadata: &Map<String, Value>) -> Role {
        named(public_metadata, "role", |name| {
            self.roles.get(&Role(name.to_owned()))
        })
        .unwrap_or(&self.default_role)
        .clone()
    }

    /// The tier that `public_metadata.tier` names; the default for anything else.
    #[must_use]
    pub fn tier_in(&self, public_metadata: &Map<String, Value>) -> Tier {
        named(public_metadata, "tier", |name| {
            self.tiers
                .iter()
                .map(|(tier, _)| tier)
                .find(|tier| tier.as_str() == name)
        })
        .unwrap_or(&self.default_tier)
        .clone()
    }

    /// The tier that a payer's plans give at `now`: the best of those in force.
    #[must_use]
    pub fn billing_tier<'a>(
        &self,
        plans: impl IntoIterator<Item = Coverage<'a>>,
        now: DateTime<Utc>,
    ) -> BillingTier {
        let best = plans
            .into_iter()
            .filter_map(|plan| {
                let ends = plan.in_force(now, self.past_due_grace)?;
                let rank = self.rank(self.plans.get(plan.plan_slug)?)?;
                // Among plans of one tier the one that lasts longest decides, and one without an end most of all.
                Some((rank, ends.unwrap_or(DateTime::<Utc>::MAX_UTC)))
            })
            .max();
        BillingTier {
            tier: best
                .and_then(|(rank, _)| self.tiers.get(rank))
                .map(|(tier, _)| tier.clone()),
            until: best
                .map(|(_, ends)| ends)
                .filter(|ends| *ends < DateTime::<Utc>::MAX_UTC),
        }
    }

    fn rank(&self, tier: &Tier) -> Option<usize> {
        self.tiers.iter().position(|(known, _)| known == tier)
    }

    /// The role of this name; none is of any other.
    #[must_use]
    pub fn role_named(&self, name: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.as_str() == name)
    }

    /// The tier of this name; none is of any other.
    #[must_use]
    pub fn tier_named(&self, name: &str) -> Option<&Tier> {
        let mut tiers = self.tiers.iter().map(|(tier, _)| tier);
        tiers.find(|tier| tier.as_str() == name)
    }

    /// Whether a tier is this one or a better one. A tier that the policy does not know reaches nothing.
    #[must_use]
    pub fn reaches(&self, tier: &Tier, needed: &Tier) -> bool {
        match (self.rank(tier), self.rank(needed)) {
            (Some(rank), Some(needed)) => rank >= needed,
            _ => false,
        }
    }

    /// Whether a role is the admins'.
    #[must_use]
    pub fn is_admin(&self, role: &Role) -> bool {
        *role == self.admin_role
    }

    /// What the user has at `now`.
    #[must_use]
    pub fn entitlements(&self, user: &User, now: DateTime<Utc>) -> Entitlements {
        let role = if self.admins.contains(&user.clerk_user_id) {
            &self.admin_role
        } else {
            &user.role
        };
        let tier = match user.tier_until {
            Some(until) if until <= now => user.public_metadata.as_object().map_or_else(
                || self.default_tier.clone(),
                |metadata| self.tier_in(metadata),
            ),
            _ => user.tier.clone(),
        };
        let limits = self
            .rank(&tier)
            .and_then(|rank| self.tiers.get(rank))
            .map_or(self.default_limits, |(_, limits)| *limits);
        Entitlements {
            role: role.clone(),
            tier,
            limits,
        }
    }
}

fn named<'a, T>(
    metadata: &Map<String, Value>,
    key: &str,
    find: impl FnOnce(&str) -> Option<&'a T>,
) -> Option<&'a T> {
    metadata.get(key).and_then(Value::as_str).and_then(find)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metadata(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn metadata_names_role_and_tier() {
        let policy = Policy::built_in();
        let metadata = metadata(json!({"role": "growth", "tier": "paid"}));
        assert_eq!(policy.role_in(&metadata).as_str(), "growth");
        assert_eq!(policy.tier_in(&metadata).as_str(), "paid");
    }

    #[test]
    fn the_best_plan_in_force_gives_the_tier() {
        let policy = Policy::built_in();
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let later = now + TimeDelta::days(3);
        let plan = |status, plan_slug, period_end| Coverage {
            status,
            plan_slug,
            period_end,
            past_due_since: now,
        };
        let free = plan("active", "free", None);
        let ending = plan("canceled", "pro", Some(later));
        let paid = BillingTier {
            tier: Some(Tier("paid".to_owned())),
            until: Some(later),
        };
        assert_eq!(
            policy.billing_tier([free.clone(), ending.clone()], now),
            paid
        );
        assert_eq!(
            policy.billing_tier([free, ending], later),
            BillingTier {
                tier: None,
                until: None
            }
        );
        assert_eq!(
            policy
                .billing_tier([plan("active", "unheard-of", None)], now)
                .tier,
            None
        );
    }

    #[test]
    fn anything_else_means_the_least() {
        let policy = Policy::built_in();
        for role in [
            json!("root"),
            json!("Admin"),
            json!(["admin"]),
            json!({"admin": true}),
            json!(1),
            json!(null),
        ] {
            let metadata = metadata(json!({"role": role, "tier": role}));
            assert_eq!(policy.role_in(&metadata).as_str(), "solo", "{role}");
            assert_eq!(policy.tier_in(&metadata).as_str(), "free", "{role}");
        }
    }
}
