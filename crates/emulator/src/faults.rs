//! Faults of the Backend API, in front of its routes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::backend::ApiError;
use crate::chaos::{Fault, FaultKind};
use crate::instance::Instance;

/// Longer than anybody waits.
const FOREVER: Duration = Duration::from_secs(3_600);

/// Lets the dice decide whether a request is answered, how, and when.
pub(crate) async fn inflict(
    State(instance): State<Arc<Instance>>,
    request: Request,
    next: Next,
) -> Response {
    let Fault { wait, kind } = instance.webhooks.dice().request(Instant::now());
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    match kind {
        FaultKind::None if is_switched_off(&instance, &request) => switched_off().into_response(),
        FaultKind::None => next.run(request).await,
        FaultKind::TooMany(seconds) => {
            let mut answer = too_many().into_response();
            answer
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from(seconds));
            answer
        }
        FaultKind::Error { status, done } => {
            if done {
                next.run(request).await;
            }
            error(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
                .into_response()
        }
        FaultKind::Hang => {
            tokio::time::sleep(FOREVER).await;
            error(StatusCode::GATEWAY_TIMEOUT).into_response()
        }
        FaultKind::Garbage(sort) => {
            next.run(request).await;
            garbage(sort)
        }
    }
}

/// Whether the request asks for organizations and the instance has none.
fn is_switched_off(instance: &Instance, request: &Request) -> bool {
    let mut parts = request.uri().path().split('/');
    parts.any(|part| part.starts_with("organization"))
        && instance.webhooks.dice().organizations_off()
}

fn switched_off() -> ApiError {
    let long = "The emulator's setting organizations_off: see /__emu/chaos.";
    ApiError::new(
        StatusCode::FORBIDDEN,
        "organization_not_enabled_in_instance",
        "The organizations feature is not enabled for this instance.",
        long,
    )
}

fn too_many() -> ApiError {
    let long = "The emulator's rate limit or its chaos settings: see /__emu/chaos.";
    ApiError::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_requests",
        "too many requests",
        long,
    )
}

fn error(status: StatusCode) -> ApiError {
    let long = "The emulator's chaos settings: see /__emu/chaos.";
    ApiError::new(status, "internal_clerk_error", "something went wrong", long)
}

/// A page of some proxy, an answer cut off, or JSON of another shape.
fn garbage(sort: u8) -> Response {
    let (content_type, body) = match sort {
        0 => (
            "text/html",
            "<!doctype html><title>Checking your connection</title>",
        ),
        1 => ("application/json", "{\"data\":[{\"id\":\"user_"),
        _ => ("application/json", "{\"object\":42,\"data\":\"none\"}"),
    };
    let headers = [(CONTENT_TYPE, HeaderValue::from_static(content_type))];
    (headers, Body::from(body)).into_response()
}
