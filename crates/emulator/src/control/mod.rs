//! The emulator's own API under `/__emu/`, for tests and for people: mint, emit, look, replay, reset, seed.

mod billing;
mod chaos;
mod frontend;
mod settings;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::backend::{ApiError, Query, Written, unknown, wrong_method};
use crate::body::Body;
use crate::guard::refuse_foreign_pages;
use crate::instance::{Caller, Instance, Seed};
use crate::params::invalid;
use crate::refusal::Refusal;
use crate::session::{Session, SessionStatus};
use crate::token::TokenRequest;
use crate::webhook::Delivery;

type Answer<T> = Result<Json<T>, ApiError>;

/// `loopback`: the emulator listens on a loopback address only.
pub(crate) fn router(loopback: bool) -> Router<Arc<Instance>> {
    Router::new()
        .route("/tokens", post(mint))
        .route("/events", post(emit))
        .route("/deliveries", get(deliveries))
        .route("/deliveries/{id}", get(delivery))
        .route("/deliveries/{id}/replay", post(replay))
        .route("/sessions/{id}/end", post(end_session))
        .route("/sessions/{id}/organization", post(activate))
        .route("/invitations/{id}/accept", post(accept))
        .route("/billing/{step}", post(billing::step))
        .route("/settings", get(settings::get))
        .route("/state", get(snapshot))
        .route("/reset", post(reset))
        .route("/seed", post(seed))
        .route("/webhooks", get(webhook).post(set_webhook))
        .route("/webhooks/rotate", post(chaos::rotate))
        .route("/chaos", get(chaos::get).put(chaos::put))
        .route("/frontend", get(frontend::get).put(frontend::put))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(
            loopback,
            refuse_foreign_pages,
        ))
}

