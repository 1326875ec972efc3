//! What a caller has to be or have, as plain functions: forward auth asks them, and so may any guard.
//!
//! Missing facts deny: who has no organization has none of its permissions, and a tier that the policy does not know
//! reaches none that it does.

use domain::{Entitlements, Policy, Role, Tier};

use crate::problem::{Kind, Problem};

/// The most requirements of one request.
const MAX_REQUIREMENTS: usize = 32;
/// The longest value that is looked at, in bytes.
const MAX_VALUE: usize = 128;

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Requirement {
    /// This role, or the admins'.
    Role(Role),
    /// This permission in the active organization: `org:<feature>:<permission>`. Admins need it like anybody else.
    Permission(String),
    /// This tier or a better one. Admins need it like anybody else.
    Tier(Tier),
}

impl Requirement {
    /// Reads `role`, `permission` or `tier` with its value. Anything else is refused rather than passed over: a
    /// condition that is misspelt must not be one that always holds.
    pub(crate) fn parse(policy: &Policy, name: &str, value: &str) -> Result<Self, Problem> {
        if value.len() > MAX_VALUE {
            return Err(invalid(format!("{name} is too long").as_str()));
        }
        match name {
            "role" => match policy.role_named(value) {
                Some(role) => Ok(Self::Role(role.clone())),
                None => Err(invalid("role must name a role of the policy")),
            },
            "tier" => match policy.tier_named(value) {
                Some(tier) => Ok(Self::Tier(tier.clone())),
                None => Err(invalid("tier must name a tier of the policy")),
            },
            "permission" if is_permission(value) => Ok(Self::Permission(value.to_owned())),
            "permission" => Err(invalid(
                "permission must look like org:<feature>:<permission>",
            )),
            _ => Err(invalid(
                "a requirement must be one of role, permission and tier",
            )),
        }
    }

    /// Whether it holds, and what is missing else.
    pub(crate) fn check(
        &self,
        policy: &Policy,
        entitlements: &Entitlements,
        permissions: &[String],
    ) -> Result<(), Problem> {
        let (holds, kind, name) = match self {
            Self::Role(role) => (
                entitlements.role == *role || policy.is_admin(&entitlements.role),
                Kind::RoleRequired,
                role.as_str(),
            ),
            Self::Permission(permission) => (
                permissions.contains(permission),
                Kind::PermissionRequired,
                permission.as_str(),
            ),
            Self::Tier(tier) => (
                policy.require_tier(entitlements, tier.as_str()).is_ok(),
                Kind::TierRequired,
                tier.as_str(),
            ),
        };
        if holds {
            Ok(())
        } else {
            Err(Problem::with_detail(kind, format!("this needs {name}")))
        }
    }
}

/// Reads every requirement; one that cannot be read refuses them all.
pub(crate) fn parse_all(
    policy: &Policy,
    pairs: &[(String, String)],
) -> Result<Vec<Requirement>, Problem> {
    if pairs.len() > MAX_REQUIREMENTS {
        return Err(invalid("there are too many requirements"));
    }
    pairs
        .iter()
        .map(|(name, value)| Requirement::parse(policy, name, value))
        .collect()
}

pub(crate) fn invalid(detail: &str) -> Problem {
    Problem::with_detail(Kind::RequirementInvalid, detail)
}

fn is_permission(text: &str) -> bool {
    let mut parts = text.split(':');
    let plain = |part: Option<&str>| {
        part.is_some_and(|part| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        })
    };
    parts.next() == Some("org")
        && plain(parts.next())
        && plain(parts.next())
        && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use domain::Limits;

    use super::*;

    fn having(role: &str, tier: &str) -> Entitlements {
        let limits = Limits {
            max_portfolios: 1,
            per_month: BTreeMap::new(),
        };
        Entitlements {
            role: Role::from_store(role),
            role_source: None,
            tier: Tier::from_store(tier),
            tier_source: None,
            limits: Arc::new(limits),
            features: Arc::default(),
        }
    }

    fn verdict(name: &str, value: &str, has: &Entitlements, permissions: &[&str]) -> &'static str {
        let policy = Policy::built_in();
        let permissions: Vec<String> = permissions.iter().map(|&name| name.to_owned()).collect();
        let judged = Requirement::parse(&policy, name, value)
            .and_then(|requirement| requirement.check(&policy, has, &permissions));
        judged.map_or_else(|problem| problem.kind().code(), |()| "holds")
    }

    #[test]
    fn each_combination_is_decided() {
        let (solo, growth, admin) = (
            having("solo", "free"),
            having("growth", "paid"),
            having("admin", "free"),
        );
        let odd = having("unheard-of", "unheard-of");
        for (name, value, has, permissions, expected) in [
            ("role", "solo", &solo, &[][..], "holds"),
            ("role", "growth", &growth, &[], "holds"),
            ("role", "solo", &growth, &[], "role_required"),
            ("role", "admin", &growth, &[], "role_required"),
            ("role", "admin", &admin, &[], "holds"),
            ("role", "growth", &admin, &[], "holds"),
            ("role", "solo", &odd, &[], "role_required"),
            ("tier", "free", &solo, &[], "holds"),
            ("tier", "free", &growth, &[], "holds"),
            ("tier", "paid", &growth, &[], "holds"),
            ("tier", "paid", &solo, &[], "tier_required"),
            ("tier", "paid", &admin, &[], "tier_required"),
            ("tier", "free", &odd, &[], "tier_required"),
            ("permission", "org:a:read", &solo, &["org:a:read"], "holds"),
            (
                "permission",
                "org:a:read",
                &solo,
                &["org:a:write", "org:b:read"],
                "permission_required",
            ),
            (
                "permission",
                "org:a:read",
                &admin,
                &[],
                "permission_required",
            ),
        ] {
            assert_eq!(
                verdict(name, value, has, permissions),
                expected,
                "{name}={value} of {has:?} with {permissions:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_read_denies_even_admins() {
        let admin = having("admin", "paid");
        for (name, value) in [
            ("role", ""),
            ("role", "root"),
            ("role", "Admin"),
            ("role", "admin "),
            ("role", "org:admin"),
            ("tier", ""),
            ("tier", "platinum"),
            ("permission", ""),
            ("permission", "read"),
            ("permission", "org:a"),
            ("permission", "org:a:b:c"),
            ("permission", "org::b"),
            ("permission", "org:a:é"),
            ("Role", "admin"),
            ("roles", "admin"),
            ("", ""),
            ("ticket", "x"),
        ] {
            let verdict = verdict(name, value, &admin, &["org:a:b"]);
            assert_eq!(verdict, "requirement_invalid", "{name}={value}");
        }
        let many = vec![("role".to_owned(), "admin".to_owned()); MAX_REQUIREMENTS + 1];
        let policy = Policy::built_in();
        assert!(parse_all(&policy, &many).is_err());
        assert!(parse_all(&policy, &many[1..]).is_ok());
    }
}
