//! Sessions: lists of them, and the end of one.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::{List, Session, SessionFilter, SessionStatus, UserKey, WriteBack};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::users::key;
use super::{AdminCaller, Id, Input, PageOf, Parameters, parameters};
use crate::app::App;
use crate::input::{Reason, clerk_id};
use crate::problem::{Kind, Problem, ProblemBody};

/// Which sessions, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SessionQuery {
    /// Rows on a page: 50 unless said, 200 at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Whose: our id or Clerk's.
    #[param(example = "user_2g7np7Hrk0SN6kj5EDMLDaKNL0S")]
    user_id: Option<String>,
    /// The last state told: `active`, `pending`, `ended`, `removed`, `revoked`, `expired`, `abandoned`, `replaced`.
    #[param(example = "active")]
    status: Option<String>,
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionShown {
    #[schema(example = "sess_2g7np7Hrk0SN6kj5EDMLDaKNL0S")]
    clerk_session_id: String,
    clerk_user_id: Option<String>,
    /// The state now: no event tells when a session expires, so the clock does.
    #[schema(example = "active")]
    status: String,
    end_reason: Option<String>,
    ended_at: Option<DateTime<Utc>>,
    last_active_organization_id: Option<String>,
    /// The address that signed in.
    client_ip: Option<String>,
    user_agent: Option<String>,
    signed_in_at: Option<DateTime<Utc>>,
    last_active_at: Option<DateTime<Utc>>,
    expire_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl SessionShown {
    pub(super) fn new(session: Session, now: DateTime<Utc>) -> Self {
        let status = session.status_at(now);
        let Session {
            clerk_session_id,
            clerk_user_id,
            clerk_client_id: _,
            status: _,
            end_reason,
            ended_at,
            last_active_organization_id,
            client_ip,
            user_agent,
            signed_in_at,
            last_active_at,
            expire_at,
            abandon_at: _,
            created_at,
            updated_at,
            version: _,
        } = session;
        Self {
            clerk_session_id: clerk_session_id.into_string(),
            clerk_user_id: clerk_user_id.map(domain::ClerkId::into_string),
            status: status.to_string(),
            end_reason,
            ended_at,
            last_active_organization_id,
            client_ip,
            user_agent,
            signed_in_at,
            last_active_at,
            expire_at,
            created_at,
            updated_at,
        }
    }
}

const STATES: [SessionStatus; 8] = [
    SessionStatus::Active,
    SessionStatus::Pending,
    SessionStatus::Ended,
    SessionStatus::Removed,
    SessionStatus::Revoked,
    SessionStatus::Expired,
    SessionStatus::Abandoned,
    SessionStatus::Replaced,
];

/// Sessions, by Clerk's id downwards.
#[utoipa::path(
    get, path = "/admin/sessions", tag = "admin", params(SessionQuery), security(("session" = [])),
    responses(
        (status = 200, description = "A page", body = PageOf<SessionShown>),
        (status = 400, description = "`parameter_invalid`, naming the parameter", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid session", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`role_required`, `user_inactive`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`store_unavailable`, `keys_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    _admin: AdminCaller,
    State(app): State<App>,
    Parameters(query): Parameters<SessionQuery>,
) -> Result<Json<PageOf<SessionShown>>, Problem> {
    let SessionQuery {
        limit,
        cursor,
        user_id,
        status,
    } = query;
    let states = STATES.iter().map(|state| (state.as_str(), state.clone()));
    let user_id = parameters::text("user_id", user_id)?;
    let now = Utc::now();
    let filter = SessionFilter {
        clerk_user_id: match user_id.as_deref().map(key) {
            None => None,
            Some(UserKey::Clerk(id)) => Some(id),
            Some(ours) => match app.overview.user(&ours).await? {
                Some(user) => Some(user.clerk_user_id.into_string()),
                None => return Ok(Json(PageOf::empty())),
            },
        },
        status: parameters::one_of("status", status, states)?.map(|status| (status, now)),
    };
    let page = parameters::page(List::Sessions, limit, cursor)?;
    let found = app.overview.sessions(filter, page).await?;
    Ok(Json(PageOf::showing(found, |row| {
        SessionShown::new(row, now)
    })))
}

/// Ends a session.
///
/// Here at once: its very next request is refused, also if nothing has told of the session yet. At Clerk in the
/// background, where a secret key is set.
#[utoipa::path(
    post, path = "/admin/sessions/{id}/revoke", tag = "admin", security(("session" = [])),
    params(("id" = String, Path, description = "Clerk's id", example = "sess_2g7np7Hrk0SN6kj5EDMLDaKNL0S")),
    request_body(content = Reason, content_type = "application/json"),
    responses(
        (status = 200, description = "The session as it is then", body = SessionShown),
        (status = 400, description = "`body_invalid`, `parameter_invalid`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid session", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`role_required`, `user_inactive`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`store_unavailable`, `keys_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn revoke(
    admin: AdminCaller,
    State(app): State<App>,
    Id(id): Id,
    Input(reason): Input<Reason>,
) -> Result<Json<SessionShown>, Problem> {
    let id = clerk_id(id, Kind::ParameterInvalid)?;
    let by = admin.signs(reason.checked()?);
    let now = by.at;
    let ended = app.administration.revoke_session(&id, None, by).await?;
    app.write_backs.wanted(WriteBack::EndOfSession {
        clerk_session_id: id,
    });
    // It belongs to somebody else only where somebody was named.
    let session = ended.ok_or_else(|| Problem::of(Kind::Internal))?;
    Ok(Json(SessionShown::new(session, now)))
}
