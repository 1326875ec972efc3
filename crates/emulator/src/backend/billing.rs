//! Billing, which the Backend API mostly reads.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::Value;

use super::{ApiError, Query, Written};
use crate::billing::{Item, Payer, Plan, Subscription};
use crate::body::Body;
use crate::instance::{Caller, Instance};
use crate::params::{Params, invalid};
use crate::refusal::Refusal;
use crate::state;

type Answer = Result<Json<Value>, ApiError>;

pub(super) async fn of_user(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
) -> Answer {
    Ok(Json(instance.subscription(&Payer::User(id))?))
}

pub(super) async fn of_organization(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
) -> Answer {
    let id = instance.organization(&id)?.id;
    Ok(Json(instance.subscription(&Payer::Organization(id))?))
}

/// `{data, total_count}`, newest first.
pub(super) async fn plans(
    State(instance): State<Arc<Instance>>,
    query: Query,
) -> Result<Written, ApiError> {
    let payer_type = payer_type(&query)?;
    instance.read(|state| {
        let plans = state.billing.plans.iter().rev();
        let kept: Vec<&Plan> = plans
            .filter(|plan| payer_type.is_none_or(|wanted| plan.payer_type == wanted))
            .collect();
        Written::list(&query, kept.len(), kept.into_iter(), Plan::shown)
    })
}

/// Every item of the instance, newest first. Items of free plans are left out unless asked for, as at Clerk.
pub(super) async fn items(
    State(instance): State<Arc<Instance>>,
    query: Query,
) -> Result<Written, ApiError> {
    let payer_type = payer_type(&query)?;
    let include_free = query.flag("include_free")?.unwrap_or(false);
    let status = query.one("status");
    let statuses = ["active", "ended", "past_due", "upcoming", "free_trial"];
    if status.is_some_and(|status| !statuses.contains(&status)) {
        return Err(invalid("status", "active, ended, past_due, upcoming or free_trial").into());
    }
    instance.read(|state| {
        let has_status = |item: &Item| match status {
            None => true,
            Some("free_trial") => item.is_free_trial && item.is_live(),
            Some(status) => serde_json::to_value(item.status).is_ok_and(|own| own == status),
        };
        let all = state.billing.subscriptions.iter();
        let mut kept: Vec<(&Subscription, &Item)> = all
            .flat_map(|it| it.items.iter().map(move |item| (it, item)))
            .filter(|(it, item)| {
                payer_type.is_none_or(|wanted| it.payer.kind() == wanted)
                    && has_status(item)
                    && (include_free || state.billing.price(item) > 0)
                    && is_searched(&query, state, it, item)
            })
            .collect();
        kept.sort_by_key(|(_, item)| std::cmp::Reverse(item.created_at));
        let total = kept.len();
        let show = |(it, item): &(&Subscription, &Item)| it.item_shown(item, state);
        Written::list(&query, total, kept.iter(), show)
    })
}

/// At the end of its period, or at once with `end_now=true`.
pub(super) async fn cancel_item(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    query: Query,
    caller: Caller,
) -> Answer {
    let now = query.flag("end_now")?.unwrap_or(false);
    Ok(Json(instance.cancel_item(&id, now, &caller)?))
}

/// `extend_to` is an RFC 3339 time.
pub(super) async fn extend_trial(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Answer {
    let until = Params::new(body)?.time("extend_to")?;
    let until = until.ok_or(Refusal::ParamMissing { param: "extend_to" })?;
    Ok(Json(instance.extend_trial(&id, until, &caller)?))
}

/// `plan_id` exactly; `query` in the payer's names and address or the plan's slug.
fn is_searched(query: &Query, state: &state::State, of: &Subscription, item: &Item) -> bool {
    let plan = state.billing.plans.get(&item.plan);
    let user = state.users.get(of.payer.id()).map(|stored| &stored.user);
    let organization = state.roster.organizations().get(of.payer.id());
    let texts = || {
        let names = user.into_iter().flat_map(|user| {
            let names = [
                user.first_name.as_deref(),
                user.last_name.as_deref(),
                user.primary_email(),
            ];
            names.into_iter().flatten()
        });
        names
            .chain(organization.map(|it| it.name.as_str()))
            .chain([item.plan.as_str()])
    };
    query
        .one("plan_id")
        .is_none_or(|id| plan.is_some_and(|plan| plan.id == id))
        && query.matches("query", texts)
}

fn payer_type(query: &Query) -> Result<Option<&str>, Refusal> {
    match query.one("payer_type") {
        Some(text) if !matches!(text, "user" | "org") => Err(invalid("payer_type", "user or org")),
        given => Ok(given),
    }
}
