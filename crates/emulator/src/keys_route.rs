//! The public keys, at the Frontend API's address and at the Backend API's.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::Value;

use crate::backend::{ApiError, check_secret_key};
use crate::instance::Instance;

pub(crate) fn router() -> Router<Arc<Instance>> {
    Router::new()
        .route("/.well-known/jwks.json", get(open))
        .route("/__clerk/.well-known/jwks.json", get(open))
        .route("/__clerk/v1/jwks", get(open))
        .route("/v1/jwks", get(checked))
}

async fn open(State(instance): State<Arc<Instance>>) -> Json<Value> {
    Json(instance.jwks())
}

/// Clerk wants the secret key here. The emulator shows its public keys without one too, but not to a wrong one, since
/// that is the call by which clients find out that their key is wrong.
async fn checked(
    State(instance): State<Arc<Instance>>,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    if headers.contains_key(AUTHORIZATION) {
        check_secret_key(&headers)?;
    }
    Ok(Json(instance.jwks()))
}
