//! The bridge for tokens of the login that Clerk replaced: whose they are, until when they count, how many still come,
//! and the headers that tell clients to move on.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use auth::Credential;
use auth::legacy::{LegacyClaims, LegacyVerifier};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::{Caller, ExternalIds, ExternalUser};
use http::{Extensions, HeaderName, HeaderValue};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::problem::{Kind, Problem};

const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// Accepts legacy tokens until a day.
pub struct LegacyBridge {
    verifier: LegacyVerifier,
    users: Arc<dyn ExternalIds>,
    sunset: DateTime<Utc>,
    accepted: AtomicU64,
    refused: AtomicU64,
    /// Seconds since 1970; 0 for never.
    last_accepted: AtomicI64,
}

/// How much the bridge is still needed: it can be switched off when nothing is accepted any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct LegacyUse {
    /// Requests that were let in by a legacy token, by this process, since its start.
    pub accepted: u64,
    /// Requests with a legacy token that were not.
    pub refused: u64,
    /// When one was let in last.
    pub last_accepted_at: Option<DateTime<Utc>>,
    /// From then on none is.
    pub sunset: DateTime<Utc>,
}

/// A note from the extractor to the layer: this request came with a legacy token, deprecated since then.
#[derive(Clone, Default)]
struct Note(Arc<OnceLock<DateTime<Utc>>>);

impl LegacyBridge {
    /// Users are found by the team's own ids; from `sunset` on nothing is accepted.
    #[must_use]
    pub fn new(
        verifier: LegacyVerifier,
        users: Arc<dyn ExternalIds>,
        sunset: DateTime<Utc>,
    ) -> Self {
        Self {
            verifier,
            users,
            sunset,
            accepted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            last_accepted: AtomicI64::new(0),
        }
    }

    /// How much it was used.
    #[must_use]
    pub fn uses(&self) -> LegacyUse {
        let last = self.last_accepted.load(Ordering::Relaxed);
        LegacyUse {
            accepted: self.accepted.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            last_accepted_at: DateTime::from_timestamp(last, 0).filter(|_| last > 0),
            sunset: self.sunset,
        }
    }

    /// What a token says that is meant for the bridge; `None` when it is not, and is for Clerk's verifier alone.
    pub(crate) fn claims(
        &self,
        credential: Credential<'_>,
        extensions: &Extensions,
        now: DateTime<Utc>,
    ) -> Option<Result<LegacyClaims, Problem>> {
        let verdict = self.verifier.authenticate(credential, now)?;
        let claims = match verdict {
            Ok(claims) => claims,
            Err(error) => return Some(Err(error.into())),
        };
        if let Some(Note(note)) = extensions.get() {
            let since = claims.issued_at.map_or(now, |issued_at| issued_at.min(now));
            // Set once a request.
            let _ = note.set(since);
        }
        Some(if now < self.sunset {
            Ok(claims)
        } else {
            Err(Problem::of(Kind::LegacyTokenRetired))
        })
    }

    /// The user whom a subject names. Nobody is ever made.
    pub(crate) async fn caller(&self, subject: &str) -> Result<Caller, Problem> {
        match self.users.user_of(subject).await? {
            ExternalUser::Known(user, portfolios) => Ok(Caller {
                user: Arc::from(user),
                session_status: None,
                usage: None,
                portfolios,
            }),
            ExternalUser::Unknown => Err(Problem::with_detail(
                Kind::UserUnknown,
                "no user here has the token's subject as external_id",
            )),
            ExternalUser::Ambiguous => {
                tracing::warn!(target: "security", "several users have one external_id: none of them is let in");
                Err(Problem::with_detail(
                    Kind::UserUnknown,
                    "several users have the token's subject as external_id",
                ))
            }
        }
    }

    /// When it stops.
    pub(crate) fn sunset(&self) -> DateTime<Utc> {
        self.sunset
    }

    /// Counts a request. One that failed by a fault of ours says nothing about the bridge.
    pub(crate) fn count(&self, verdict: Result<(), Kind>, now: DateTime<Utc>) {
        match verdict {
            Ok(()) => {
                self.accepted.fetch_add(1, Ordering::Relaxed);
                self.last_accepted
                    .fetch_max(now.timestamp(), Ordering::Relaxed);
            }
            Err(kind) if !kind.status().is_server_error() => {
                self.refused.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) => {}
        }
    }
}

/// The middleware: answers to requests with a legacy token say when that was deprecated (RFC 9745) and when it ends
/// (RFC 8594).
pub(crate) async fn announce(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let Some(bridge) = &app.legacy else {
        return next.run(request).await;
    };
    let note = Note::default();
    request.extensions_mut().insert(note.clone());
    let mut response = next.run(request).await;
    if let Some(since) = note.0.get() {
        let headers = response.headers_mut();
        let deprecated = format!("@{}", since.timestamp());
        let sunset = bridge
            .sunset
            .format("%a, %d %b %Y %H:%M:%S GMT")
            .to_string();
        for (name, value) in [(DEPRECATION, deprecated), (SUNSET, sunset)] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
    }
    response
}
