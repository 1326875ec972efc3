//! What a verified session token says, in versions 1 and 2.
//!
//! What decides whether the token counts is read strictly, in `rules`; what only grants, leniently, in `entitlements`.

use std::fmt;
use std::sync::Arc;

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
    pub features: Arc<[Feature]>,
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
    pub permissions: Arc<[String]>,
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
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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

/// Claims that templates added. They are kept as text, a fraction of what they take as values, since they stay in memory
/// with every remembered token and are seldom asked for. `Debug` shows their names only: they often hold e-mail addresses.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct CustomClaims {
    /// A JSON object, or nothing at all when there are none.
    json: Box<str>,
}

impl CustomClaims {
    /// One claim by name. Reads the text; whoever needs several asks for [`CustomClaims::to_map`] once.
    pub fn get(&self, name: &str) -> Option<Value> {
        self.to_map().remove(name)
    }

    /// All of them, read from the text.
    pub fn to_map(&self) -> Map<String, Value> {
        // It was written from such a map.
        serde_json::from_str(&self.json).unwrap_or_default()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.json.is_empty()
    }
}

impl From<Map<String, Value>> for CustomClaims {
    fn from(claims: Map<String, Value>) -> Self {
        if claims.is_empty() {
            return Self::default();
        }
        let json = Value::Object(claims).to_string().into_boxed_str();
        Self { json }
    }
}

impl fmt::Debug for CustomClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.to_map().keys()).finish()
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
    use chrono::TimeDelta;
    use serde_json::json;

    use super::*;
    use crate::config::AuthConfig;
    use crate::rules::Rules;

    fn claims(fva: &Value, issued: bool) -> SessionClaims {
        let mut claims = json!({
            "iss": "https://a.example", "sub": "user_1", "sid": "sess_1", "exp": 60, "fva": fva,
        });
        if issued {
            claims["iat"] = json!(0);
        }
        let config = AuthConfig {
            azp_policy: crate::config::AzpPolicy::Off,
            ..AuthConfig::new("https://a.example")
        };
        let Value::Object(claims) = claims else {
            panic!("an object");
        };
        let judged = Rules::new(&config).judge(claims, DateTime::UNIX_EPOCH);
        judged.unwrap()
    }

    #[test]
    fn factors_grow_older_after_the_issue() {
        let ages = |fva: Value, issued, seconds| {
            let now = DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
            let ages = claims(&fva, issued).factor_ages_at(now)?;
            Some((ages.first, ages.second))
        };
        assert_eq!(ages(json!([7, -1]), true, 59), Some((Some(7), None)));
        assert_eq!(ages(json!([7, 0]), true, 60), Some((Some(8), Some(1))));
        assert_eq!(ages(json!([7, 0]), true, -120), Some((Some(7), Some(0))));
        let oldest = Some((Some(u32::MAX), Some(60)));
        assert_eq!(ages(json!([u32::MAX, 0]), true, 3600), oldest);
        // Nothing is known, so nothing may be granted.
        for (fva, issued) in [
            (json!([7, 0]), false),
            (json!([7]), true),
            (json!([7, -2]), true),
            (json!("7"), true),
            (json!(null), true),
        ] {
            assert_eq!(ages(fva, issued, 0), None);
        }
    }

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
