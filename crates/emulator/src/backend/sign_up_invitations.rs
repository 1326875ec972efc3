//! `/v1/invitations`: to sign up, not to an organization.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::{ApiError, Query, Written};
use crate::body::Body;
use crate::instance::Instance;
use crate::organization::InvitationStatus;
use crate::params::invalid;
use crate::registry::SignUpInvitation;

type Answer = Result<Json<Value>, ApiError>;

/// A bare array, or `{data, total_count}` with `paginated=true`.
pub(super) async fn list(
    State(instance): State<Arc<Instance>>,
    query: Query,
) -> Result<Written, ApiError> {
    let status = query
        .one("status")
        .map(|text| {
            serde_json::from_value::<InvitationStatus>(text.into())
                .map_err(|_| invalid("status", "pending, accepted, revoked or expired"))
        })
        .transpose()?;
    let (descending, field) = query.order();
    instance.read(|state| {
        let mut kept: Vec<&SignUpInvitation> = state
            .registry
            .invitations
            .iter()
            .filter(|it| {
                status.is_none_or(|status| it.status == status)
                    && query.searches(&it.id, [it.email_address.as_str()])
            })
            .collect();
        match field {
            "created_at" => {}
            "email_address" => kept.sort_by(|a, b| a.email_address.cmp(&b.email_address)),
            "expires_at" => kept.sort_by_key(|it| it.expires_at),
            _ => return Err(invalid("order_by", "created_at, email_address or expires_at").into()),
        }
        if descending {
            kept.reverse();
        }
        Written::bare_or_paginated(&query, &kept, |it| it.shown())
    })
}

pub(super) async fn create(
    State(instance): State<Arc<Instance>>,
    Body(body): Body<Value>,
) -> Answer {
    Ok(Json(instance.invite_to_sign_up(body)?))
}

/// A bare array.
pub(super) async fn create_many(
    State(instance): State<Arc<Instance>>,
    Body(body): Body<Value>,
) -> Answer {
    Ok(Json(json!(instance.invite_many_to_sign_up(body)?)))
}

pub(super) async fn revoke(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
) -> Answer {
    Ok(Json(instance.revoke_sign_up_invitation(&id)?))
}
