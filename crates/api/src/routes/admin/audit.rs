//! The audit log.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::{AuditAction, AuditEntry, AuditFilter, AuditSubject, List};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{AdminCaller, PageOf, Parameters, parameters};
use crate::app::App;
use crate::problem::{Problem, ProblemBody};

/// Which lines, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// Rows on a page: 50 unless said, 200 at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// By this actor or impersonator: Clerk's id, `clerk` or `system`.
    actor: Option<String>,
    /// This action.
    #[param(example = "user.role_set")]
    action: Option<String>,
    /// To something of this kind: `user`, `session`, `invite`, `delivery`.
    subject_kind: Option<String>,
    /// To what has this id.
    subject_id: Option<String>,
    /// At or after this time.
    #[param(value_type = Option<DateTime<Utc>>)]
    since: Option<String>,
    /// Before this time.
    #[param(value_type = Option<DateTime<Utc>>)]
    until: Option<String>,
}

/// A line of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Line {
    id: Uuid,
    at: DateTime<Utc>,
    /// A Clerk id, `clerk` or `system`.
    actor: String,
    /// Who acted as the actor.
    impersonator: Option<String>,
    #[schema(example = "user.role_set")]
    action: String,
    subject: Option<Subject>,
    /// What was changed, as it was.
    #[schema(value_type = Option<Object>, example = json!({"role": "solo", "override": null, "source": "default"}))]
    before: Option<Value>,
    /// What was changed, as it became.
    #[schema(value_type = Option<Object>, example = json!({"role": "growth", "override": "growth", "source": "override"}))]
    after: Option<Value>,
    /// The actor's own words.
    reason: Option<String>,
    /// The request that it came with.
    request_id: Option<String>,
}

/// What something was done to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Subject {
    #[schema(example = "user")]
    kind: String,
    /// Clerk's id where it has one.
    #[schema(example = "user_2g7np7Hrk0SN6kj5EDMLDaKNL0S")]
    id: String,
}

impl From<AuditEntry> for Line {
    fn from(entry: AuditEntry) -> Self {
        let AuditEntry {
            id,
            at,
            actor,
            impersonator,
            action,
            subject,
            before,
            after,
            reason,
            request_id,
        } = entry;
        Self {
            id,
            at,
            actor,
            impersonator,
            action,
            subject: subject.map(|AuditSubject { kind, id }| Subject { kind, id }),
            before,
            after,
            reason,
            request_id,
        }
    }
}

/// What was done, by whom, when and why; the latest first.
#[utoipa::path(
    get, path = "/admin/audit", tag = "admin", params(AuditQuery), security(("session" = [])),
    responses(
        (status = 200, description = "A page", body = PageOf<Line>),
        (status = 400, description = "`parameter_invalid`, naming the parameter", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid session", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`role_required`, `user_inactive`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`store_unavailable`, `keys_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    _admin: AdminCaller,
    State(app): State<App>,
    Parameters(query): Parameters<AuditQuery>,
) -> Result<Json<PageOf<Line>>, Problem> {
    let AuditQuery {
        limit,
        cursor,
        actor,
        action,
        subject_kind,
        subject_id,
        since,
        until,
    } = query;
    let actions = AuditAction::ALL.iter().map(|known| (known.as_str(), known));
    let action = parameters::one_of("action", action, actions)?;
    let filter = AuditFilter {
        actor: parameters::text("actor", actor)?,
        action: action.map(|action| action.as_str().to_owned()),
        subject_kind: parameters::text("subject_kind", subject_kind)?,
        subject_id: parameters::text("subject_id", subject_id)?,
        since: parameters::time("since", since)?,
        until: parameters::time("until", until)?,
    };
    let page = parameters::page(List::Audit, limit, cursor)?;
    let found = app.audit.entries(filter, page).await?;
    Ok(Json(PageOf::showing(found, Line::from)))
}
