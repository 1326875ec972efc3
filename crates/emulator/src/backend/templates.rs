//! `/v1/jwt_templates`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::Value;

use super::{ApiError, Query, Written};
use crate::body::Body;
use crate::instance::Instance;
use crate::template::JwtTemplate;

type Answer = Result<Json<Value>, ApiError>;

/// A bare array, or `{data, total_count}` with `paginated=true`; newest first.
pub(super) async fn list(
    State(instance): State<Arc<Instance>>,
    query: Query,
) -> Result<Written, ApiError> {
    instance.read(|state| {
        let all: Vec<&JwtTemplate> = state.registry.templates.iter().rev().collect();
        Written::bare_or_paginated(&query, &all, |it| it.shown())
    })
}

pub(super) async fn create(
    State(instance): State<Arc<Instance>>,
    Body(body): Body<Value>,
) -> Answer {
    Ok(Json(instance.create_template(body)?))
}

pub(super) async fn get(State(instance): State<Arc<Instance>>, Path(id): Path<String>) -> Answer {
    Ok(Json(instance.template(&id)?))
}

pub(super) async fn update(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    Body(body): Body<Value>,
) -> Answer {
    Ok(Json(instance.update_template(&id, body)?))
}

pub(super) async fn delete(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
) -> Answer {
    Ok(Json(instance.delete_template(&id)?))
}
