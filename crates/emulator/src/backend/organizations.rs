//! `/v1/organizations`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::{ApiError, Query, Written};
use crate::body::Body;
use crate::instance::{Caller, Instance};
use crate::organization::Organization;
use crate::params::invalid;
use crate::state;
use crate::timeline::Time;

type Answer<T> = Result<Json<T>, ApiError>;

/// `{data, total_count}`. The counts of members are shown only on demand, as at Clerk.
pub(super) async fn list(
    State(instance): State<Arc<Instance>>,
    query: Query,
) -> Result<Written, ApiError> {
    let counted = query.flag("include_members_count")?.unwrap_or(false);
    instance.read(|state| {
        let (page, total) = page(&query, state)?;
        Written::list(&query, total, page, |organization| {
            shown(state, organization, counted)
        })
    })
}

/// All organizations that pass the filters, in the order asked for, and how many they are.
fn page<'a>(
    query: &Query,
    state: &'a state::State,
) -> Result<(Box<dyn Iterator<Item = &'a Organization> + 'a>, usize), ApiError> {
    let (descending, field) = query.order();
    let all = state.roster.organizations();
    let filtered = ["query", "user_id", "organization_id"]
        .iter()
        .any(|name| query.has(name));
    if field == "created_at" && !filtered {
        let places = state
            .roster
            .timeline()
            .walk(Time::Created, descending, None);
        return Ok((
            Box::new(places.filter_map(|place| all.at(place))),
            all.len(),
        ));
    }
    let mut kept: Vec<&Organization> = all
        .iter()
        .filter(|organization| admits(query, state, organization))
        .collect();
    match field {
        "created_at" => kept.sort_by_key(|it| it.created_at),
        "name" => kept.sort_by(|a, b| a.name.cmp(&b.name)),
        "members_count" => kept.sort_by_key(|it| state.roster.members_count(&it.id)),
        _ => {
            let expected = "name, created_at or members_count, with + or - in front";
            return Err(invalid("order_by", expected).into());
        }
    }
    if descending {
        kept.reverse();
    }
    let total = kept.len();
    Ok((Box::new(kept.into_iter()), total))
}

/// `query` is an exact id or a part of the name or slug.
fn admits(query: &Query, state: &state::State, organization: &Organization) -> bool {
    let members = || {
        let members = state.roster.members_of(&organization.id);
        members.map(|it| it.user_id.as_str())
    };
    let texts = || [organization.name.as_str(), organization.slug.as_str()].into_iter();
    query.admits("organization_id", || {
        std::iter::once(organization.id.as_str())
    }) && query.admits("user_id", members)
        && (query.one("query") == Some(organization.id.as_str()) || query.matches("query", texts))
}

fn shown(state: &state::State, organization: &Organization, counted: bool) -> Value {
    if counted {
        json!(state.roster.counted(organization))
    } else {
        json!(organization)
    }
}

pub(super) async fn create(
    State(instance): State<Arc<Instance>>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Answer<Organization> {
    Ok(Json(instance.create_organization(body, &caller)?))
}

/// By id or slug.
pub(super) async fn get(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    query: Query,
) -> Answer<Value> {
    let counted = query.flag("include_members_count")?.unwrap_or(false);
    let found = instance.read(|state| {
        let organization = state.organization(&id)?;
        Ok::<_, ApiError>(shown(state, organization, counted))
    })?;
    Ok(Json(found))
}

pub(super) async fn update(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Answer<Organization> {
    Ok(Json(instance.update_organization(&id, body, &caller)?))
}

pub(super) async fn merge_metadata(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Answer<Organization> {
    Ok(Json(
        instance.update_organization_metadata(&id, body, false, &caller)?,
    ))
}

pub(super) async fn replace_metadata(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Answer<Organization> {
    Ok(Json(
        instance.update_organization_metadata(&id, body, true, &caller)?,
    ))
}

pub(super) async fn delete(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    caller: Caller,
) -> Answer<Value> {
    Ok(Json(instance.delete_organization(&id, &caller)?))
}
