//! Signing out.

use axum::extract::State;
use chrono::Utc;
use domain::{ClerkId, WriteBack};
use http::StatusCode;

use crate::app::App;
use crate::current_user::CurrentUser;
use crate::problem::{Kind, Problem, ProblemBody};
use crate::request_id::RequestId;

/// Ends the caller's session.
///
/// Here it is over when the answer comes: its tokens are refused from then on, on every replica, although they have not
/// expired. At Clerk it is ended in the background, with some patience; without `CLERK_SECRET_KEY` it goes on there, and
/// Clerk's own `signOut()` has to end it. The user's other sessions go on.
#[utoipa::path(
    post, path = "/auth/logout", tag = "auth", security(("session" = [])),
    responses(
        (status = 204, description = "The session is over"),
        (status = 401, description = "No valid session: the code says why; `session_revoked` for one that is over already", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`user_inactive`; `origin_not_allowed`: sent by cookie, and not from an origin in `CLERK_AUTHORIZED_PARTIES`; `session_required`: a token of a previous login has no session", body = ProblemBody, content_type = "application/problem+json",
            example = json!({"type": "urn:clerk-sync:problem:origin_not_allowed", "title": "Origin not allowed", "status": 403, "code": "origin_not_allowed", "detail": "a request that changes something by cookie has to come from an origin in CLERK_AUTHORIZED_PARTIES", "instance": "0197"})),
        (status = 503, description = "`keys_unavailable`, `store_unavailable`: the session goes on", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn logout(
    caller: CurrentUser,
    State(app): State<App>,
    request: RequestId,
) -> Result<StatusCode, Problem> {
    end_session(&app, &caller, &request).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a caller's session, here at once and at Clerk in the background.
///
/// # Errors
/// When there is no session to end, or the store is away: then it goes on.
pub async fn end_session(
    app: &App,
    caller: &CurrentUser,
    request: &RequestId,
) -> Result<(), Problem> {
    let Some(session_id) = caller.proof.session_id() else {
        return Err(Problem::of(Kind::SessionRequired));
    };
    let session_id = ClerkId::parse(session_id)
        .map_err(|error| Problem::with_detail(Kind::ClaimsInvalid, error.to_string()))?;
    let by = caller.attribution(Some(request), None, Utc::now());
    let of_user = Some(caller.user.clerk_user_id.clone());
    let ended = app
        .administration
        .revoke_session(&session_id, of_user, by)
        .await?;
    if ended.is_none() {
        // A verified token names another's session: Clerk does not issue such.
        tracing::warn!(target: "security", "a session token names another user's session");
        return Err(Problem::of(Kind::SessionRevoked));
    }
    app.write_backs.wanted(WriteBack::EndOfSession {
        clerk_session_id: session_id,
    });
    Ok(())
}
