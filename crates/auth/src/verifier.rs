//! The one path from a request to a session.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use http::HeaderMap;

use crate::claims::SessionClaims;
use crate::compact::{Compact, MAX_TOKEN_BYTES, TOO_LONG};
use crate::config::{AuthConfig, ConfigError, ConfigFault};
use crate::credentials::{Credential, CredentialFinder, CredentialKind};
use crate::error::TokenError;
use crate::handshake::PageCookies;
use crate::header::RS256;
use crate::key_ring::{KeyRing, NoKey};
use crate::key_source::{HttpKeySource, KeySource};
use crate::rules::Rules;
use crate::shown::Shown;
use crate::strict_json;
use crate::verdicts::{TokenDigest, Verdict, VerdictCounts, Verdicts};
use crate::verifying_key::VerifyingKey;

/// Verifies one Clerk instance's session tokens.
pub struct Verifier {
    keys: KeyRing,
    rules: Rules,
    verdicts: Verdicts,
}

impl Verifier {
    /// With the key set fetched over HTTP where `config` says. Nothing is fetched yet: the first token, or
    /// [`KeyRing::refresh_if_due`], does it.
    pub fn new(config: &AuthConfig) -> Result<Self, ConfigError> {
        let source = config
            .jwks
            .as_ref()
            .map(|jwks| HttpKeySource::new(jwks, &config.key_cache))
            .transpose();
        match source {
            Ok(source) => Self::build(
                config,
                source.map(|source| Arc::new(source) as Arc<dyn KeySource>),
                Vec::new(),
            ),
            Err(fault) => Self::build(config, None, vec![fault]),
        }
    }

    /// With the key set from `source` instead of the network; `config.jwks` is not used then.
    pub fn with_key_source(
        config: &AuthConfig,
        source: Arc<dyn KeySource>,
    ) -> Result<Self, ConfigError> {
        Self::build(config, Some(source), Vec::new())
    }

    fn build(
        config: &AuthConfig,
        source: Option<Arc<dyn KeySource>>,
        mut faults: Vec<ConfigFault>,
    ) -> Result<Self, ConfigError> {
        for fault in config.faults() {
            // Another source stands in for the URL, and a bad URL may have been found already.
            if !(fault == ConfigFault::NoKeySource && source.is_some() || faults.contains(&fault)) {
                faults.push(fault);
            }
        }
        let fallback = match config
            .jwt_key
            .as_deref()
            .map(VerifyingKey::from_pem)
            .transpose()
        {
            Ok(fallback) => fallback,
            Err(problem) => {
                faults.push(ConfigFault::JwtKey(problem));
                None
            }
        };
        let verdicts = Verdicts::new(config.token_cache_capacity)
            .map_err(|fault| faults.push(fault))
            .ok();
        let (Some(verdicts), true) = (verdicts, faults.is_empty()) else {
            return Err(ConfigError { faults });
        };
        let keys = KeyRing::new(
            source,
            fallback,
            config.key_cache.clone(),
            config.accept_emulator_keys,
        );
        Ok(Self {
            keys,
            rules: Rules::new(config),
            verdicts,
        })
    }

