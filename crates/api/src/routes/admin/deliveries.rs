//! The ledger: what Clerk sent, what became of it, and how to apply it again.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::{DeliveryFilter, DeliveryListFilter, DeliveryRecord, List, Outcome};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use webhooks::Arrival;

use super::{AdminCaller, Id, Input, PageOf, Parameters, parameters};
use crate::app::App;
use crate::input::Reason;
use crate::problem::{Kind, Problem, ProblemBody};

/// Which deliveries, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeliveryQuery {
    /// Rows on a page: 50 unless said, 200 at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// `applied`, `stale`, `ignored`, `quarantined` or `rejected`.
    #[param(example = "quarantined")]
    outcome: Option<String>,
    /// Of this type of event.
    #[param(example = "user.updated")]
    event_type: Option<String>,
    /// About the object with this id at Clerk.
    object_id: Option<String>,
}

/// A line of the ledger.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryShown {
    /// Ours.
    id: Uuid,
    /// The sender's id of the message; null on rejected ones, which proved none.
    #[schema(example = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk")]
    svix_id: Option<String>,
    #[schema(example = "user.updated")]
    event_type: String,
    object_id: Option<String>,
    #[schema(example = "quarantined")]
    outcome: &'static str,
    /// Why.
    reason: Option<String>,
    /// How often it came.
    attempts: i32,
    received_at: DateTime<Utc>,
}

impl From<DeliveryRecord> for DeliveryShown {
    fn from(record: DeliveryRecord) -> Self {
        let DeliveryRecord {
            id,
            svix_id,
            event_type,
            object_id,
            outcome,
            reason,
            attempts,
            received_at,
        } = record;
        Self {
            id,
            svix_id,
            event_type,
            object_id,
            outcome: outcome.as_str(),
            reason,
            attempts,
            received_at,
        }
    }
}

/// What became of a replay.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Replayed {
    #[schema(example = "applied")]
    outcome: &'static str,
    /// Why, where the outcome alone does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Deliveries, the latest first; rejected ones too.
#[utoipa::path(
    get, path = "/admin/deliveries", tag = "admin", params(DeliveryQuery), security(("session" = [])),
    responses(
        (status = 200, description = "A page", body = PageOf<DeliveryShown>),
        (status = 400, description = "`parameter_invalid`, naming the parameter", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid session", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`role_required`, `user_inactive`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`store_unavailable`, `keys_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    _admin: AdminCaller,
    State(app): State<App>,
    Parameters(query): Parameters<DeliveryQuery>,
) -> Result<Json<PageOf<DeliveryShown>>, Problem> {
    let DeliveryQuery {
        limit,
        cursor,
        outcome,
        event_type,
        object_id,
    } = query;
    let outcomes = Outcome::ALL.iter().map(|known| (known.as_str(), *known));
    let filter = DeliveryListFilter {
        outcome: parameters::one_of("outcome", outcome, outcomes)?,
        event_type: parameters::text("event_type", event_type)?,
        object_id: parameters::text("object_id", object_id)?,
    };
    let page = parameters::page(List::Deliveries, limit, cursor)?;
    let found = app.overview.deliveries(filter, page).await?;
    Ok(Json(PageOf::showing(found, DeliveryShown::from)))
}

/// Applies a stored delivery again, under the same guards as the first time.
///
/// What this version of the service understands better takes effect; what the rows know better stays.
#[utoipa::path(
    post, path = "/admin/deliveries/{id}/replay", tag = "admin", security(("session" = [])),
    params(("id" = String, Path, description = "The ledger's id, or the sender's (`msg_…`)", example = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk")),
    request_body(content = Reason, content_type = "application/json"),
    responses(
        (status = 200, description = "What became of it", body = Replayed),
        (status = 400, description = "`body_invalid`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid session", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`role_required`, `user_inactive`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "`delivery_not_found`; a rejected delivery holds nothing to replay", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`store_unavailable`, `keys_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn replay(
    admin: AdminCaller,
    State(app): State<App>,
    Id(id): Id,
    Input(reason): Input<Reason>,
) -> Result<Json<Replayed>, Problem> {
    let reason = reason.checked()?;
    let filter = DeliveryFilter {
        id: Some(id),
        ..DeliveryFilter::default()
    };
    let stored = app.deliveries.stored(&filter, None, 1).await?.pop();
    let stored = stored.ok_or_else(|| {
        Problem::with_detail(Kind::DeliveryNotFound, "nothing that is stored has this id")
    })?;
    let line = stored.record.id;
    // Rejected lines, which alone have no message id, are never among the stored.
    let message_id = stored.record.svix_id.unwrap_or_default();
    let arrival = Arrival::new(message_id.as_bytes(), stored.record.received_at);
    let delivery = app.receiver.read_again(arrival, stored.payload);
    let by = admin.signs(reason);
    let receipt = app.administration.replay(line, delivery, by).await?;
    Ok(Json(Replayed {
        outcome: receipt.outcome.as_str(),
        reason: receipt.reason,
    }))
}
