//! Domains: of an organization, and of the whole instance.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::Value;

use super::{ApiError, Query, Written};
use crate::body::Body;
use crate::domain::Domain;
use crate::instance::{Caller, Instance, domains::shown};
use crate::params::invalid;
use crate::state;

type Answer = Result<Json<Value>, ApiError>;

pub(super) async fn of_organization(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    query: Query,
) -> Result<Written, ApiError> {
    instance.read(|state| {
        let id = &state.organization(&id)?.id;
        list(&query, state, |it| it.organization_id == *id)
    })
}

/// `organization_id`, `domains` (exact names) and `query` (an organization's id or a part of the name) filter too.
pub(super) async fn of_instance(
    State(instance): State<Arc<Instance>>,
    query: Query,
) -> Result<Written, ApiError> {
    instance.read(|state| {
        list(&query, state, |it| {
            let name = || std::iter::once(it.name.as_str());
            let owner = || std::iter::once(it.organization_id.as_str());
            query.admits("organization_id", owner)
                && query.admits("domains", name)
                && query.searches(&it.organization_id, [it.name.as_str()])
        })
    })
}

/// `{data, total_count}`; `verified` and `enrollment_mode` filter, newest first unless told.
fn list(
    query: &Query,
    state: &state::State,
    is_wanted: impl Fn(&Domain) -> bool,
) -> Result<Written, ApiError> {
    let verified = query.flag("verified")?;
    let (descending, field) = query.order();
    let mut kept: Vec<&Domain> = state
        .registry
        .domains
        .iter()
        .filter(|it| {
            let mode = serde_json::to_value(it.enrollment_mode).unwrap_or_default();
            let mode = || mode.as_str().into_iter();
            verified.is_none_or(|verified| it.affiliation.is_some() == verified)
                && query.admits("enrollment_mode", mode)
                && is_wanted(it)
        })
        .collect();
    match field {
        "created_at" => {}
        "name" => kept.sort_by(|a, b| a.name.cmp(&b.name)),
        _ => return Err(invalid("order_by", "created_at or name").into()),
    }
    if descending {
        kept.reverse();
    }
    Written::list(query, kept.len(), kept.into_iter(), |it| shown(state, it))
}

pub(super) async fn create(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Answer {
    Ok(Json(instance.create_domain(&id, body, &caller)?))
}

pub(super) async fn update(
    State(instance): State<Arc<Instance>>,
    Path((id, domain_id)): Path<(String, String)>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Answer {
    Ok(Json(
        instance.update_domain(&id, &domain_id, body, &caller)?,
    ))
}

pub(super) async fn verify(
    State(instance): State<Arc<Instance>>,
    Path((id, domain_id)): Path<(String, String)>,
    caller: Caller,
) -> Answer {
    Ok(Json(instance.verify_domain(&id, &domain_id, &caller)?))
}

pub(super) async fn delete(
    State(instance): State<Arc<Instance>>,
    Path((id, domain_id)): Path<(String, String)>,
    caller: Caller,
) -> Answer {
    Ok(Json(instance.delete_domain(&id, &domain_id, &caller)?))
}
