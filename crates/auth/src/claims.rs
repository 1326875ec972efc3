//! What a verified session token says, in versions 1 and 2.
//!
//! What decides whether the token counts is read strictly, in `rules`; what only grants, leniently, in `entitlements`.

use std::fmt;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

/// A verified session.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionClaims {
    /// `sub`: Clerk's user id, `user_…`.
    pub user_id: String,
    /// `sid`: Clerk's session id, `sess_…`.
    pub session_id: String,
    /// `iat`. Clerk always sends it. Where tokens are revoked by age, one without it has to count as the oldest.
    pub issued_at: Option<DateTime<Utc>>,
    /// `exp`, without leeway.
    pub expires_at: DateTime<Utc>,
    /// `nbf`.
    pub not_before: Option<DateTime<Utc>>,
    /// `azp`: the origin that the token was issued to.
    pub authorized_party: Option<String>,
    /// `sts`.
    pub status: SessionStatus,
    /// The active organization, if any.
    pub organization: Option<ActiveOrganization>,
    /// 2 when `v` is 2, else 1.
    pub version: u8,
    /// `fva`: how long ago the factors were verified when the token was issued.
    pub factor_ages: Option<FactorAges>,
    /// `pla`: the active plan.
    pub plan: Option<Plan>,
    /// `fea`: the features of the plan.
    pub features: Vec<Feature>,
    /// `act`: who acts in the user's name (impersonation).
    pub actor: Option<Actor>,
    /// Every other claim.
    pub custom: CustomClaims,
}

impl SessionClaims {
    /// How many whole minutes ago each factor was verified, as of `now`: what `fva` said, and what has passed since the
    /// token was issued. For a guard that wants a fresh verification ("step-up"): none, as a whole or for the factor, means
    /// that nothing is known or that there was none, and has to count as too long ago. A token without `iat` gives none.
    pub fn factor_ages_at(&self, now: DateTime<Utc>) -> Option<FactorAges> {
        let FactorAges { first, second } = self.factor_ages?;
        // A clock a little behind the issuer's must not make a factor younger than the token says.
        let passed = (now - self.issued_at?).num_minutes().max(0);
        let passed = u32::try_from(passed).unwrap_or(u32::MAX);
        let aged = |age: Option<u32>| age.map(|age| age.saturating_add(passed));
        Some(FactorAges {
            first: aged(first),
            second: aged(second),
        })
    }

    /// Who acts in the user's name, if it is not the user himself: for guards and for audit records.
    pub fn impersonator(&self) -> Option<&Actor> {
        self.actor.as_ref()
    }
}

/// `sts`, as far as it lets a token through: pending sessions are refused before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionStatus {
    /// `active`.
    Active,
    /// The claim is absent, as on instances that have no session tasks.
    Unstated,
}

/// The organization that the user has selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveOrganization {
    /// `org_…`.
    pub id: String,
    /// Its slug, which may change and be used again.
    pub slug: Option<String>,
    /// The user's role in it, always with prefix: `org:admin`.
    pub role: Option<String>,
    /// What the role allows, as `org:<feature>:<permission>`.
    pub permissions: Vec<String>,
}

/// Minutes since each factor was verified, at the time of issue; none when it never was or is not set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FactorAges {
    /// The first factor's.
    pub first: Option<u32>,
    /// The second factor's.
    pub second: Option<u32>,
}

/// A billing plan by slug.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Whether the organization has it (`o:`) rather than the user (`u:`).
    pub of_organization: bool,
    /// Its slug.
    pub slug: String,
}

/// A feature by slug.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// Whether the user's own plan gives it.
    pub for_user: bool,
    /// Whether the organization's plan gives it.
    pub for_organization: bool,
    /// Its slug.
    pub name: String,
}

/// Who acts in the user's name. An `act` that is an object is an actor even when its parts cannot be read, so that a
/// guard against impersonation need not trust its shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// `sub`: usually a user id.
    pub subject: Option<String>,
    /// `iss`.
    pub issuer: Option<String>,
    /// `sid`.
    pub session_id: Option<String>,
    /// `type`: `agent` marks agents.
    pub kind: Option<String>,
}

/// Claims that templates added. `Debug` shows their names only: they often hold e-mail addresses.
#[derive(Clone, PartialEq, Default)]
pub struct CustomClaims(Map<String, Value>);

impl CustomClaims {
    /// One claim by name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// All of them.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl From<Map<String, Value>> for CustomClaims {
    fn from(claims: Map<String, Value>) -> Self {
        Self(claims)
    }
}

impl fmt::Debug for CustomClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// `user_` or the like, then 1 to 64 letters, digits or underscores.
pub(crate) fn is_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|rest| {
        (1..=64).contains(&rest.len())
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::is_id;

    #[test]
    fn ids_are_short_and_plain() {
        assert!(is_id("user_2GIpXOEpVyJw51rkZn9Kmnc6Sxr", "user_") && is_id("user_a_1", "user_"));
        let long = format!("user_{}", "a".repeat(65));
        for id in [
            "user_",
            "User_1",
            "user_1\n",
            "user_é",
            "user_1 ",
            "user_../x",
            "user_'--",
            "sess_1",
            long.as_str(),
        ] {
            assert!(!is_id(id, "user_"), "{id:?}");
        }
    }
}
