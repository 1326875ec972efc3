//! One user, read anew from Clerk.

use axum::Json;
use axum::extract::State;
use chrono::Utc;
use domain::{DirectoryError, UserKey};

use super::decisions::shown;
use super::shown::AdminUser;
use super::users::{key, unknown};
use super::{AdminCaller, Id, Input};
use crate::app::App;
use crate::input::{Reason, clerk_id};
use crate::problem::{Kind, Problem, ProblemBody};

/// Reads a user from Clerk now, and makes the row so, whatever it knows; but what Clerk tells meanwhile counts.
///
/// With Clerk's id also a user of whom nothing has told. A user whom Clerk does not know is left as he is: sweeps judge
/// absence, behind their brake.
#[utoipa::path(
    post, path = "/admin/users/{id}/resync", tag = "admin", security(("session" = [])),
    params(("id" = String, Path, description = "Our id or Clerk's", example = "user_2g7np7Hrk0SN6kj5EDMLDaKNL0S")),
    request_body(content = Reason, content_type = "application/json"),
    responses(
        (status = 200, description = "The user as he is then", body = AdminUser),
        (status = 400, description = "`body_invalid`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid session", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`role_required`, `user_inactive`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "`user_not_found`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`clerk_not_configured`, `user_absent_at_clerk`, `user_gone`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 502, description = "`clerk_refused`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`clerk_unavailable`, `store_unavailable`, `keys_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn resync(
    admin: AdminCaller,
    State(app): State<App>,
    Id(id): Id,
    Input(reason): Input<Reason>,
) -> Result<Json<AdminUser>, Problem> {
    let reason = reason.checked()?;
    let directory = app.directory.as_ref().ok_or_else(|| {
        Problem::with_detail(Kind::ClerkNotConfigured, "CLERK_SECRET_KEY is not set")
    })?;
    let key = key(&id);
    let known = app.overview.user(&key).await?;
    if known.as_ref().is_some_and(|user| user.deleted_at.is_some()) {
        return Err(Problem::of(Kind::UserGone));
    }
    let seen = known.as_ref().map(|user| user.version);
    let clerk_user_id = match (known, key) {
        (Some(user), _) => user.clerk_user_id,
        (None, UserKey::Clerk(text)) => clerk_id(text, Kind::UserNotFound)?,
        (None, UserKey::Id(_)) => return Err(unknown()),
    };
    let read_at = Utc::now();
    let told = directory.user(&clerk_user_id).await.map_err(trouble)?;
    let told = told.ok_or_else(|| {
        Problem::with_detail(
            Kind::UserAbsentAtClerk,
            "Clerk says that there is no such user",
        )
    })?;
    let decided = app
        .administration
        .resync(told, seen, read_at, admin.signs(reason))
        .await?;
    shown(&app, decided)
}

fn trouble(error: DirectoryError) -> Problem {
    // Clerk's words may say more of the instance than the admin of an application has to know.
    tracing::warn!(%error, "a user cannot be read from Clerk");
    match error {
        DirectoryError::Unavailable(_) => Problem::of(Kind::ClerkUnavailable),
        DirectoryError::Refused(_) | DirectoryError::Unreadable(_) => {
            Problem::of(Kind::ClerkRefused)
        }
    }
}
