//! The bridge for a migration: tokens of the login that Clerk replaced, signed with HS256 under a secret of their own.
//!
//! It shares no key, no issuer, no type and no code path with session tokens. Which of the two a token is for is read from
//! its unverified `alg` and `iss`, and that reading only chooses: each side then checks its own algorithm, key, issuer
//! and times. So a token that lies about itself is refused by the side that it chose, and no token is tried by both.
//!
//! Nothing here is switched on by itself: without a [`LegacyVerifier`] there are no legacy tokens.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::hmac;
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};

use crate::compact::{Compact, claimed_algorithm, claimed_issuer};
use crate::credentials::{Credential, CredentialKind};
use crate::error::TokenError;
use crate::rules::{text, time};
use crate::shown::Shown;
use crate::strict_json;

const HS256: &str = "HS256";
/// The least length of the secret, in bytes: as long as what SHA-256 gives (RFC 7518 3.2).
const MIN_SECRET_BYTES: usize = 32;
const MAX_SUBJECT_BYTES: usize = 255;
const MAX_EMAIL_BYTES: usize = 320;

/// How legacy tokens are verified.
#[derive(Clone)]
pub struct LegacyConfig {
    /// The secret of the former login, at least 32 bytes; its bytes are the key as they are.
    pub secret: SecretString,
    /// The only accepted `iss` of a legacy token, compared byte for byte. Never Clerk's.
    pub issuer: String,
    /// How far the clocks may differ: at most 10 seconds.
    pub leeway: Duration,
}

impl fmt::Debug for LegacyConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LegacyConfig")
            .field("issuer", &self.issuer)
            .field("leeway", &self.leeway)
            .finish_non_exhaustive()
    }
}

/// One thing that is wrong with a [`LegacyConfig`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LegacyFault {
    /// See [`LegacyConfig::secret`].
    #[error("the secret of legacy tokens is shorter than 32 bytes")]
    ShortSecret,
    /// A key that others may know is no secret: whoever has it could mint.
    #[error("the secret of legacy tokens is a PEM key, not a shared secret")]
    PemSecret,
    /// Would accept tokens of no issuer.
    #[error("the issuer of legacy tokens is empty")]
    EmptyIssuer,
    /// The two kinds of token have to differ in their issuer.
    #[error("the issuer of legacy tokens is the one of session tokens")]
    SessionIssuer,
    /// See [`LegacyConfig::leeway`].
    #[error("the leeway for legacy tokens is longer than 10 seconds")]
    Leeway,
}

impl LegacyConfig {
    /// Every fault at once, never with a value. `session_issuer` is the issuer of the session tokens beside which the
    /// legacy ones are accepted.
    pub fn faults(&self, session_issuer: &str) -> Vec<LegacyFault> {
        let secret = self.secret.expose_secret();
        [
            (secret.len() < MIN_SECRET_BYTES, LegacyFault::ShortSecret),
            (secret.contains("-----BEGIN"), LegacyFault::PemSecret),
            (self.issuer.trim().is_empty(), LegacyFault::EmptyIssuer),
            (self.issuer == session_issuer, LegacyFault::SessionIssuer),
            (self.leeway > crate::config::MAX_LEEWAY, LegacyFault::Leeway),
        ]
        .into_iter()
        .filter_map(|(wrong, fault)| wrong.then_some(fault))
        .collect()
    }
}

/// What a verified legacy token says. A type of its own, so that nothing that asks for a session can be given one.
/// `Debug` does not show the e-mail address.
#[derive(Clone, PartialEq, Eq)]
pub struct LegacyClaims {
    /// `sub`: the user's id in the former system, as text; a number there is written in decimal.
    pub subject: String,
    /// `email`, when it is a text that looks like an address. Nothing that decides may rest on it: the former system's
    /// word is all there is for it.
    pub email: Option<String>,
    /// `iat`. Where tokens are revoked by age, one without it has to count as the oldest.
    pub issued_at: Option<DateTime<Utc>>,
    /// `exp`, without leeway.
    pub expires_at: DateTime<Utc>,
}

impl fmt::Debug for LegacyClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LegacyClaims")
            .field("subject", &self.subject)
            .field("issued_at", &self.issued_at)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Verifies the former login's tokens. `Debug` does not show the secret.
