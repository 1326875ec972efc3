//! The caller's own addresses and sessions.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::{ClerkId, List, PageQuery, Session, SessionFilter, SessionStatus, UserKey, WriteBack};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::current_user::CurrentUser;
use crate::parameters::Id;
use crate::problem::{Kind, Problem, ProblemBody};
use crate::request_id::RequestId;

/// The caller's addresses.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MyEmails {
    items: Vec<MyEmail>,
}

/// One of the caller's addresses.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MyEmail {
    /// Clerk's id of it, where Clerk gives one.
    clerk_email_address_id: Option<String>,
    #[schema(example = "ann@example.com")]
    email_address: String,
    verified: bool,
    primary: bool,
}

/// The caller's sessions that are in use.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MySessions {
    /// 200 at most.
    items: Vec<MySession>,
}

/// One of the caller's sessions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MySession {
    #[schema(example = "sess_2g7np7Hrk0SN6kj5EDMLDaKNL0S")]
    clerk_session_id: String,
    /// Whether it is the one of this request.
    is_current: bool,
    /// The address that signed in.
    client_ip: Option<String>,
    user_agent: Option<String>,
    signed_in_at: Option<DateTime<Utc>>,
    last_active_at: Option<DateTime<Utc>>,
    expire_at: Option<DateTime<Utc>>,
}

/// The caller's addresses, the primary one marked.
#[utoipa::path(
    get, path = "/me/emails", tag = "auth", security(("session" = [])),
    responses(
        (status = 200, description = "The addresses", body = MyEmails),
        (status = 401, description = "No valid session: the code says why", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`user_inactive`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`keys_unavailable`, `store_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn emails(
    caller: CurrentUser,
    State(app): State<App>,
) -> Result<Json<MyEmails>, Problem> {
    let key = UserKey::from(caller.user.id);
    let whole = app.overview.user_overview(&key, Utc::now()).await?;
    let emails = whole.map(|whole| whole.emails).unwrap_or_default();
    let items = emails.into_iter().map(|email| MyEmail {
        clerk_email_address_id: email.clerk_email_address_id.map(ClerkId::into_string),
        email_address: email.email_address,
        verified: email.verified,
        primary: email.primary,
    });
    Ok(Json(MyEmails {
        items: items.collect(),
    }))
}

/// The caller's sessions that are in use, this one marked.
#[utoipa::path(
    get, path = "/me/sessions", tag = "auth", security(("session" = [])),
    responses(
        (status = 200, description = "The sessions", body = MySessions),
        (status = 401, description = "No valid session: the code says why", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`user_inactive`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`keys_unavailable`, `store_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn sessions(
    caller: CurrentUser,
    State(app): State<App>,
) -> Result<Json<MySessions>, Problem> {
    let sessions = sessions_of(&app, &caller, Utc::now()).await?;
    let current = caller.proof.session_id();
    let items = sessions.into_iter().map(|session| MySession {
        is_current: current == Some(session.clerk_session_id.as_str()),
        clerk_session_id: session.clerk_session_id.into_string(),
        client_ip: session.client_ip,
        user_agent: session.user_agent,
        signed_in_at: session.signed_in_at,
        last_active_at: session.last_active_at,
        expire_at: session.expire_at,
    });
    Ok(Json(MySessions {
        items: items.collect(),
    }))
}

/// A caller's sessions that are in use, the latest first.
///
/// # Errors
/// When the store cannot be read.
pub async fn sessions_of(
    app: &App,
    caller: &CurrentUser,
    now: DateTime<Utc>,
) -> Result<Vec<Session>, Problem> {
    let filter = SessionFilter {
        clerk_user_id: Some(caller.user.clerk_user_id.to_string()),
        status: Some((SessionStatus::Active, now)),
    };
    let page = PageQuery::new(List::Sessions, Some(PageQuery::<ClerkId>::MAX_LIMIT), None);
    let page = page.map_err(|_| Problem::of(Kind::Internal))?;
    let mut sessions = app.overview.sessions(filter, page).await?.items;
    sessions.sort_by_key(|session| std::cmp::Reverse(session.signed_in_at));
    Ok(sessions)
}

/// Ends one of the caller's sessions.
///
/// Here at once: its very next request is refused. At Clerk in the background, where a secret key is set. The current one
/// may be ended too, which is the same as signing out.
#[utoipa::path(
    delete, path = "/me/sessions/{id}", tag = "auth", security(("session" = [])),
    params(("id" = String, Path, description = "Clerk's id", example = "sess_2g7np7Hrk0SN6kj5EDMLDaKNL0S")),
    responses(
        (status = 204, description = "The session is over"),
        (status = 401, description = "No valid session: the code says why", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`user_inactive`, `origin_not_allowed`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "`resource_not_found`: no session of the caller's has this id", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`keys_unavailable`, `store_unavailable`: the session goes on", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn end_session(
    caller: CurrentUser,
    State(app): State<App>,
    Id(id): Id,
    request: RequestId,
) -> Result<StatusCode, Problem> {
    let unknown = || Problem::of(Kind::ResourceNotFound);
    let known = sessions_of(&app, &caller, Utc::now()).await?;
    let session = known
        .into_iter()
        .find(|session| session.clerk_session_id.as_str() == id);
    // What nothing has told of is not made up: it may be another's.
    let session_id = session.ok_or_else(unknown)?.clerk_session_id;
    let by = caller.attribution(Some(&request), None, Utc::now());
    let of_user = Some(caller.user.clerk_user_id.clone());
    let ended = app
        .administration
        .revoke_session(&session_id, of_user, by)
        .await?;
    ended.ok_or_else(unknown)?;
    app.write_backs.wanted(WriteBack::EndOfSession {
        clerk_session_id: session_id,
    });
    Ok(StatusCode::NO_CONTENT)
}
