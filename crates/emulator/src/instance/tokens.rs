//! Tokens of the instance's sessions, and tokens for tests.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Map, Value, json};

use super::Instance;
use crate::ids;
use crate::key::SigningKey;
use crate::refusal::Refusal;
use crate::session::Session;
use crate::state::system_ms;
use crate::template::filled;
use crate::token::{
    self, ActiveOrganization, CATEGORY_SESSION, CATEGORY_TEMPLATE, Subject, TokenKey, TokenRequest,
};

impl Instance {
    /// A token of a live session, as `POST /v1/sessions/{id}/tokens` gives it: a session token, or one of a
    /// template, any name of which exists. It lives `expires_in` seconds, 60 by default.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::SessionNotActive`].
    pub fn session_token(
        &self,
        session_id: &str,
        template: Option<&str>,
        azp: Option<&str>,
        expires_in: Option<i64>,
    ) -> Result<String, Refusal> {
        self.token_of(&self.session(session_id)?, template, azp, expires_in)
    }

    /// [`Self::session_token`] of a session in hand, whose organization may be another one than the stored one's.
    pub(crate) fn token_of(
        &self,
        session: &Session,
        template: Option<&str>,
        azp: Option<&str>,
        expires_in: Option<i64>,
    ) -> Result<String, Refusal> {
        if !session.status.is_alive() {
            return Err(Refusal::SessionNotActive {
                id: session.id.clone(),
            });
        }
        let (category, claims) = match template {
            Some(name) => return self.template_token(session, name, azp, expires_in),
            None => {
                let subject = Subject {
                    user_id: &session.user_id,
                    session_id: &session.id,
                    status: session.status.claim(),
                    age_ms: age_ms(session),
                    organization: self.active_organization(session),
                    plan: self.plan(session),
                };
                (
                    CATEGORY_SESSION,
                    token::session_claims(&subject, azp, expires_in),
                )
            }
        };
        self.sign_token(token::header(category), claims)
    }

    /// A token of the instance with these parts.
    pub(super) fn sign_token(
        &self,
        header: Map<String, Value>,
        claims: Map<String, Value>,
    ) -> Result<String, Refusal> {
        let input = token::signing_input(header, claims);
        finish(&input, self.key.sign(&input))
    }

    /// A new token of a session for the one that has expired. The refresh token is the id of the session's client:
    /// Clerk's own is a secret of a cookie, but nothing here is secret.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::SessionNotActive`], [`Refusal::TokenForeign`] for tokens that are not of this
    /// session.
    pub fn refresh_session(
        &self,
        session_id: &str,
        expired_token: &str,
        refresh_token: &str,
        origin: &str,
    ) -> Result<String, Refusal> {
        let session = self.session(session_id)?;
        let of = self.session_of(expired_token);
        if of.as_deref() != Some(session_id) || refresh_token != session.client_id {
            return Err(Refusal::TokenForeign);
        }
        self.session_token(session_id, None, Some(origin), None)
    }

    /// The session that a token of this instance is of, expired or not.
    pub(crate) fn session_of(&self, token: &str) -> Option<String> {
        let (input, signature) = token.rsplit_once('.')?;
        // RS256 gives one signature for one message.
        if self.key.sign(input).ok()? != signature {
            return None;
        }
        let claims = URL_SAFE_NO_PAD.decode(input.split_once('.')?.1).ok()?;
        let claims: Value = serde_json::from_slice(&claims).ok()?;
        claims.get("sid")?.as_str().map(str::to_owned)
    }

    fn template_token(
        &self,
        session: &Session,
        name: &str,
        azp: Option<&str>,
        expires_in: Option<i64>,
    ) -> Result<String, Refusal> {
        let template = self.template_named(name)?;
        let lifetime = expires_in.or(template.as_ref().map(|it| it.lifetime));
        let mut claims = token::template_claims(&session.user_id, azp, lifetime);
        let mut header = token::header(CATEGORY_TEMPLATE);
        let Some(template) = template else {
            let input = token::signing_input(header, claims);
            return finish(&input, self.key.sign(&input));
        };
        claims.extend(filled(&template.claims, &self.facts(session)));
        let now = system_ms() / 1000;
        claims.insert("nbf".to_owned(), (now - template.allowed_clock_skew).into());
        let Some(key) = &template.own_key else {
            let input = token::signing_input(header, claims);
            return finish(&input, self.key.sign(&input));
        };
        header.insert("alg".to_owned(), json!(key.algorithm));
        header.remove("kid");
        let input = token::signing_input(header, claims);
        finish(&input, key.sign(&input))
    }

