//! The rules that the claims of a rightly signed token have to meet.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::authorized_parties::AuthorizedParties;
use crate::claims::{SessionClaims, SessionStatus, is_id};
use crate::config::AuthConfig;
use crate::entitlements::Entitlements;
use crate::error::TokenError;
use crate::shown::Shown;

/// The last second of the year 9999. A number beyond is no time in seconds (milliseconds, most likely).
const LAST_SECOND: i64 = 253_402_300_799;

/// What one instance's tokens are held to.
pub(crate) struct Rules {
    issuer: String,
    audience: Option<String>,
    parties: AuthorizedParties,
    leeway: Duration,
}

impl Rules {
    pub(crate) fn new(config: &AuthConfig) -> Self {
        Self {
            issuer: config.issuer.clone(),
            audience: config.audience.clone(),
            parties: AuthorizedParties::new(config),
            leeway: config.leeway,
        }
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(crate) fn parties(&self) -> &AuthorizedParties {
        &self.parties
    }

    /// Judges the claims of a token whose signature holds. What is wrong with the set-up (issuer, audience, party) is
    /// found before what is wrong with the moment (time), since it would be wrong at any other moment too.
    pub(crate) fn judge(
        &self,
        mut claims: Map<String, Value>,
        now: DateTime<Utc>,
    ) -> Result<SessionClaims, TokenError> {
        let user_id = text(&mut claims, "sub")?;
        if user_id.as_ref().is_some_and(|sub| sub.starts_with("mch_")) {
            return Err(TokenError::CategoryMismatch("its subject is a machine"));
        }
        self.judge_issuer(text(&mut claims, "iss")?)?;
        self.judge_audience(claims.remove("aud"))?;
        let authorized_party = text(&mut claims, "azp")?.filter(|azp| !azp.is_empty());
        self.parties.judge(authorized_party.as_deref())?;

        let expires_at = time(&mut claims, "exp")?.ok_or(TokenError::claim("exp", "is missing"))?;
        let not_before = time(&mut claims, "nbf")?;
        let issued_at = time(&mut claims, "iat")?;
        self.judge_times(expires_at, not_before, issued_at, now)?;

        let user_id = user_id.ok_or(TokenError::claim("sub", "is missing"))?;
        if !is_id(&user_id, "user_") {
            return Err(TokenError::claim("sub", "is not a user id (user_…)"));
        }
        let session_id = text(&mut claims, "sid")?;
        let session_id = session_id.ok_or(TokenError::claim(
            "sid",
            "is missing: tokens of JWT templates have none",
        ))?;
        if !is_id(&session_id, "sess_") {
            return Err(TokenError::claim("sid", "is not a session id (sess_…)"));
        }
        let status = match text(&mut claims, "sts")?.as_deref() {
            None => SessionStatus::Unstated,
            Some("active") => SessionStatus::Active,
            Some("pending") => return Err(TokenError::SessionPending),
            Some(_) => return Err(TokenError::claim("sts", "is neither active nor pending")),
        };

        let Entitlements {
            version,
            organization,
            factor_ages,
            plan,
            features,
            actor,
            custom,
        } = Entitlements::take(claims);
        Ok(SessionClaims {
            user_id,
            session_id,
            issued_at,
            expires_at,
            not_before,
            authorized_party,
            status,
            organization,
            version,
            factor_ages,
            plan,
            features,
            actor,
            custom,
        })
    }

    /// Time alone: what a remembered verdict has to be held to again. A token has expired in the second that `exp` names.
    pub(crate) fn judge_times(
        &self,
        expires_at: DateTime<Utc>,
        not_before: Option<DateTime<Utc>>,
        issued_at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<(), TokenError> {
        if now >= expires_at + self.leeway {
            return Err(TokenError::Expired { at: expires_at });
        }
        for (claim, at) in [("nbf", not_before), ("iat", issued_at)] {
            match at {
                Some(at) if at > now + self.leeway => {
                    return Err(TokenError::NotYetValid { claim, at });
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn judge_issuer(&self, issuer: Option<String>) -> Result<(), TokenError> {
        if issuer.as_ref() == Some(&self.issuer) {
            return Ok(());
        }
        let token = issuer.as_deref().map(Shown::new);
        Err(TokenError::IssuerMismatch {
            token,
            configured: Shown::new(&self.issuer),
        })
    }

    fn judge_audience(&self, aud: Option<Value>) -> Result<(), TokenError> {
        let Some(required) = &self.audience else {
            return Ok(());
        };
        let listed = match aud {
            None => false,
            Some(Value::String(one)) => one == *required,
            Some(Value::Array(list)) if list.iter().all(Value::is_string) => {
                list.iter().any(|one| one == required)
            }
            Some(_) => {
                return Err(TokenError::claim(
                    "aud",
                    "is neither a text nor a list of texts",
                ));
            }
        };
        let mismatch = || TokenError::AudienceMismatch {
            configured: Shown::new(required),
        };
        if listed { Ok(()) } else { Err(mismatch()) }
    }
}

/// A claim that decides something is a text when it is there; `null` is not absence.
fn text(claims: &mut Map<String, Value>, name: &'static str) -> Result<Option<String>, TokenError> {
    match claims.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(TokenError::claim(name, "is not a text")),
    }
}

/// A NumericDate (RFC 7519 2): seconds since 1970, with or without a fraction (kept to the millisecond, the rest cut
/// off), up to the year 9999. Never a text, however numeric.
fn time(
    claims: &mut Map<String, Value>,
    name: &'static str,
) -> Result<Option<DateTime<Utc>>, TokenError> {
    let number = match claims.remove(name) {
        None => return Ok(None),
        Some(Value::Number(number)) => number,
        Some(_) => return Err(TokenError::claim(name, "is not a number")),
    };
    let millis = match (number.as_i64(), number.as_f64()) {
        (Some(seconds), _) if (-LAST_SECOND..=LAST_SECOND).contains(&seconds) => {
            Some(seconds * 1000)
        }
        // In range, so the cast only drops what is below a millisecond.
        (None, Some(seconds)) if seconds.abs() <= LAST_SECOND as f64 => {
            Some((seconds * 1000.0).floor() as i64)
        }
        _ => None,
    };
    let time = millis.and_then(DateTime::from_timestamp_millis);
    time.map(Some).ok_or(TokenError::claim(
        name,
        "is not a time in seconds since 1970",
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_766_000_000;

    fn config() -> AuthConfig {
        AuthConfig {
            authorized_parties: vec![
                "https://app.example.com".to_owned(),
                "https://www.example.com".to_owned(),
            ],
            ..AuthConfig::new("https://clerk.example.com")
        }
    }

    fn valid() -> Value {
        json!({"iss": "https://clerk.example.com", "sub": "user_1", "sid": "sess_1", "azp": "https://app.example.com",
            "exp": NOW + 60, "iat": NOW, "nbf": NOW - 10, "sts": "active"})
    }

    fn judge(config: &AuthConfig, claims: Value) -> Result<SessionClaims, TokenError> {
        let now = DateTime::from_timestamp(NOW, 0).unwrap();
        Rules::new(config).judge(claims.as_object().unwrap().clone(), now)
    }

    fn code(config: &AuthConfig, claims: Value) -> &'static str {
        judge(config, claims).map_or_else(|error| error.code(), |_| "accepted")
    }

    /// The code when one claim is changed, or left out (`Value::Null` stands for absence; see `nulls_are_not_absence`).
    fn with(name: &str, value: Value) -> &'static str {
        let mut claims = valid();
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value,
        }
        code(&config(), claims)
    }

    #[test]
    fn a_valid_token_is_read() {
        let session = judge(&config(), valid()).unwrap();
        assert_eq!(
            (session.user_id.as_str(), session.session_id.as_str()),
            ("user_1", "sess_1")
        );
        assert_eq!(session.expires_at.timestamp(), NOW + 60);
        assert_eq!(session.issued_at.unwrap().timestamp(), NOW);
        assert_eq!(session.not_before.unwrap().timestamp(), NOW - 10);
        assert_eq!(
            session.authorized_party.as_deref(),
            Some("https://app.example.com")
        );
        assert_eq!(session.status, SessionStatus::Active);
        assert!(session.custom.as_map().is_empty());
    }

    #[test]
    fn nulls_are_not_absence() {
        for name in ["iss", "sub", "sid", "azp", "exp", "nbf", "iat", "sts"] {
            let mut claims = valid();
            claims[name] = Value::Null;
            assert_eq!(code(&config(), claims), "claims_invalid", "{name}");
        }
    }

    #[test]
    fn wrong_types_refuse() {
        for name in ["exp", "nbf", "iat"] {
            for odd in [
                json!("1766000060"),
                json!([NOW]),
                json!({}),
                json!(true),
                json!("x"),
            ] {
                assert_eq!(with(name, odd.clone()), "claims_invalid", "{name} {odd}");
            }
        }
        for name in ["iss", "sub", "sid", "azp", "sts"] {
            for odd in [json!(1), json!([valid()[name]]), json!({}), json!(false)] {
                assert_eq!(with(name, odd.clone()), "claims_invalid", "{name} {odd}");
            }
        }
    }

    #[test]
    fn the_issuer_is_equal_byte_for_byte() {
        for issuer in [
            "https://clerk.example.com/",
            "https://CLERK.example.com",
            "http://clerk.example.com",
            "",
            "https://clerk.example.com.evil.example",
        ] {
            assert_eq!(with("iss", json!(issuer)), "issuer_mismatch", "{issuer}");
        }
        assert_eq!(with("iss", Value::Null), "issuer_mismatch");
    }

    #[test]
    fn the_audience_counts_only_when_configured() {
        let required = AuthConfig {
            audience: Some("api".to_owned()),
            ..config()
        };
        let with_aud = |config: &AuthConfig, aud: Value| {
            let mut claims = valid();
            claims["aud"] = aud;
            code(config, claims)
        };
        for aud in [json!("api"), json!(["web", "api"])] {
            assert_eq!(with_aud(&required, aud), "accepted");
        }
        for aud in [json!("apis"), json!(""), json!([]), json!(["web"])] {
            assert_eq!(with_aud(&required, aud), "audience_mismatch");
        }
        for aud in [json!(1), json!(null), json!({"api": 1}), json!(["api", 1])] {
            assert_eq!(with_aud(&required, aud), "claims_invalid");
        }
        assert_eq!(code(&required, valid()), "audience_mismatch", "absent");
        assert_eq!(
            with_aud(&config(), json!(["anything", 5])),
            "accepted",
            "not configured"
        );
    }

    #[test]
    fn times_have_five_seconds_of_leeway() {
        for (name, offset, expected) in [
            ("exp", -4, "accepted"),
            ("exp", -5, "token_expired"),
            ("exp", -2, "accepted"),
            ("nbf", 5, "accepted"),
            ("nbf", 6, "token_not_yet_valid"),
            ("iat", 5, "accepted"),
            ("iat", 6, "token_not_yet_valid"),
        ] {
            assert_eq!(with(name, json!(NOW + offset)), expected, "{name} {offset}");
        }
        let none = AuthConfig {
            leeway: Duration::ZERO,
            ..config()
        };
        let mut claims = valid();
        claims["exp"] = json!(NOW);
        assert_eq!(
            code(&none, claims),
            "token_expired",
            "the second that exp names is too late"
        );
    }

    #[test]
    fn only_exp_is_required() {
        assert_eq!(with("exp", Value::Null), "claims_invalid");
        assert_eq!(with("nbf", Value::Null), "accepted");
        assert_eq!(with("iat", Value::Null), "accepted");
    }

    #[test]
    fn fractions_are_times_and_absurd_numbers_are_not() {
        assert_eq!(with("exp", json!(NOW as f64 + 0.5)), "accepted");
        assert_eq!(with("exp", json!(NOW as f64 - 4.999)), "accepted");
        assert_eq!(with("exp", json!(NOW as f64 - 5.001)), "token_expired");
        assert_eq!(with("exp", json!(-1)), "token_expired");
        assert_eq!(with("exp", json!(LAST_SECOND)), "accepted");
        for absurd in [
            json!(LAST_SECOND + 1),
            json!(NOW * 1000),
            json!(i64::MAX),
            json!(i64::MIN),
            json!(u64::MAX),
            json!(1e300),
            json!(-1e300),
        ] {
            assert_eq!(with("exp", absurd.clone()), "claims_invalid", "{absurd}");
            assert_eq!(with("nbf", absurd.clone()), "claims_invalid", "{absurd}");
        }
    }

    #[test]
    fn subjects_are_users_and_sessions_are_sessions() {
        for sub in ["", "user_", "client_1", "user_1;drop", "usr_1"] {
            assert_eq!(with("sub", json!(sub)), "claims_invalid", "{sub}");
        }
        assert_eq!(with("sub", Value::Null), "claims_invalid");
        assert_eq!(with("sub", json!("mch_1")), "token_category_mismatch");
        for sid in ["", "sess_", "user_1", "sess_1 "] {
            assert_eq!(with("sid", json!(sid)), "claims_invalid", "{sid}");
        }
        assert_eq!(with("sid", Value::Null), "claims_invalid");
    }

    #[test]
    fn pending_and_unknown_states_are_refused() {
        assert_eq!(with("sts", json!("pending")), "session_pending");
        for sts in ["", "Active", "ended", "revoked"] {
            assert_eq!(with("sts", json!(sts)), "claims_invalid", "{sts}");
        }
        assert_eq!(with("sts", Value::Null), "accepted");
    }

    #[test]
    fn custom_claims_of_any_shape_and_name_refuse_nothing() {
        for name in [
            "name", "v", "o", "fea", "fva", "pla", "act", "jti", "org_id", "org_role", "user_id",
            "version", "custom",
        ] {
            for odd in [
                json!(5),
                json!("x"),
                json!([1]),
                json!({"a": {"b": null}}),
                json!(true),
                json!(1e300),
            ] {
                assert_eq!(with(name, odd.clone()), "accepted", "{name} {odd}");
            }
        }
    }
}
