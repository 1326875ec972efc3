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

    /// What a token that was good has to be held to on every use: the party, which may have to be counted, and time. In
    /// the order of [`Rules::judge`].
    pub(crate) fn judge_again(
        &self,
        claims: &SessionClaims,
        now: DateTime<Utc>,
    ) -> Result<(), TokenError> {
        self.parties.judge(claims.authorized_party.as_deref())?;
        self.judge_times(claims.expires_at, claims.not_before, claims.issued_at, now)
    }

    pub(crate) fn has_expired(&self, expires_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        has_expired(self.leeway, expires_at, now)
    }

    fn judge_times(
        &self,
        expires_at: DateTime<Utc>,
        not_before: Option<DateTime<Utc>>,
        issued_at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<(), TokenError> {
        judge_times(self.leeway, expires_at, not_before, issued_at, now)
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

/// A token has expired in the second that `exp` names, plus the leeway.
fn has_expired(leeway: Duration, expires_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now >= expires_at + leeway
}

/// Times alone, for every kind of token.
pub(crate) fn judge_times(
    leeway: Duration,
    expires_at: DateTime<Utc>,
    not_before: Option<DateTime<Utc>>,
    issued_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), TokenError> {
    if has_expired(leeway, expires_at, now) {
        return Err(TokenError::Expired { at: expires_at });
    }
    for (claim, at) in [("nbf", not_before), ("iat", issued_at)] {
        match at {
            Some(at) if at > now + leeway => return Err(TokenError::NotYetValid { claim, at }),
            _ => {}
        }
    }
    Ok(())
}

/// A claim that decides something is a text when it is there; `null` is not absence.
pub(crate) fn text(
    claims: &mut Map<String, Value>,
    name: &'static str,
) -> Result<Option<String>, TokenError> {
    match claims.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(TokenError::claim(name, "is not a text")),
    }
}

/// A NumericDate (RFC 7519 2): seconds since 1970, with or without a fraction (kept to the millisecond, the rest cut
/// off), up to the year 9999. Never a text, however numeric.
pub(crate) fn time(
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
mod tests;
