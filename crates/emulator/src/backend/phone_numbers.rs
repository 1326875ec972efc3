//! `/v1/phone_numbers`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::Value;

use super::ApiError;
use crate::body::Body;
use crate::instance::{Caller, Instance};
use crate::user::PhoneNumber;

type Answer<T> = Result<Json<T>, ApiError>;

pub(super) async fn create(
    State(instance): State<Arc<Instance>>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Answer<PhoneNumber> {
    Ok(Json(instance.add_phone(body, &caller)?))
}

pub(super) async fn get(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
) -> Answer<PhoneNumber> {
    Ok(Json(instance.phone(&id)?))
}

/// Instead of all that the user has.
pub(super) async fn replace(
    State(instance): State<Arc<Instance>>,
    Path(user_id): Path<String>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Answer<PhoneNumber> {
    Ok(Json(instance.replace_phone(&user_id, body, &caller)?))
}

pub(super) async fn update(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Answer<PhoneNumber> {
    Ok(Json(instance.update_phone(&id, body, &caller)?))
}

pub(super) async fn delete(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    caller: Caller,
) -> Answer<Value> {
    Ok(Json(instance.remove_phone(&id, &caller)?))
}
