//! Roles and permissions, for reading.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::Value;

use super::{ApiError, Query, Written};
use crate::instance::Instance;
use crate::params::invalid;
use crate::refusal::Refusal;
use crate::role::{Permission, Role};

type Answer = Result<Json<Value>, ApiError>;

/// `{data, total_count}`; `query` is an exact id or a part of the name or key.
pub(super) async fn list(
    State(instance): State<Arc<Instance>>,
    query: Query,
) -> Result<Written, ApiError> {
    let mut roles = instance.read(Role::all);
    roles.retain(|it| query.searches(&it.id(), [it.0.as_str(), it.name().as_str()]));
    arrange(&query, &mut roles, Role::name, |it| &it.0)?;
    Written::list(&query, roles.len(), roles.iter(), Role::shown)
}

pub(super) async fn get(State(instance): State<Arc<Instance>>, Path(id): Path<String>) -> Answer {
    let mut roles = instance.read(Role::all).into_iter();
    let found = roles.find(|it| it.id() == id);
    let role = found.ok_or(Refusal::NotFound { kind: "role", id })?;
    Ok(Json(role.shown()))
}

/// `{data, total_count}`, filtered as roles are.
pub(super) async fn permissions(query: Query) -> Result<Written, ApiError> {
    let mut all = Permission::all();
    all.retain(|it| query.searches(&it.id(), [it.0, it.name().as_str()]));
    arrange(&query, &mut all, Permission::name, |it| it.0)?;
    Written::list(&query, all.len(), all.iter(), Permission::shown)
}

pub(super) async fn permission(Path(id): Path<String>) -> Answer {
    let found = Permission::all().into_iter().find(|it| it.id() == id);
    let kind = "permission";
    let permission = found.ok_or(Refusal::NotFound { kind, id })?;
    Ok(Json(permission.shown()))
}

/// All are as old as each other, so their own order is that of `created_at`.
fn arrange<T>(
    query: &Query,
    items: &mut [T],
    name: impl Fn(&T) -> String,
    key: impl Fn(&T) -> &str,
) -> Result<(), Refusal> {
    let (descending, field) = query.order();
    match field {
        "created_at" => return Ok(()),
        "name" => items.sort_by_key(name),
        "key" => items.sort_by(|a, b| key(a).cmp(key(b))),
        _ => return Err(invalid("order_by", "created_at, name or key")),
    }
    if descending {
        items.reverse();
    }
    Ok(())
}
