//! `/v1/users`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::{ApiError, Query, Written};
use crate::body::Body;
use crate::instance::{Caller, Instance};
use crate::params::Params;
use crate::user::User;

type Answer<T> = Result<Json<T>, ApiError>;

/// A bare array. It is written while the state is read, so that no user is copied.
pub(super) async fn list(
    State(instance): State<Arc<Instance>>,
    query: Query,
) -> Result<Written, ApiError> {
    instance.read(|state| Written::of(&query.users(state)?))
}

/// The same filters as the list, without the page.
pub(super) async fn count(State(instance): State<Arc<Instance>>, query: Query) -> Answer<Value> {
    let count = instance.read(|state| query.count_users(state))?;
    Ok(Json(
        json!({ "object": "total_count", "total_count": count }),
    ))
}

pub(super) async fn create(
    State(instance): State<Arc<Instance>>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Answer<User> {
    Ok(Json(instance.create_user(body, &caller)?))
}

pub(super) async fn get(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
) -> Answer<User> {
    Ok(Json(instance.user(&id)?))
}

pub(super) async fn update(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Answer<User> {
    Ok(Json(instance.update_user(&id, body, &caller)?))
}

pub(super) async fn delete(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    caller: Caller,
) -> Answer<Value> {
    Ok(Json(instance.delete_user(&id, &caller)?))
}

pub(super) async fn merge_metadata(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Answer<User> {
    Ok(Json(instance.update_metadata(&id, body, false, &caller)?))
}

pub(super) async fn replace_metadata(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Answer<User> {
    Ok(Json(instance.update_metadata(&id, body, true, &caller)?))
}

pub(super) async fn ban(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    caller: Caller,
) -> Answer<User> {
    Ok(Json(instance.set_banned(&id, true, &caller)?))
}

pub(super) async fn unban(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    caller: Caller,
) -> Answer<User> {
    Ok(Json(instance.set_banned(&id, false, &caller)?))
}

pub(super) async fn lock(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    caller: Caller,
) -> Answer<User> {
    Ok(Json(instance.set_locked(&id, true, &caller)?))
}

pub(super) async fn unlock(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    caller: Caller,
) -> Answer<User> {
    Ok(Json(instance.set_locked(&id, false, &caller)?))
}

pub(super) async fn verify_password(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    Body(body): Body<Value>,
) -> Answer<Value> {
    let password = Params::new(body)?.required("password")?;
    instance.verify_password(&id, &password)?;
    Ok(Json(json!({ "verified": true })))
}