async fn mint(
    State(instance): State<Arc<Instance>>,
    Body(request): Body<TokenRequest>,
) -> Answer<Value> {
    Ok(Json(json!({ "jwt": instance.mint(request)? })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EmitRequest {
    #[serde(rename = "type")]
    event_type: String,
    data: Option<Value>,
    object_id: Option<String>,
}

/// Answers `{id}`, the message id under which the delivery can be found.
async fn emit(
    State(instance): State<Arc<Instance>>,
    caller: Caller,
    Body(request): Body<EmitRequest>,
) -> Answer<Value> {
    let EmitRequest {
        event_type,
        data,
        object_id,
    } = request;
    let id = instance.emit_event(&event_type, data, object_id.as_deref(), &caller)?;
    Ok(Json(json!({ "id": id })))
}

/// `{deliveries, total_count, pending}`, in the order of the events; `type`, `object_id` and `status` filter, `limit`
/// (500) keeps the newest.
async fn deliveries(State(instance): State<Arc<Instance>>, query: Query) -> Answer<Value> {
    let limit: usize = match query.one("limit") {
        None => 500,
        Some(text) => text.parse().map_err(|_| invalid("limit", "a number"))?,
    };
    let is_wanted = |delivery: &Delivery| {
        query.one("type").is_none_or(|it| delivery.event_type == it)
            && query
                .one("object_id")
                .is_none_or(|it| delivery.object_id.as_deref() == Some(it))
            && query
                .one("status")
                .is_none_or(|it| json!(delivery.status) == it)
    };
    let all: Vec<Delivery> = instance
        .deliveries()
        .into_iter()
        .filter(is_wanted)
        .collect();
    let newest: Vec<&Delivery> = all.iter().skip(all.len().saturating_sub(limit)).collect();
    Ok(Json(
        json!({ "deliveries": newest, "total_count": all.len(), "pending": instance.webhooks.pending() }),
    ))
}

async fn delivery(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
) -> Answer<Delivery> {
    let found = instance.delivery(&id).ok_or(Refusal::NotFound {
        kind: "delivery",
        id,
    })?;
    Ok(Json(found))
}

async fn replay(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<Delivery>), ApiError> {
    Ok((StatusCode::ACCEPTED, Json(instance.replay(&id)?)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EndRequest {
    #[serde(default = "ended")]
    status: SessionStatus,
}

fn ended() -> SessionStatus {
    SessionStatus::Ended
}

/// What a sign-out in a browser does, which has no route in the Backend API: `{"status": "ended"}` or `"removed"`.
async fn end_session(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    caller: Caller,
    Body(request): Body<EndRequest>,
) -> Answer<Session> {
    Ok(Json(instance.end_session(&id, request.status, &caller)?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ActivateRequest {
    organization_id: Option<String>,
}

/// What a page does when its user switches: `{"organization_id": "org_…"}`, null for his personal account.
async fn activate(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    Body(request): Body<ActivateRequest>,
) -> Answer<Session> {
    let organization = request.organization_id.as_deref();
    Ok(Json(instance.set_active_organization(&id, organization)?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AcceptRequest {
    user_id: Option<String>,
}

/// Accepts an invitation to sign up (`inv_…`), which makes a user, or one to an organization, as nobody can over the Backend API. Without a `user_id` it is whoever has
/// the address, or a new user. Answers the invitation.
async fn accept(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    caller: Caller,
    Body(request): Body<AcceptRequest>,
) -> Answer<Value> {
    if id.starts_with("inv_") {
        if request.user_id.is_some() {
            return Err(invalid("user_id", "absent: such an invitation makes a new user").into());
        }
        return Ok(Json(instance.accept_sign_up_invitation(&id, &caller)?));
    }
    let user_id = request.user_id.as_deref();
    Ok(Json(instance.accept_invitation(&id, user_id, &caller)?))
}

/// Everything that is remembered, in the order of creation.
async fn snapshot(State(instance): State<Arc<Instance>>) -> Result<Written, ApiError> {
    instance.write_snapshot(|snapshot| Written::of(&snapshot))
}

async fn reset(State(instance): State<Arc<Instance>>) -> StatusCode {
    instance.reset();
    StatusCode::NO_CONTENT
}

/// [`Seed`]'s members, and `{"webhooks": false}` to make them without events, for whoever tests a backfill.
async fn seed(
    State(instance): State<Arc<Instance>>,
    caller: Caller,
    Body(mut request): Body<Map<String, Value>>,
) -> Answer<Value> {
    let quiet = match request.remove("webhooks") {
        None => false,
        Some(Value::Bool(webhooks)) => !webhooks,
        Some(_) => return Err(invalid("webhooks", "true or false").into()),
    };
    let seed: Seed =
        serde_json::from_value(request.into()).map_err(|error| Refusal::BodyInvalid {
            reason: error.to_string(),
        })?;
    // Many users take seconds, which other requests should not wait for.
    let seeding = move || instance.seed(seed, quiet, &caller);
    let made = tokio::task::spawn_blocking(seeding).await.map_err(|_| {
        let reason = "the seeding stopped half-way".to_owned();
        Refusal::BodyInvalid { reason }
    })??;
    Ok(Json(json!({
        "users": made.user_ids.len(),
        "organizations": made.organization_ids.len(),
        "memberships": made.memberships,
        "sessions": made.sessions,
        "user_ids": made.user_ids,
        "organization_ids": made.organization_ids,
    })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookRequest {
    url: Option<String>,
    secret: Option<String>,
}

/// A null or missing `url` stops deliveries; a missing `secret` keeps the one in use.
async fn set_webhook(
    State(instance): State<Arc<Instance>>,
    Body(request): Body<WebhookRequest>,
) -> Answer<Value> {
    instance.set_webhook(request.url.as_deref(), request.secret.as_deref())?;
    Ok(webhook(State(instance)).await)
}

async fn webhook(State(instance): State<Arc<Instance>>) -> Json<Value> {
    let url = instance.webhooks.endpoint().url.map(String::from);
    Json(json!({ "url": url, "secret": instance.webhook_secret() }))
}
