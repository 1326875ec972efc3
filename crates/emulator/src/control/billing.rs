//! `/__emu/billing/{step}`: what checkouts and clocks do to subscriptions.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::backend::ApiError;
use crate::billing::Payer;
use crate::body::Body;
use crate::instance::{BillingStep, Caller, Instance, Terms};
use crate::params::invalid;
use crate::refusal::Refusal;

#[derive(Deserialize)]
pub(super) struct Request {
    user_id: Option<String>,
    organization_id: Option<String>,
    #[serde(flatten)]
    terms: Map<String, Value>,
}

/// `{"user_id": …}` or `{"organization_id": …}`, and for `subscribe` and `change` the members of [`Terms`]. Answers the
/// subscription as the Backend API shows it.
pub(super) async fn step(
    State(instance): State<Arc<Instance>>,
    Path(step): Path<String>,
    caller: Caller,
    Body(request): Body<Request>,
) -> Result<Json<Value>, ApiError> {
    let payer = match (request.user_id, request.organization_id) {
        (Some(id), None) => Payer::User(id),
        (None, Some(id)) => Payer::Organization(id),
        _ => return Err(invalid("user_id", "given, or organization_id instead").into()),
    };
    let given = !request.terms.is_empty();
    let terms: Terms = serde_json::from_value(request.terms.into()).map_err(|error| {
        let reason = error.to_string();
        Refusal::BodyInvalid { reason }
    })?;
    let step = match step.as_str() {
        "subscribe" => BillingStep::Subscribe(terms),
        "change" => BillingStep::ChangeAtPeriodEnd(terms),
        _ if given => return Err(invalid("plan", "given to subscribe and change only").into()),
        "cancel" => BillingStep::Cancel,
        "past_due" => BillingStep::PastDue,
        "renew" => BillingStep::Renew,
        "end" => BillingStep::End,
        "trial_ending" => BillingStep::TrialEnding,
        _ => {
            let expected = "subscribe, change, cancel, past_due, renew, end or trial_ending";
            return Err(invalid("step", expected).into());
        }
    };
    Ok(Json(instance.bill(payer, step, &caller)?))
}
