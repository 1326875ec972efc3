//! The caller: an extractor that is the authentication, so that a handler cannot forget it.

use auth::{CredentialKind, SessionClaims, TokenError};
use axum::extract::FromRequestParts;
use chrono::{DateTime, Utc};
use domain::{Caller, ClerkId, Entitlements, ThinUser, User};
use http::request::Parts;
use serde_json::Value;

use crate::app::App;
use crate::problem::{Kind, Problem};

/// The version of a row of which Clerk has said nothing.
const NOTHING_KNOWN: i64 = 0;

/// The user behind a verified session token, active and with a session that is not over.
#[derive(Debug, Clone)]
pub struct CurrentUser {
    /// The local row.
    pub user: User,
    /// Role, tier and limits in force.
    pub entitlements: Entitlements,
    /// What the token says.
    pub claims: SessionClaims,
    /// Whether the token came by header or cookie.
    pub credential: CredentialKind,
}

impl FromRequestParts<App> for CurrentUser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let now = Utc::now();
        let session = app.authenticator.authenticate(&parts.headers, now).await.inspect_err(|error| {
            tracing::info!(target: "security", code = error.code(), reason = %error, "token refused");
        })?;
        let Caller {
            user,
            session_status,
        } = local(app, &session.claims, now).await?;
        if user.deleted_at.is_some() {
            return Err(TokenError::UserDeleted.into());
        }
        if session_status.is_some_and(|status| status.is_terminal()) {
            return Err(TokenError::SessionRevoked.into());
        }
        if !user.is_active {
            return Err(Problem::of(Kind::UserInactive));
        }
        let entitlements = app.policy.entitlements(&user, now);
        Ok(Self {
            user,
            entitlements,
            claims: session.claims,
            credential: session.credential,
        })
    }
}

/// The caller's row, made now if this is the user's first request and no webhook has come yet.
async fn local(app: &App, claims: &SessionClaims, now: DateTime<Utc>) -> Result<Caller, Problem> {
    let user_id = id(&claims.user_id)?;
    let session_id = id(&claims.session_id)?;
    if let Some(caller) = app.users.caller(&user_id, &session_id).await? {
        return Ok(caller);
    }
    if !app.settings.jit_provisioning {
        return Err(Problem::with_detail(
            Kind::UserNotFound,
            "no webhook has told of this user yet",
        ));
    }
    let user = app
        .users
        .provision(thin(user_id.clone(), claims, now))
        .await?;
    // The session may have been told of before its user.
    let known = app.users.caller(&user_id, &session_id).await?;
    let caller = known.unwrap_or(Caller {
        user,
        session_status: None,
    });
    if caller.user.version == NOTHING_KNOWN && caller.user.deleted_at.is_none() {
        app.enrichment.wanted(&user_id);
    }
    Ok(caller)
}

fn id(text: &str) -> Result<ClerkId, Problem> {
    ClerkId::parse(text)
        .map_err(|error| Problem::with_detail(Kind::ClaimsInvalid, error.to_string()))
}

/// What the token says of the user besides his id: custom claims under the names that Clerk's and OpenID Connect's
/// claims use. It is replaced by whatever Clerk says later.
fn thin(clerk_user_id: ClerkId, claims: &SessionClaims, now: DateTime<Utc>) -> ThinUser {
    let text = |names: &[&str], limit: usize| {
        names
            .iter()
            .filter_map(|name| claims.custom.get(name).and_then(Value::as_str))
            .find(|text| {
                !text.is_empty() && text.len() <= limit && !text.chars().any(char::is_control)
            })
            .map(str::to_owned)
    };
    ThinUser {
        clerk_user_id,
        email: text(&["email", "email_address", "primary_email_address"], 320)
            .filter(|email| email.contains('@')),
        first_name: text(&["first_name", "given_name"], 255),
        last_name: text(&["last_name", "family_name"], 255),
        image_url: text(&["image_url", "picture"], 2048),
        seen_at: now,
    }
}
