//! Invitations to organizations.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::{ApiError, Query, Written};
use crate::body::Body;
use crate::instance::{Caller, Instance, invitations::shown};
use crate::organization::{Invitation, InvitationStatus};
use crate::params::invalid;
use crate::refusal::Refusal;
use crate::state;

type Answer = Result<Json<Value>, ApiError>;

pub(super) async fn of_organization(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    query: Query,
) -> Result<Written, ApiError> {
    instance.read(|state| {
        let id = &state.organization(&id)?.id;
        list(&query, state, state.roster.invitations_of(id))
    })
}

pub(super) async fn of_instance(
    State(instance): State<Arc<Instance>>,
    query: Query,
) -> Result<Written, ApiError> {
    instance.read(|state| list(&query, state, state.roster.invitations().iter()))
}

/// Those that were sent to one of the user's addresses.
pub(super) async fn of_user(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    query: Query,
) -> Result<Written, ApiError> {
    instance.read(|state| {
        let user = &state.user(&id)?.user;
        let is_his = |it: &&Invitation| {
            let mut addresses = user.email_addresses.iter();
            addresses.any(|own| own.email_address.eq_ignore_ascii_case(&it.email_address))
        };
        list(
            &query,
            state,
            state.roster.invitations().iter().filter(is_his),
        )
    })
}

/// `status`, `email_address` and `query` (a part of the address) filter; newest first unless told.
fn list<'a>(
    query: &Query,
    state: &state::State,
    invitations: impl Iterator<Item = &'a Invitation>,
) -> Result<Written, ApiError> {
    let status = query
        .one("status")
        .map(|text| {
            serde_json::from_value::<InvitationStatus>(text.into())
                .map_err(|_| invalid("status", "an invitation's status"))
        })
        .transpose()?;
    let (descending, field) = query.order();
    let mut kept: Vec<&Invitation> = invitations
        .filter(|it| {
            let address = || std::iter::once(it.email_address.as_str());
            status.is_none_or(|status| it.status == status)
                && query.admits("email_address", address)
                && query.matches("query", address)
        })
        .collect();
    match field {
        "created_at" => {}
        "email_address" => kept.sort_by(|a, b| a.email_address.cmp(&b.email_address)),
        _ => return Err(invalid("order_by", "created_at or email_address").into()),
    }
    if descending {
        kept.reverse();
    }
    Written::list(query, kept.len(), kept.into_iter(), |it| shown(state, it))
}

pub(super) async fn get(
    State(instance): State<Arc<Instance>>,
    Path((id, invitation_id)): Path<(String, String)>,
) -> Answer {
    let found = instance.read(|state| {
        let invitation = find(state, &id, &invitation_id)?;
        Ok::<_, Refusal>(shown(state, invitation))
    })?;
    Ok(Json(found))
}

pub(super) async fn create(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Answer {
    Ok(Json(instance.invite(&id, body, &caller)?))
}

/// `{data, total_count}` of those just made.
pub(super) async fn create_many(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Answer {
    let made = instance.invite_many(&id, body, &caller)?;
    Ok(Json(json!({ "total_count": made.len(), "data": made })))
}

/// The pending ones, newest first.
pub(super) async fn pending(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    query: Query,
) -> Result<Written, ApiError> {
    instance.read(|state| {
        let all = state.roster.invitations_of(&state.organization(&id)?.id);
        let pending = all.filter(|it| it.status == InvitationStatus::Pending);
        list(&query, state, pending)
    })
}

pub(super) async fn revoke(
    State(instance): State<Arc<Instance>>,
    Path((id, invitation_id)): Path<(String, String)>,
    caller: Caller,
) -> Answer {
    instance.read(|state| find(state, &id, &invitation_id).map(drop))?;
    Ok(Json(instance.revoke_invitation(&invitation_id, &caller)?))
}

fn find<'a>(
    state: &'a state::State,
    id: &str,
    invitation_id: &str,
) -> Result<&'a Invitation, Refusal> {
    let organization_id = &state.organization(id)?.id;
    state
        .roster
        .invitations()
        .get(invitation_id)
        .filter(|it| it.organization_id == *organization_id)
        .ok_or_else(|| Refusal::NotFound {
            kind: "organization_invitation",
            id: invitation_id.to_owned(),
        })
}
