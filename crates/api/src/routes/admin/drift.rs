//! How far the mirror is from Clerk.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::AdminCaller;
use super::reconcile::SweepShown;
use crate::app::App;
use crate::problem::{Problem, ProblemBody};

/// What the last sweep found; nulls while there was none.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Drift {
    /// When it ended.
    last_sweep_at: Option<DateTime<Utc>>,
    /// Rows that it left out of step: must be 0.
    drift: Option<u64>,
    /// Whether it did less than it was asked to.
    stopped: Option<bool>,
    /// The newest change that Clerk showed.
    clerk_moved_at: Option<DateTime<Utc>>,
    /// What was found, by kind.
    #[schema(value_type = Option<Object>, example = json!({"users": {"missing": 0, "extra": 0, "stale": 0, "differs": 0, "fields": {}}}))]
    kinds: Option<Value>,
    /// Rows that it put right.
    #[schema(value_type = Option<u64>)]
    repaired: Option<Value>,
    /// Where too many rows were absent at Clerk to believe it.
    #[schema(value_type = Option<Object>)]
    brake: Option<Value>,
    /// Listings that could not be read to their end, and why.
    #[schema(value_type = Option<Vec<Object>>)]
    failures: Option<Value>,
    /// The sweep that somebody has asked for, while one is.
    sweep: SweepShown,
}

/// What the last scheduled sweep of any replica found: the report of `clerk-sync reconcile --json`.
#[utoipa::path(
    get, path = "/admin/drift", tag = "admin", security(("session" = [])),
    responses(
        (status = 200, description = "The last sweep", body = Drift),
        (status = 401, description = "No valid session", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`role_required`, `user_inactive`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`store_unavailable`, `keys_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn drift(
    _admin: AdminCaller,
    State(app): State<App>,
) -> Result<Json<Drift>, Problem> {
    let last = app.sync_status.last();
    let report = last.as_ref().and_then(|sweep| sweep.report.as_object());
    let part = |name: &str| report.and_then(|report: &Map<String, Value>| report.get(name));
    Ok(Json(Drift {
        last_sweep_at: last.as_ref().map(|sweep| sweep.ended_at),
        drift: last.as_ref().map(|sweep| sweep.drift),
        stopped: last.as_ref().map(|sweep| sweep.stopped),
        clerk_moved_at: last.as_ref().and_then(|sweep| sweep.clerk_moved_at),
        kinds: part("kinds").cloned(),
        repaired: part("repaired").cloned(),
        brake: part("brake").cloned().filter(|brake| !brake.is_null()),
        failures: part("failures").cloned(),
        sweep: app.sweeps.asked().await?.into(),
    }))
}
