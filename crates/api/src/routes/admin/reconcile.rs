//! Asking for a sweep.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::AskedSweep;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::{AdminCaller, Input};
use crate::app::App;
use crate::input::Reason;
use crate::problem::{Kind, Problem, ProblemBody};

/// A sweep that was asked for: nulls while nobody waits for one.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SweepShown {
    /// When it was asked for.
    asked_at: Option<DateTime<Utc>>,
    /// When it began.
    began_at: Option<DateTime<Utc>>,
    /// What is being read from Clerk.
    #[schema(example = "users")]
    listing: Option<String>,
    /// Objects of it that have been read.
    done: u64,
    /// Objects of it that Clerk counted.
    total: Option<u64>,
}

impl From<AskedSweep> for SweepShown {
    fn from(sweep: AskedSweep) -> Self {
        let AskedSweep {
            asked_at,
            began_at,
            listing,
            done,
            total,
        } = sweep;
        Self {
            asked_at,
            began_at,
            listing,
            done,
            total,
        }
    }
}

/// Asks for a whole sweep that holds the mirror against Clerk and puts it right.
///
/// The replica that does background work begins within seconds; `GET /admin/drift` shows how far it has come, and its
/// report afterwards. Whoever asks while one is asked for already gets the same one.
#[utoipa::path(
    post, path = "/admin/drift/reconcile", tag = "admin", security(("session" = [])),
    request_body(content = Reason, content_type = "application/json"),
    responses(
        (status = 202, description = "It will be done", body = SweepShown),
        (status = 400, description = "`body_invalid`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid session", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`role_required`, `user_inactive`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`clerk_not_configured`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`store_unavailable`, `keys_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn ask(
    admin: AdminCaller,
    State(app): State<App>,
    Input(reason): Input<Reason>,
) -> Result<(StatusCode, Json<SweepShown>), Problem> {
    let by = admin.signs(reason.checked()?);
    if app.directory.is_none() {
        return Err(Problem::of(Kind::ClerkNotConfigured));
    }
    let asked = app.sweeps.ask(by).await?;
    Ok((StatusCode::ACCEPTED, Json(asked.into())))
}
