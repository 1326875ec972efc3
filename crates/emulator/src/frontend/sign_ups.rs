//! `/client/sign_ups`.

use std::sync::Arc;

use axum::extract::{Path, State};

use super::Answer;
use super::form::Form;
use super::shown;
use super::social::ways;
use super::visitor::Visitor;
use serde_json::json;

use crate::client::SignUp;
use crate::denial::Denial;
use crate::instance::Instance;
use crate::instance::sign_up_params::SignUpParams;
use crate::refusal::Refusal;

fn params(form: &Form) -> Result<SignUpParams, Refusal> {
    Ok(SignUpParams {
        email_address: form.text("email_address")?,
        username: form.text("username")?,
        first_name: form.text("first_name")?,
        last_name: form.text("last_name")?,
        locale: form.text("locale")?,
        timezone: form.text("timezone")?,
        password: form.some("password")?,
        unsafe_metadata: form.object("unsafe_metadata")?,
        legal_accepted: form.flag("legal_accepted")?,
        ticket: form.some("ticket")?,
    })
}

pub(super) async fn create(
    State(instance): State<Arc<Instance>>,
    mut visitor: Visitor,
    form: Form,
) -> Answer {
    if form.flag("transfer")? {
        let client_id = visitor.client(&instance);
        let sign_up = instance.transfer_to_sign_up(&client_id, &visitor.caller)?;
        return Ok(told(&instance, &visitor, &sign_up));
    }
    if let Some(provider) = form.some("strategy")?.filter(|it| it.starts_with("oauth_")) {
        let ways = ways(&instance, &form)?;
        let client_id = visitor.client(&instance);
        let sign_up = instance.begin_social_sign_up(&client_id, &provider, ways)?;
        return Ok(told(&instance, &visitor, &sign_up));
    }
    let params = params(&form)?;
    let client_id = visitor.client(&instance);
    let sign_up = instance.begin_sign_up(&client_id, params, &visitor.caller)?;
    Ok(told(&instance, &visitor, &sign_up))
}

pub(super) async fn get(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
) -> Answer {
    let sign_up = instance.sign_up_in(&visitor.browser, &id)?;
    Ok(told(&instance, &visitor, &sign_up))
}

pub(super) async fn update(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
    form: Form,
) -> Answer {
    let params = params(&form)?;
    let sign_up = instance.update_sign_up(&visitor.browser, &id, params, &visitor.caller)?;
    Ok(told(&instance, &visitor, &sign_up))
}

pub(super) async fn prepare(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
    form: Form,
) -> Answer {
    if form.required("strategy")? != "email_code" {
        return Err(Denial::StrategyInvalid);
    }
    let sign_up = instance.prepare_sign_up(&visitor.browser, &id)?;
    Ok(told(&instance, &visitor, &sign_up))
}

pub(super) async fn attempt(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
    form: Form,
) -> Answer {
    if form.some("strategy")?.is_some_and(|it| it != "email_code") {
        return Err(Denial::StrategyInvalid);
    }
    let code = form.required("code")?;
    let sign_up = instance.attempt_sign_up(&visitor.browser, &id, &code, &visitor.caller)?;
    Ok(told(&instance, &visitor, &sign_up))
}

/// Puts an address on the waitlist; nobody needs to be signed in.
pub(super) async fn wait(
    State(instance): State<Arc<Instance>>,
    visitor: Visitor,
    form: Form,
) -> Answer {
    let params = json!({ "email_address": form.required("email_address")? });
    let entry = instance.wait(params, &visitor.caller)?;
    let of = |name: &str| entry.get(name).cloned().unwrap_or_default();
    let shown = json!({
        "object": "waitlist", "id": of("id"), "created_at": of("created_at"), "updated_at": of("updated_at"),
    });
    Ok(visitor.answer(&instance, shown))
}

fn told(instance: &Instance, visitor: &Visitor, sign_up: &SignUp) -> axum::response::Response {
    visitor.answer(instance, shown::sign_up(instance, sign_up))
}
