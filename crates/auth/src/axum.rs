//! Protects any axum application: [`Session`] in a handler's signature is the authentication.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use auth::axum::{Session, Sessions};
//! use auth::{AuthConfig, PublishableKey};
//! use axum::{Router, routing::get};
//!
//! async fn hello(session: Session) -> String {
//!     format!("hello, {}", session.user_id)
//! }
//!
//! let config = AuthConfig {
//!     authorized_parties: vec!["https://app.example.com".to_owned()],
//!     ..AuthConfig::for_instance(PublishableKey::parse("pk_test_Y2xlcmsuY2xlcmsuZGV2JA")?)
//! };
//! let app: Router = Router::new()
//!     .route("/hello", get(hello))
//!     .with_state(Sessions::new(&config)?);
//! # let _ = app;
//! # Ok(())
//! # }
//! ```
//!
//! An application with a state of its own gives the [`Sessions`] by [`FromRef`]; without that, a handler that asks for a
//! session does not compile. Routes whose handlers need no session are put behind [`Sessions::layer`]. `Option<Session>`
//! is for pages that greet strangers too: a request without any token gives `None`, one with a bad token is refused.
//!
//! Whether a session or its user has ended since the token was issued is known to whoever keeps their state. With
//! [`Sessions::checked_by`], such a keeper is asked on every request; without, a session ends with its token, a minute
//! later at most.

use std::ops::Deref;
use std::sync::Arc;

use ::axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use ::axum::middleware::{FromExtractorLayer, from_extractor_with_state};
use async_trait::async_trait;
use chrono::Utc;
use http::Method;
use http::header::ORIGIN;
use http::request::Parts;

use crate::claims::SessionClaims;
use crate::config::{AuthConfig, ConfigError};
use crate::credentials::CredentialKind;
use crate::error::TokenError;
use crate::verifier::{Authenticated, Authenticator};

mod refusal;

pub use refusal::Refusal;

/// Who keeps the state of sessions and users, asked on every request, remembered token or not.
#[async_trait]
pub trait SessionState: Send + Sync {
    /// `Ok` when nothing speaks against the session now; an unknown session or user is for the implementation to judge.
    /// Otherwise why the request is refused. Called with the claims of a valid token only.
    async fn check(&self, claims: &SessionClaims) -> Result<(), Ended>;
}

/// Why a valid token does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The session was ended, removed or revoked: 401.
    Session,
    /// The user was deleted: 401.
    UserDeleted,
    /// The user was banned or deactivated: 403.
    UserInactive,
    /// Nobody knows, since the state cannot be read: 503. Never let through.
    Unknown,
}

/// What an application's sessions are verified with: its state, or a part of it. A clone is a pointer.
#[derive(Clone)]
pub struct Sessions {
    authenticator: Arc<Authenticator>,
    /// The origins that may send requests that change something by cookie.
    origins: Arc<[String]>,
    state: Option<Arc<dyn SessionState>>,
}

impl Sessions {
    /// Verifies as `config` says. The key set is fetched with the first request, and when it is over age; an application
    /// that calls [`crate::KeyRing::refresh_if_due`] in the background spares its users that wait.
    pub fn new(config: &AuthConfig) -> Result<Self, ConfigError> {
        Ok(Self::around(Authenticator::new(config)?, config))
    }

    /// With an authenticator that is there already; `config` is the one that it was made from.
    pub fn around(authenticator: impl Into<Arc<Authenticator>>, config: &AuthConfig) -> Self {
        Self {
            authenticator: authenticator.into(),
            origins: config.authorized_parties.as_slice().into(),
            state: None,
        }
    }

    /// Asks `state` on every request.
    #[must_use]
    pub fn checked_by(mut self, state: Arc<dyn SessionState>) -> Self {
        self.state = Some(state);
        self
    }

    /// Refuses every request to the routes beneath that has no valid session. For `Router::route_layer`, so that unknown
    /// paths stay 404. Handlers beneath may ask for the [`Session`] as well; it is verified once.
    pub fn layer(&self) -> FromExtractorLayer<Session, Self> {
        from_extractor_with_state(self.clone())
    }

    /// The authenticator, for background refreshes and metrics.
    pub fn authenticator(&self) -> &Authenticator {
        &self.authenticator
    }

    async fn session(&self, parts: &mut Parts) -> Result<Session, Refusal> {
        // Left by the layer. Nothing from outside can put a value of this type there.
        if let Some(session) = parts.extensions.get::<Session>() {
            return Ok(session.clone());
        }
        let Authenticated { claims, credential } = self
            .authenticator
            .authenticate(&parts.headers, Utc::now())
            .await?;
        if credential == CredentialKind::Cookie && !self.is_own_request(parts) {
            return Err(Refusal::ForeignOrigin);
        }
        if let Some(state) = &self.state {
            state.check(&claims).await?;
        }
        let session = Session { claims, credential };
        parts.extensions.insert(session.clone());
        Ok(session)
    }

    /// Browsers attach cookies to requests that other sites start, but say on whose behalf. What changes nothing may come
    /// from anywhere; the answer to it is not for the other site to read.
    fn is_own_request(&self, parts: &Parts) -> bool {
        if [Method::GET, Method::HEAD, Method::OPTIONS].contains(&parts.method) {
            return true;
        }
        let mut origins = parts.headers.get_all(ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (Some(origin), None) => self.origins.iter().any(|own| own.as_bytes() == origin),
            _ => false,
        }
    }
}

/// A verified session, as an argument of a handler.
#[derive(Debug, Clone)]
pub struct Session {
    /// What the token says.
    pub claims: Arc<SessionClaims>,
    /// How the token came.
    pub credential: CredentialKind,
}

impl Deref for Session {
    type Target = SessionClaims;

    fn deref(&self) -> &SessionClaims {
        &self.claims
    }
}

impl<S> FromRequestParts<S> for Session
where
    S: Send + Sync,
    Sessions: FromRef<S>,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        Sessions::from_ref(state).session(parts).await
    }
}

impl<S> OptionalFromRequestParts<S> for Session
where
    S: Send + Sync,
    Sessions: FromRef<S>,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Refusal> {
        match Sessions::from_ref(state).session(parts).await {
            Ok(session) => Ok(Some(session)),
            Err(Refusal::Token(TokenError::Missing)) => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }
}
