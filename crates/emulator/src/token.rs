//! Session tokens, right ones and deliberately wrong ones.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::ids;
use crate::organization::Organization;
use crate::state::system_ms;

/// The `cat` of a session token.
pub(crate) const CATEGORY_SESSION: &str = "cl_B7d4PD111AAA";
/// The `cat` of a token made from a JWT template.
pub(crate) const CATEGORY_TEMPLATE: &str = "cl_B7d4PD222AAA";
const LIFETIME_SECONDS: i64 = 60;

/// A token to mint: a good session token, changed as the caller says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenRequest {
    /// Becomes `sub`. He need not exist.
    pub user_id: Option<String>,
    /// Becomes `sid`. Without it: the user's newest live session, else an id that nobody knows.
    pub session_id: Option<String>,
    /// Replaces claims; null removes one.
    pub claims: Map<String, Value>,
    /// Replaces header members; null removes one. `alg` is only what is written, the signature follows `key`.
    pub header: Map<String, Value>,
    /// Seconds from now to `exp`, 60 by default, negative for an expired token.
    pub expires_in: Option<i64>,
    /// What signs it.
    pub key: TokenKey,
}

/// What signs a minted token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenKey {
    /// The instance's key, which JWKS shows.
    #[default]
    Instance,
    /// Another RSA key, under the same `kid`.
    Other,
    /// HMAC-SHA256 with the public PEM as the secret: the algorithm-confusion attack. Set `alg` yourself.
    PublicPemAsHmac,
    /// Nothing: the third part is empty.
    None,
}

impl TokenRequest {
    /// A good token for this user.
    #[must_use]
    pub fn for_user(user_id: impl Into<String>) -> Self {
        Self {
            user_id: Some(user_id.into()),
            ..Self::default()
        }
    }

    /// A good token for this session.
    #[must_use]
    pub fn for_session(session_id: impl Into<String>) -> Self {
        Self {
            session_id: Some(session_id.into()),
            ..Self::default()
        }
    }

    /// Replaces a claim; null removes it.
    #[must_use]
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    /// Replaces a header member; null removes it.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.insert(name.to_owned(), value.into());
        self
    }

    /// Sets `azp`, the origin of the page that asked for the token.
    #[must_use]
    pub fn authorized_party(self, origin: &str) -> Self {
        self.claim("azp", origin)
    }

    /// Seconds from now to `exp`; negative for an expired token.
    #[must_use]
    pub fn expires_in(mut self, seconds: i64) -> Self {
        self.expires_in = Some(seconds);
        self
    }

    /// Signs with something else.
    #[must_use]
    pub fn signed_with(mut self, key: TokenKey) -> Self {
        self.key = key;
        self
    }
}

/// The session that a token is of.
pub(crate) struct Subject<'a> {
    pub(crate) user_id: &'a str,
    pub(crate) session_id: &'a str,
    /// `sts`: `active` or `pending`.
    pub(crate) status: &'static str,
    /// Becomes the age of the first factor, in minutes.
    pub(crate) age_ms: i64,
    /// Becomes `o` when an organization is active.
    pub(crate) organization: Option<ActiveOrganization>,
    /// Becomes `pla`, such as `u:pro`, of the organization when one is active, else of the user.
    pub(crate) plan: Option<String>,
}

/// The organization that a token is of. System permissions are never in tokens and others are not emulated, so there is
/// no `per`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ActiveOrganization {
    id: String,
    /// The role without `org:`.
    rol: String,
    slg: String,
}

impl ActiveOrganization {
    pub(crate) fn new(organization: &Organization, role: &str) -> Self {
        Self {
            id: organization.id.clone(),
            rol: role.strip_prefix("org:").unwrap_or(role).to_owned(),
            slg: organization.slug.clone(),
        }
    }
}

/// The claims of a version 2 session token issued now.
pub(crate) fn session_claims(
    subject: &Subject<'_>,
    azp: Option<&str>,
    expires_in: Option<i64>,
) -> Map<String, Value> {
    let Subject {
        user_id,
        session_id,
        status,
        age_ms,
        organization,
        plan,
    } = subject;
    let now = system_ms() / 1000;
    let mut claims = object(json!({
        "exp": now.saturating_add(expires_in.unwrap_or(LIFETIME_SECONDS)),
        "fva": [age_ms.max(&0) / 60_000, -1],
        "iat": now,
        "iss": crate::ISSUER,
        "jti": token_id(),
        "nbf": now - 10,
        "sid": session_id,
        "sts": status,
        "sub": user_id,
        "v": 2,
    }));
    if let Some(organization) = organization {
        claims.insert("o".to_owned(), json!(organization));
    }
    if let Some(plan) = plan {
        claims.insert("pla".to_owned(), plan.as_str().into());
    }
    if let Some(azp) = azp {
        claims.insert("azp".to_owned(), azp.into());
    }
    claims
}

/// The claims of a template token: no session, no version.
pub(crate) fn template_claims(
    user_id: &str,
    azp: Option<&str>,
    expires_in: Option<i64>,
) -> Map<String, Value> {
    let now = system_ms() / 1000;
    let mut claims = object(json!({
        "exp": now.saturating_add(expires_in.unwrap_or(LIFETIME_SECONDS)),
        "iat": now,
        "iss": crate::ISSUER,
        "jti": token_id(),
        "nbf": now - 5,
        "sub": user_id,
    }));
    if let Some(azp) = azp {
        claims.insert("azp".to_owned(), azp.into());
    }
    claims
}

/// The header of a token of this category.
pub(crate) fn header(category: &str) -> Map<String, Value> {
    object(json!({ "alg": "RS256", "cat": category, "kid": crate::INSTANCE_ID, "typ": "JWT" }))
}

/// Lays `changes` over `base`; null removes.
pub(crate) fn overlay(base: &mut Map<String, Value>, changes: Map<String, Value>) {
    for (name, value) in changes {
        match value {
            Value::Null => drop(base.remove(&name)),
            value => drop(base.insert(name, value)),
        }
    }
}

/// The part of a token that gets signed.
pub(crate) fn signing_input(header: Map<String, Value>, claims: Map<String, Value>) -> String {
    let part = |members| URL_SAFE_NO_PAD.encode(Value::Object(members).to_string());
    format!("{}.{}", part(header), part(claims))
}

fn token_id() -> String {
    ids::random_bytes::<10>()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlay_replaces_and_removes() {
        let subject = Subject {
            user_id: "user_1",
            session_id: "sess_1",
            status: "active",
            age_ms: 120_000,
            organization: None,
            plan: Some("u:pro".to_owned()),
        };
        let mut claims = session_claims(&subject, Some("http://localhost"), None);
        assert_eq!(claims.get("pla"), Some(&json!("u:pro")));
        assert_eq!(claims.get("fva"), Some(&json!([2, -1])));
        overlay(&mut claims, object(json!({"azp": null, "sub": 7})));
        assert!(!claims.contains_key("azp"));
        assert_eq!(claims.get("sub"), Some(&json!(7)));
    }

    #[test]
    fn a_template_token_has_no_session() {
        let claims = template_claims("user_1", None, Some(5));
        assert!(
            !claims.contains_key("sid") && !claims.contains_key("sts") && !claims.contains_key("v")
        );
    }
}