pub struct LegacyVerifier {
    key: hmac::Key,
    issuer: String,
    leeway: Duration,
}

impl fmt::Debug for LegacyVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LegacyVerifier")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

impl LegacyVerifier {
    /// Refuses a configuration with any of [`LegacyConfig::faults`].
    pub fn new(config: &LegacyConfig, session_issuer: &str) -> Result<Self, Vec<LegacyFault>> {
        let faults = config.faults(session_issuer);
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, config.secret.expose_secret().as_bytes()),
            issuer: config.issuer.clone(),
            leeway: config.leeway,
        })
    }

    /// The verdict on a credential that is meant for this bridge; `None` when it is not, and the session verifier alone
    /// has to judge it. Only tokens from the `Authorization` header are: nobody sets the session cookie but Clerk.
    pub fn authenticate(
        &self,
        credential: Credential<'_>,
        now: DateTime<Utc>,
    ) -> Option<Result<LegacyClaims, TokenError>> {
        (credential.kind == CredentialKind::Header && self.is_addressed(credential.token))
            .then(|| self.verify(credential.token, now))
    }

    /// Whether a token says of itself that it is a legacy one: HS256, and of the legacy issuer. Not to be believed, only
    /// good for choosing who verifies it.
    pub fn is_addressed(&self, token: &str) -> bool {
        claimed_algorithm(token).as_deref() == Some(HS256)
            && claimed_issuer(token).as_ref() == Some(&self.issuer)
    }

    /// The claims of a token that meets every rule at `now`, or the first rule that it breaks. In the order of the session
    /// verifier: shape and algorithm, signature (compared in constant time), kind, issuer, times, subject.
    pub fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<LegacyClaims, TokenError> {
        let compact = Compact::parse(token, HS256)?;
        hmac::verify(&self.key, compact.signing_input, &compact.signature)
            .map_err(|_| TokenError::SignatureInvalid)?;
        if compact.header.has_category() {
            return Err(TokenError::CategoryMismatch(
                "it is one of Clerk's, signed with a template's own secret",
            ));
        }
        compact.header.require_session_token()?;
        let Some(mut claims) = strict_json::object(&compact.payload) else {
            return Err(TokenError::Malformed(
                "its payload is not a JSON object with unique names",
            ));
        };
        let issuer = text(&mut claims, "iss")?;
        if issuer.as_ref() != Some(&self.issuer) {
            return Err(TokenError::IssuerMismatch {
                token: issuer.as_deref().map(Shown::new),
                configured: Shown::new(&self.issuer),
            });
        }
        let expires_at = time(&mut claims, "exp")?.ok_or(TokenError::claim("exp", "is missing"))?;
        let not_before = time(&mut claims, "nbf")?;
        let issued_at = time(&mut claims, "iat")?;
        crate::rules::judge_times(self.leeway, expires_at, not_before, issued_at, now)?;
        Ok(LegacyClaims {
            subject: subject(&mut claims)?,
            email: claims.get("email").and_then(Value::as_str).and_then(email),
            issued_at,
            expires_at,
        })
    }
}

fn subject(claims: &mut Map<String, Value>) -> Result<String, TokenError> {
    let subject = match claims.remove("sub") {
        None => return Err(TokenError::claim("sub", "is missing")),
        Some(Value::String(text)) => text,
        Some(Value::Number(number)) if number.is_u64() => number.to_string(),
        Some(_) => {
            return Err(TokenError::claim(
                "sub",
                "is neither a text nor an id number",
            ));
        }
    };
    let fits = (1..=MAX_SUBJECT_BYTES).contains(&subject.len());
    if !fits || subject.chars().any(char::is_control) {
        return Err(TokenError::claim(
            "sub",
            "is empty, longer than 255 bytes, or holds control characters",
        ));
    }
    Ok(subject)
}

fn email(text: &str) -> Option<String> {
    let looks_right = text.len() <= MAX_EMAIL_BYTES
        && text.contains('@')
        && !text.chars().any(|c| c.is_control() || c.is_whitespace());
    looks_right.then(|| text.to_owned())
}
