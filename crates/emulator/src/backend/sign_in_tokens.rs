//! `/v1/sign_in_tokens`, and the cookies that a handshake left for a server to fetch.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::{ApiError, Query};
use crate::body::Body;
use crate::instance::Instance;
use crate::refusal::Refusal;

type Answer = Result<Json<Value>, ApiError>;

pub(super) async fn create(
    State(instance): State<Arc<Instance>>,
    Body(body): Body<Value>,
) -> Answer {
    Ok(Json(instance.create_sign_in_token(body)?))
}

pub(super) async fn revoke(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
) -> Answer {
    Ok(Json(instance.revoke_sign_in_token(&id)?))
}

/// `{"directives": [Set-Cookie, …]}` of a nonce, once.
pub(super) async fn handshake_payload(
    State(instance): State<Arc<Instance>>,
    query: Query,
) -> Answer {
    let nonce = query
        .one("nonce")
        .ok_or(Refusal::ParamMissing { param: "nonce" })?;
    let directives = instance.handshake_payload(nonce)?;
    Ok(Json(json!({ "directives": directives })))
}