    /// The claims of a token that meets every rule at `now`, or the first rule that it breaks. May wait for the key set
    /// when that has to be fetched, for at most the fetch timeout. Runs on a tokio runtime.
    ///
    /// Nothing in the payload decides anything before the signature holds, so that a forger learns nothing from the
    /// refusal. A token that was good is remembered and not verified again, and whatever may change is judged again: the
    /// verdict is the one that there would be without memory.
    pub async fn verify(
        &self,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<Arc<SessionClaims>, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            self.verdicts.count_miss();
            return Err(TOO_LONG);
        }
        let digest = self.verdicts.digest(token);
        let known = digest.and_then(|digest| self.verdicts.get(&digest));
        match known {
            Some(verdict) if self.keys.vouches_for(verdict.key, now) => {
                self.judge_again(verdict, digest, now)
            }
            // In a box of its own, so that whoever is known does not pay for its size.
            known => Box::pin(self.verify_afresh(token, digest, known, now)).await,
        }
    }

    async fn verify_afresh(
        &self,
        token: &str,
        digest: Option<TokenDigest>,
        known: Option<Verdict>,
        now: DateTime<Utc>,
    ) -> Result<Arc<SessionClaims>, TokenError> {
        let compact = Compact::parse(token, RS256).inspect_err(|_| self.verdicts.count_miss())?;
        let kid = compact.header.kid();
        let key = self.keys.key(kid, now).await;
        // Found to be good before, and by the same key: it is the age of the key set that called for another look.
        if let (Some(verdict), Ok(key)) = (known, &key)
            && verdict.key == key.id()
        {
            return self.judge_again(verdict, digest, now);
        }
        self.verdicts.count_miss();
        let key = key.map_err(|no_key| named(no_key, kid))?;
        if !key.verifies(compact.signing_input, &compact.signature) {
            return Err(TokenError::SignatureInvalid);
        }
        compact.header.require_session_token()?;
        let Some(claims) = strict_json::object(&compact.payload) else {
            return Err(TokenError::Malformed(
                "its payload is not a JSON object with unique names",
            ));
        };
        let mut claims = self.rules.judge(claims, now)?;
        if digest.is_some() {
            self.verdicts.share_lists(&mut claims);
        }
        let claims = Arc::new(claims);
        if let Some(digest) = digest {
            let claims = Arc::clone(&claims);
            let key = key.id();
            self.verdicts.insert(digest, Verdict { claims, key });
        }
        Ok(claims)
    }

    /// The payload of a token that one of the instance's keys signed, whatever it is about. By the same keys and the same
    /// rules of shape as a session token's.
    pub(crate) async fn signed_payload(
        &self,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<serde_json::Map<String, serde_json::Value>, TokenError> {
        let compact = Compact::parse(token, RS256)?;
        let kid = compact.header.kid();
        let key = self
            .keys
            .key(kid, now)
            .await
            .map_err(|no_key| named(no_key, kid))?;
        if !key.verifies(compact.signing_input, &compact.signature) {
            return Err(TokenError::SignatureInvalid);
        }
        strict_json::object(&compact.payload).ok_or(TokenError::Malformed(
            "its payload is not a JSON object with unique names",
        ))
    }

    /// What may have changed since the token was found to be good.
    fn judge_again(
        &self,
        verdict: Verdict,
        digest: Option<TokenDigest>,
        now: DateTime<Utc>,
    ) -> Result<Arc<SessionClaims>, TokenError> {
        self.verdicts.count_hit();
        let judged = self.rules.judge_again(&verdict.claims, now);
        if let (Err(TokenError::Expired { .. }), Some(digest)) = (&judged, digest) {
            self.verdicts.remove(&digest);
        }
        judged.map(|()| verdict.claims)
    }

    /// Forgets the tokens that have expired by `now`. They would go by themselves when they are seen again or displaced by
    /// newer ones; a background task that calls this every minute gives their memory back sooner.
    pub fn sweep(&self, now: DateTime<Utc>) {
        self.verdicts
            .sweep(|claims| self.rules.has_expired(claims.expires_at, now));
    }

    /// How well tokens are remembered.
    pub fn verdict_counts(&self) -> VerdictCounts {
        self.verdicts.counts()
    }

    /// The keys: for a background refresh and for health checks.
    pub fn keys(&self) -> &KeyRing {
        &self.keys
    }

    /// How often each party that is not listed was let through under [`crate::AzpPolicy::Observe`], since the start.
    /// `(none)` stands for tokens without `azp`, `(other)` for what came after the first hundred names.
    pub fn party_mismatches(&self) -> BTreeMap<String, u64> {
        self.rules.parties().mismatches()
    }
}

fn named(no_key: NoKey, kid: Option<&str>) -> TokenError {
    match no_key {
        NoKey::Unknown => TokenError::KeyUnknown {
            kid: kid.map(Shown::new),
        },
        NoKey::Emulator => TokenError::EmulatorKey,
        NoKey::Unavailable => TokenError::KeysUnavailable,
    }
}

/// Finds and verifies: what every route, page and stream goes through, so that no two of them can disagree.
pub struct Authenticator {
    finder: CredentialFinder,
    page_cookies: PageCookies,
    verifier: Verifier,
}

/// A request with a verified session.
#[derive(Debug, Clone, PartialEq)]
pub struct Authenticated {
    /// What the token says, shared with the verifier's memory.
    pub claims: Arc<SessionClaims>,
    /// How the token came.
    pub credential: CredentialKind,
}

impl Authenticator {
    /// See [`Verifier::new`].
    pub fn new(config: &AuthConfig) -> Result<Self, ConfigError> {
        Ok(Self::around(Verifier::new(config)?, config))
    }

    /// See [`Verifier::with_key_source`].
    pub fn with_key_source(
        config: &AuthConfig,
        source: Arc<dyn KeySource>,
    ) -> Result<Self, ConfigError> {
        Ok(Self::around(
            Verifier::with_key_source(config, source)?,
            config,
        ))
    }

    fn around(verifier: Verifier, config: &AuthConfig) -> Self {
        let finder =
            CredentialFinder::new(verifier.rules.issuer(), config.publishable_key.as_ref());
        let page_cookies = PageCookies::of(config.publishable_key.as_ref());
        Self {
            finder,
            page_cookies,
            verifier,
        }
    }

    /// The session of a request with these headers at `now`. It says what the token says; whether the session or the user
    /// has ended since is known to whoever keeps their state, and has to be asked on every request.
    pub async fn authenticate(
        &self,
        headers: &HeaderMap,
        now: DateTime<Utc>,
    ) -> Result<Authenticated, TokenError> {
        self.authenticate_credential(self.find(headers)?, now).await
    }

    /// The first half of [`Authenticator::authenticate`]: the token as it stands in the request. For whoever has to look
    /// at it before it is verified, as the bridge for legacy tokens does.
    pub fn find<'a>(&self, headers: &'a HeaderMap) -> Result<Credential<'a>, TokenError> {
        self.finder.find(headers)
    }

    /// The second half of [`Authenticator::authenticate`].
    pub async fn authenticate_credential(
        &self,
        credential: Credential<'_>,
        now: DateTime<Utc>,
    ) -> Result<Authenticated, TokenError> {
        let claims = self.verifier.verify(credential.token, now).await?;
        Ok(Authenticated {
            claims,
            credential: credential.kind,
        })
    }

    /// The cookies of pages that take part in Clerk's handshake.
    pub fn page_cookies(&self) -> &PageCookies {
        &self.page_cookies
    }

    /// The only `iss` that this one accepts.
    pub fn issuer(&self) -> &str {
        self.verifier.rules.issuer()
    }

    /// The verifier alone, for tokens that come another way.
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }
}