    /// Any token. Nothing of the request need be true: the user and the session may be unknown, ended or banned.
    ///
    /// # Errors
    /// [`Refusal::ParamMissing`] when neither a user, nor a known session, nor a `sub` claim says whose it is.
    pub fn mint(&self, request: TokenRequest) -> Result<String, Refusal> {
        let TokenRequest {
            user_id,
            session_id,
            claims: changes,
            header: header_changes,
            expires_in,
            key,
        } = request;
        let named = session_id.as_deref().and_then(|id| self.session(id).ok());
        let user_id = user_id
            .or_else(|| named.as_ref().map(|session| session.user_id.clone()))
            .or_else(|| changes.get("sub").map(|_| String::new()))
            .ok_or(Refusal::ParamMissing { param: "user_id" })?;
        let session = named.or_else(|| match session_id {
            Some(_) => None,
            None => self
                .sessions(|it| it.user_id == user_id && it.status.is_alive())
                .into_iter()
                .next(),
        });
        let sid = session_id
            .or_else(|| session.as_ref().map(|session| session.id.clone()))
            .unwrap_or_else(|| ids::random("sess_"));
        let subject = Subject {
            user_id: &user_id,
            session_id: &sid,
            status: session
                .as_ref()
                .map_or("active", |session| session.status.claim()),
            age_ms: session.as_ref().map_or(0, age_ms),
            organization: session
                .as_ref()
                .and_then(|session| self.active_organization(session)),
            plan: session.as_ref().and_then(|session| self.plan(session)),
        };
        let mut claims = token::session_claims(&subject, None, expires_in);
        token::overlay(&mut claims, changes);
        let mut header = token::header(CATEGORY_SESSION);
        token::overlay(&mut header, header_changes);
        let input = token::signing_input(header, claims);
        let signed = match key {
            TokenKey::Instance => self.key.sign(&input),
            TokenKey::Other => self.other_key()?.sign(&input),
            TokenKey::PublicPemAsHmac => {
                let secret = EncodingKey::from_secret(self.key.public_pem().as_bytes());
                jsonwebtoken::crypto::sign(input.as_bytes(), &secret, Algorithm::HS256)
            }
            TokenKey::None => Ok(String::new()),
        };
        finish(&input, signed)
    }

    /// None when the user has left it since.
    fn active_organization(&self, session: &Session) -> Option<ActiveOrganization> {
        let id = session.last_active_organization_id.as_deref()?;
        self.read(|state| {
            let membership = state.roster.membership(id, &session.user_id)?;
            let organization = state.roster.organization(id)?;
            Some(ActiveOrganization::new(organization, &membership.role))
        })
    }

    fn plan(&self, session: &Session) -> Option<String> {
        let organization = session.last_active_organization_id.as_deref();
        self.read(|state| match organization {
            Some(id) => Some(format!("o:{}", state.billing.plan_of(id)?)),
            None => Some(format!("u:{}", state.billing.plan_of(&session.user_id)?)),
        })
    }

    /// Made when first needed, since it takes time.
    fn other_key(&self) -> Result<&SigningKey, Refusal> {
        if let Some(key) = self.other_key.get() {
            return Ok(key);
        }
        let key = SigningKey::generate().map_err(|error| Refusal::TokenNotSigned {
            reason: error.to_string(),
        })?;
        Ok(self.other_key.get_or_init(|| key))
    }
}

fn finish(
    input: &str,
    signature: Result<String, jsonwebtoken::errors::Error>,
) -> Result<String, Refusal> {
    match signature {
        Ok(signature) => Ok(format!("{input}.{signature}")),
        Err(error) => Err(Refusal::TokenNotSigned {
            reason: error.to_string(),
        }),
    }
}

/// How long ago the session began, by the system's clock; a seeded session has no such age.
pub(crate) fn age_ms(session: &Session) -> i64 {
    match system_ms() - session.created_at {
        age if age < 7 * 86_400_000 => age,
        _ => 0,
    }
}
