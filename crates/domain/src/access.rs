//! Roles, tiers and limits: what a user may do and how much of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{ClerkId, User};

/// The name of a role, one of those that the policy knows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Role(String);

/// The name of a tier, one of those that the policy knows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
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
    tiers: BTreeMap<Tier, Limits>,
    default_tier: Tier,
    default_limits: Limits,
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
            tiers: [(tier("free"), free), (tier("paid"), paid)].into(),
            default_tier: tier("free"),
            default_limits: free,
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
                .get_key_value(&Tier(name.to_owned()))
                .map(|(tier, _)| tier)
        })
        .unwrap_or(&self.default_tier)
        .clone()
    }

    /// What the user has now.
    #[must_use]
    pub fn entitlements(&self, user: &User) -> Entitlements {
        let role = if self.admins.contains(&user.clerk_user_id) {
            &self.admin_role
        } else {
            &user.role
        };
        Entitlements {
            role: role.clone(),
            tier: user.tier.clone(),
            limits: self
                .tiers
                .get(&user.tier)
                .copied()
                .unwrap_or(self.default_limits),
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
