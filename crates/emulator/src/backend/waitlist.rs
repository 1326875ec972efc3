//! `/v1/waitlist_entries`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::{ApiError, Query, Written};
use crate::body::Body;
use crate::instance::{Caller, Instance};
use crate::params::invalid;
use crate::registry::{WaitlistEntry, WaitlistStatus};

type Answer = Result<Json<Value>, ApiError>;

/// `{data, total_count}`.
pub(super) async fn list(
    State(instance): State<Arc<Instance>>,
    query: Query,
) -> Result<Written, ApiError> {
    let status = query
        .one("status")
        .map(|text| {
            serde_json::from_value::<WaitlistStatus>(text.into())
                .map_err(|_| invalid("status", "pending, invited, completed or rejected"))
        })
        .transpose()?;
    let (descending, field) = query.order();
    instance.read(|state| {
        let registry = &state.registry;
        let mut kept: Vec<&WaitlistEntry> = registry
            .waitlist
            .iter()
            .filter(|it| {
                status.is_none_or(|status| it.status == status)
                    && query.searches(&it.id, [it.email_address.as_str()])
            })
            .collect();
        let invited_at = |it: &&WaitlistEntry| {
            let id = it.invitation_id.as_deref()?;
            registry.invitations.get(id).map(|it| it.created_at)
        };
        match field {
            "created_at" => {}
            "email_address" => kept.sort_by(|a, b| a.email_address.cmp(&b.email_address)),
            "invited_at" => kept.sort_by_key(invited_at),
            _ => return Err(invalid("order_by", "created_at, email_address or invited_at").into()),
        }
        if descending {
            kept.reverse();
        }
        let show = |it: &WaitlistEntry| it.shown(registry);
        Written::list(&query, kept.len(), kept.into_iter(), show)
    })
}

pub(super) async fn create(
    State(instance): State<Arc<Instance>>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Answer {
    Ok(Json(instance.wait(body, &caller)?))
}

/// A bare array.
pub(super) async fn create_many(
    State(instance): State<Arc<Instance>>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Answer {
    Ok(Json(json!(instance.wait_many(body, &caller)?)))
}

pub(super) async fn invite(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Answer {
    Ok(Json(instance.invite_waiting(&id, body, &caller)?))
}

pub(super) async fn reject(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    caller: Caller,
) -> Answer {
    Ok(Json(instance.reject_waiting(&id, &caller)?))
}

pub(super) async fn delete(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
) -> Answer {
    Ok(Json(instance.delete_waiting(&id)?))
}
