//! The caller's own changes, as they happen.

use std::collections::VecDeque;
use std::convert::Infallible;

use axum::extract::State;
use axum::response::Response;
use axum::response::sse::Event;
use chrono::{DateTime, Utc};
use domain::{ObjectKind, User};
use futures_util::Stream;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::current_user::CurrentUser;
use crate::problem::{Problem, ProblemBody};
use crate::streams::{End, News, StreamCaller, Tenure, answer, named};

/// The caller as he is now: the data of the event `user`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MyRecord {
    /// Ours.
    id: Uuid,
    /// Clerk's.
    #[schema(example = "user_2g7np7Hrk0SN6kj5EDMLDaKNL0S")]
    clerk_user_id: String,
    email: Option<String>,
    email_verified: bool,
    first_name: Option<String>,
    last_name: Option<String>,
    full_name: Option<String>,
    image_url: Option<String>,
    #[schema(example = "solo")]
    role: String,
    #[schema(example = "free")]
    tier: String,
    updated_at: DateTime<Utc>,
}

/// One of the caller's sessions: the data of the event `session`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MySession {
    #[schema(example = "sess_2g7np7Hrk0SN6kj5EDMLDaKNL0S")]
    session_id: String,
    /// As last told.
    #[schema(example = "ended")]
    status: String,
    /// Whether this stream belongs to it.
    current: bool,
}

/// Why the stream ends: the data of the event `end`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StreamEnd {
    /// `session_revoked`, `user_deleted`, `user_inactive`, `service_stopping`, `stream_expired`, …
    #[schema(example = "session_revoked")]
    code: &'static str,
}

/// The caller's own changes as they happen: role, tier, profile and sessions.
///
/// The stream begins with an event `user` that holds the caller as he is now, so that nothing has to be made up for
/// after a break: another `user` follows each change, and a `session` each change of one of his sessions. It ends with
/// an event `end` whose code says why: within a second of the end of the session, of the user's deletion, ban or
/// deactivation, when the service stops, and after an hour. It outlives the token that opened it. A user may have 20
/// streams open at one time.
#[utoipa::path(
    get, path = "/me/events", tag = "auth", security(("session" = []), ("ticket" = [])),
    responses(
        (status = 200, description = "Events `user` (`MyRecord`), `session` (`MySession`) and `end` (`StreamEnd`)", body = serde_json::Value, content_type = "text/event-stream",
            example = "event: user\ndata: {\"clerk_user_id\":\"user_2g7np7Hrk0SN6kj5EDMLDaKNL0S\",\"role\":\"solo\",\"tier\":\"free\"}\n\nevent: end\ndata: {\"code\":\"session_revoked\"}\n\n"),
        (status = 401, description = "No valid session: the code says why; `ticket_invalid` for a ticket that was used or has expired", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`user_inactive`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "`user_not_found`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_streams`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`keys_unavailable`, `store_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn my_events(
    StreamCaller(caller): StreamCaller,
    State(app): State<App>,
) -> Result<Response, Problem> {
    let (tenure, caller) = Tenure::begin(&app, caller, |_, _| Ok(())).await?;
    let first = VecDeque::from([record(&caller)]);
    Ok(answer(follow(app, tenure, first)))
}

fn follow(
    app: App,
    tenure: Tenure,
    first: VecDeque<Event>,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let start = (app, Some(tenure), first);
    futures_util::stream::unfold(start, |(app, mut tenure, mut waiting)| async move {
        loop {
            if let Some(event) = waiting.pop_front() {
                return Some((Ok(event), (app, tenure, waiting)));
            }
            match tenure.as_mut()?.next().await {
                News::Over(End(code)) => {
                    tenure = None;
                    waiting.push_back(named("end", &StreamEnd { code }));
                }
                News::Changed { caller, heard } => {
                    let mut is_changed = heard.missed;
                    for mark in &heard.marks {
                        if mark.kind == Some(ObjectKind::Session.into()) {
                            // One that names no user may be another's.
                            if mark.clerk_user_id.is_some() {
                                waiting.extend(session(&app, &caller, &mark.clerk_id).await);
                            }
                        } else {
                            is_changed = true;
                        }
                    }
                    if is_changed {
                        waiting.push_back(record(&caller));
                    }
                }
            }
        }
    })
}

/// The state of a session of the caller's; none when it cannot be read now.
async fn session(app: &App, caller: &CurrentUser, session_id: &str) -> Option<Event> {
    let user_id = caller.user.clerk_user_id.as_str();
    let known = app.users.caller(user_id, session_id).await.ok()??;
    let session = MySession {
        session_id: session_id.to_owned(),
        status: known.session_status?.as_str().to_owned(),
        current: caller.proof.session_id() == Some(session_id),
    };
    Some(named("session", &session))
}

fn record(caller: &CurrentUser) -> Event {
    let User {
        id,
        clerk_user_id,
        email,
        email_verified,
        first_name,
        last_name,
        full_name,
        image_url,
        updated_at,
        ..
    } = &*caller.user;
    let record = MyRecord {
        id: *id,
        clerk_user_id: clerk_user_id.as_str().to_owned(),
        email: email.clone(),
        email_verified: *email_verified,
        first_name: first_name.clone(),
        last_name: last_name.clone(),
        full_name: full_name.clone(),
        image_url: image_url.clone(),
        role: caller.entitlements.role.to_string(),
        tier: caller.entitlements.tier.to_string(),
        updated_at: *updated_at,
    };
    named("user", &record)
}
