//! The right to be forgotten, and the right to know.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{Erasure, ErasureOutcome};
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::decisions::{configured, last_admin};
use super::users::{key, unknown};
use super::{AdminCaller, Id, Input};
use crate::app::App;
use crate::input::Reason;
use crate::problem::{Kind, Problem, ProblemBody};

/// A request to forget a person, which is held back until it is due.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErasureShown {
    id: Uuid,
    /// Who is to be forgotten: our id.
    user_id: Uuid,
    clerk_user_id: String,
    /// Who asked: a Clerk id or `system`.
    requested_by: String,
    requested_at: DateTime<Utc>,
    /// When it is to be done.
    due_at: DateTime<Utc>,
    /// When it was called off.
    cancelled_at: Option<DateTime<Utc>>,
    /// When it was done.
    executed_at: Option<DateTime<Utc>>,
}

impl From<Erasure> for ErasureShown {
    fn from(erasure: Erasure) -> Self {
        let Erasure {
            id,
            user_id,
            clerk_user_id,
            requested_by,
            requested_at,
            due_at,
            cancelled_at,
            executed_at,
        } = erasure;
        Self {
            id,
            user_id,
            clerk_user_id: clerk_user_id.into_string(),
            requested_by,
            requested_at,
            due_at,
            cancelled_at,
            executed_at,
        }
    }
}

/// Asks for a person to be forgotten.
///
/// The account is closed at once. What makes the person goes once `ERASURE_HOLD_DAYS` have passed, for good; until then
/// the request can be called off.
#[utoipa::path(
    post, path = "/admin/users/{id}/erasure", tag = "admin", security(("session" = [])),
    params(("id" = String, Path, description = "Our id or Clerk's", example = "user_2g7np7Hrk0SN6kj5EDMLDaKNL0S")),
    request_body(content = Reason, content_type = "application/json"),
    responses(
        (status = 202, description = "The request", body = ErasureShown),
        (status = 400, description = "`body_invalid`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid session", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`role_required`, `user_inactive`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "`user_not_found`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`erasure_already_requested`, `last_admin`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`store_unavailable`, `keys_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn request(
    admin: AdminCaller,
    State(app): State<App>,
    Id(id): Id,
    Input(reason): Input<Reason>,
) -> Result<(StatusCode, Json<ErasureShown>), Problem> {
    let by = admin.signs(reason.checked()?);
    let due_at = by.at + TimeDelta::days(i64::from(app.settings.erasure_hold_days));
    let admins = configured(&app.policy.current());
    let outcome = app.erasures.request(&key(&id), due_at, by, &admins).await?;
    match outcome {
        ErasureOutcome::Done(erasure) => Ok((StatusCode::ACCEPTED, Json(erasure.into()))),
        ErasureOutcome::Already(erasure) => Err(already(&erasure)),
        ErasureOutcome::Unknown => Err(unknown()),
        ErasureOutcome::LastAdmin => Err(last_admin()),
    }
}

/// Calls an open request off. The account stays closed until somebody reactivates it.
#[utoipa::path(
    delete, path = "/admin/users/{id}/erasure", tag = "admin", security(("session" = [])),
    params(("id" = String, Path, description = "Our id or Clerk's", example = "user_2g7np7Hrk0SN6kj5EDMLDaKNL0S")),
    request_body(content = Reason, content_type = "application/json"),
    responses(
        (status = 200, description = "The request as it is then", body = ErasureShown),
        (status = 400, description = "`body_invalid`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid session", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`role_required`, `user_inactive`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "`erasure_not_found`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`erasure_already_requested`: it is done", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`store_unavailable`, `keys_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn cancel(
    admin: AdminCaller,
    State(app): State<App>,
    Id(id): Id,
    Input(reason): Input<Reason>,
) -> Result<Json<ErasureShown>, Problem> {
    let by = admin.signs(reason.checked()?);
    match app.erasures.cancel(&key(&id), by).await? {
        ErasureOutcome::Done(erasure) => Ok(Json(erasure.into())),
        ErasureOutcome::Already(erasure) => Err(already(&erasure)),
        ErasureOutcome::Unknown => Err(Problem::of(Kind::ErasureNotFound)),
        ErasureOutcome::LastAdmin => Err(last_admin()),
    }
}

fn already(erasure: &Erasure) -> Problem {
    let detail = match erasure.executed_at {
        Some(_) => "the person is forgotten".to_owned(),
        None => format!("requested already, due at {}", erasure.due_at.to_rfc3339()),
    };
    Problem::with_detail(Kind::ErasureAlready, detail)
}

/// Everything that is held about a person, as one JSON object; with a line in the audit log.
#[utoipa::path(
    post, path = "/admin/users/{id}/export", tag = "admin", security(("session" = [])),
    params(("id" = String, Path, description = "Our id or Clerk's", example = "user_2g7np7Hrk0SN6kj5EDMLDaKNL0S")),
    request_body(content = Reason, content_type = "application/json"),
    responses(
        (status = 200, description = "Everything", body = Object),
        (status = 400, description = "`body_invalid`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid session", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`role_required`, `user_inactive`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "`user_not_found`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`store_unavailable`, `keys_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn export(
    admin: AdminCaller,
    State(app): State<App>,
    Id(id): Id,
    Input(reason): Input<Reason>,
) -> Result<Json<Value>, Problem> {
    let by = admin.signs(reason.checked()?);
    let exported = app.erasures.export(&key(&id), by).await?;
    exported.map(Json).ok_or_else(unknown)
}
