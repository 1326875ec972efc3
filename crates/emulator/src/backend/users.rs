//! `/v1/users`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::{ApiError, Query, Written};
use crate::body::Body;
use crate::instance::{Caller, Instance};
use crate::params::Params;
use crate::refusal::Refusal;
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

pub(super) async fn ban_many(
    State(instance): State<Arc<Instance>>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Answer<Vec<User>> {
    let ids = several(body)?;
    Ok(Json(instance.set_many_banned(&ids, true, &caller)?))
}

pub(super) async fn unban_many(
    State(instance): State<Arc<Instance>>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Answer<Vec<User>> {
    let ids = several(body)?;
    Ok(Json(instance.set_many_banned(&ids, false, &caller)?))
}

fn several(body: Value) -> Result<Vec<String>, Refusal> {
    let ids = Params::new(body)?.texts("user_ids")?;
    if ids.is_empty() {
        return Err(Refusal::ParamMissing { param: "user_ids" });
    }
    Ok(ids)
}

pub(super) async fn remove_password(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Answer<User> {
    let signs_out = Params::new(body)?.flag("sign_out_of_other_sessions")?;
    Ok(Json(instance.clear_password(
        &id,
        signs_out.unwrap_or(false),
        &caller,
    )?))
}

pub(super) async fn disable_second_factors(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    caller: Caller,
) -> Answer<Value> {
    let user = instance.disable_second_factors(&id, &caller)?;
    Ok(Json(json!({ "user_id": user.id })))
}

pub(super) async fn remove_account(
    State(instance): State<Arc<Instance>>,
    Path((id, account_id)): Path<(String, String)>,
    caller: Caller,
) -> Answer<Value> {
    Ok(Json(instance.remove_external_account(
        &id,
        &account_id,
        &caller,
    )?))
}
