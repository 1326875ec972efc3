//! Memberships: of an organization, of a user, and of the whole instance.

use std::cmp::Ordering;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::Value;

use super::{ApiError, Query, Written};
use crate::body::Body;
use crate::instance::{Caller, Instance, memberships::shown};
use crate::organization::Membership;
use crate::params::invalid;
use crate::state;
use crate::user::User;

type Answer = Result<Json<Value>, ApiError>;

/// What narrows the list of an organization down, beside `role`.
const USER_FILTERS: [&str; 13] = [
    "user_id",
    "email_address",
    "phone_number",
    "username",
    "web3_wallet",
    "query",
    "email_address_query",
    "phone_number_query",
    "username_query",
    "name_query",
    "last_active_at_before",
    "last_active_at_after",
    "role",
];

/// `{data, total_count}`, filtered by role, by the members' fields as users are, and by the time of joining.
pub(super) async fn of_organization(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    query: Query,
) -> Result<Written, ApiError> {
    let joined = (
        query.millis("created_at_after")?,
        query.millis("created_at_before")?,
    );
    instance.read(|state| {
        let id = &state.organization(&id)?.id;
        let filtered = joined != (None, None) || USER_FILTERS.iter().any(|name| query.has(name));
        if !filtered {
            let total = state.roster.members_count(id);
            return list(&query, state, total, state.roster.members_of(id));
        }
        let users = query.user_filter()?;
        let kept: Vec<&Membership> = state
            .roster
            .members_of(id)
            .filter(|it| {
                let (after, before) = joined;
                let user = state.users.get(&it.user_id).map(|stored| &stored.user);
                after.is_none_or(|after| it.created_at > after)
                    && before.is_none_or(|before| it.created_at < before)
                    && query.admits("role", || std::iter::once(it.role.as_str()))
                    && user.is_some_and(|user| {
                        users
                            .as_ref()
                            .is_none_or(|users| users.admits_member(state, user))
                    })
            })
            .collect();
        list(&query, state, kept.len(), kept.into_iter())
    })
}

/// Every membership of the instance.
pub(super) async fn of_instance(
    State(instance): State<Arc<Instance>>,
    query: Query,
) -> Result<Written, ApiError> {
    instance.read(|state| {
        let all = state.roster.memberships();
        list(&query, state, all.len(), all.iter())
    })
}

/// Oldest first.
pub(super) async fn of_user(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    query: Query,
) -> Result<Written, ApiError> {
    instance.read(|state| {
        state.user(&id)?;
        let total = state.roster.joined_by(&id).count();
        let joined = state.roster.joined_by(&id);
        Written::list(&query, total, joined, |it| shown(state, it))
    })
}

/// Orders memberships that come oldest first, and cuts the page out.
fn list<'a>(
    query: &Query,
    state: &state::State,
    total: usize,
    memberships: impl DoubleEndedIterator<Item = &'a Membership>,
) -> Result<Written, ApiError> {
    let show = |it: &Membership| shown(state, it);
    let (descending, field) = query.order();
    let compare: fn(&User, &User) -> Ordering = match field {
        "created_at" if descending => return Written::list(query, total, memberships.rev(), show),
        "created_at" => return Written::list(query, total, memberships, show),
        "first_name" => |a, b| a.first_name.cmp(&b.first_name),
        "last_name" => |a, b| a.last_name.cmp(&b.last_name),
        "username" => |a, b| a.username.cmp(&b.username),
        "email_address" => |a, b| a.primary_email().cmp(&b.primary_email()),
        "phone_number" => |_, _| Ordering::Equal,
        _ => {
            let expected = "a field that memberships can be ordered by, with + or - in front";
            return Err(invalid("order_by", expected).into());
        }
    };
    let mut sorted: Vec<_> = memberships
        .filter_map(|it| Some((it, &state.users.get(&it.user_id)?.user)))
        .collect();
    sorted.sort_by(|(_, a), (_, b)| compare(a, b));
    if descending {
        sorted.reverse();
    }
    Written::list(query, total, sorted.into_iter().map(|(it, _)| it), show)
}

pub(super) async fn create(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Answer {
    Ok(Json(instance.create_membership(&id, body, &caller)?))
}

pub(super) async fn update(
    State(instance): State<Arc<Instance>>,
    Path((id, user_id)): Path<(String, String)>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Answer {
    Ok(Json(
        instance.update_membership(&id, &user_id, body, &caller)?,
    ))
}

pub(super) async fn merge_metadata(
    State(instance): State<Arc<Instance>>,
    Path((id, user_id)): Path<(String, String)>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Answer {
    Ok(Json(instance.update_membership_metadata(
        &id, &user_id, body, &caller,
    )?))
}

/// Answers the membership as it was.
pub(super) async fn delete(
    State(instance): State<Arc<Instance>>,
    Path((id, user_id)): Path<(String, String)>,
    caller: Caller,
) -> Answer {
    Ok(Json(instance.delete_membership(&id, &user_id, &caller)?))
}
