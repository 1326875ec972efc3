//! `/client/sign_ins`.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;

use super::Answer;
use super::form::Form;
use super::shown;
use super::social::ways;
use super::visitor::Visitor;
use crate::client::SignIn;
use crate::denial::Denial;
use crate::instance::Instance;

/// With a `ticket`, a `password` or neither; with `strategy=email_code` the code is sent at once.
pub(super) async fn create(
    State(instance): State<Arc<Instance>>,
    mut visitor: Visitor,
    form: Form,
) -> Answer {
    let (strategy, ticket) = (form.some("strategy")?, form.some("ticket")?);
    let identifier = form.some("identifier")?;
    let password = form.some("password")?;
    let strategy = strategy.as_deref();
    if strategy == Some("ticket") || ticket.is_some() {
        let ticket = form.required("ticket")?;
        let client_id = visitor.client(&instance);
        let sign_in = instance.sign_in_by_ticket(&client_id, &ticket, &visitor.caller)?;
        return Ok(told(&instance, &visitor, &sign_in));
    }
    if form.flag("transfer")? {
        let client_id = visitor.client(&instance);
        let sign_in = instance.transfer_to_sign_in(&client_id, &visitor.caller)?;
        return Ok(told(&instance, &visitor, &sign_in));
    }
    if let Some(provider) = strategy.filter(|it| it.starts_with("oauth_")) {
        let ways = ways(&instance, &form)?;
        let client_id = visitor.client(&instance);
        let sign_in = instance.begin_social_sign_in(&client_id, provider, ways)?;
        return Ok(told(&instance, &visitor, &sign_in));
    }
    if !matches!(
        strategy,
        None | Some("password" | "email_code" | "reset_password_email_code")
    ) {
        return Err(Denial::StrategyInvalid);
    }
    let client_id = visitor.client(&instance);
    let mut sign_in = instance.begin_sign_in(&client_id, identifier.as_deref())?;
    if let Some(password) = password.filter(|_| identifier.is_some()) {
        sign_in =
            instance.attempt_password(&visitor.browser, &sign_in.id, &password, &visitor.caller)?;
    } else if let Some(strategy) = strategy.filter(|it| it.ends_with("email_code")) {
        sign_in = instance.prepare_sign_in(&visitor.browser, &sign_in.id, strategy, None)?;
    }
    Ok(told(&instance, &visitor, &sign_in))
}

pub(super) async fn get(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
) -> Answer {
    let sign_in = instance.sign_in_of(&visitor.browser, &id)?;
    Ok(told(&instance, &visitor, &sign_in))
}

pub(super) async fn update(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
    form: Form,
) -> Answer {
    let identifier = form.required("identifier")?;
    let sign_in = instance.identify_sign_in(&visitor.browser, &id, &identifier)?;
    Ok(told(&instance, &visitor, &sign_in))
}

pub(super) async fn prepare(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
    form: Form,
) -> Answer {
    let strategy = form.required("strategy")?;
    if !matches!(
        strategy.as_str(),
        "email_code" | "reset_password_email_code"
    ) {
        return Err(Denial::StrategyInvalid);
    }
    let address = form.some("email_address_id")?;
    let sign_in = instance.prepare_sign_in(&visitor.browser, &id, &strategy, address.as_deref())?;
    Ok(told(&instance, &visitor, &sign_in))
}

pub(super) async fn attempt(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
    form: Form,
) -> Answer {
    let Visitor {
        browser, caller, ..
    } = &visitor;
    let sign_in = match form.required("strategy")?.as_str() {
        "password" => {
            let password = form.required("password")?;
            instance.attempt_password(browser, &id, &password, caller)?
        }
        strategy @ ("email_code" | "reset_password_email_code") => {
            let code = form.required("code")?;
            let sign_in = instance.attempt_code(browser, &id, strategy, &code, caller)?;
            match form.some("password")? {
                Some(password) if sign_in.needs_new_password => {
                    instance.reset_password(browser, &id, &password, caller)?
                }
                _ => sign_in,
            }
        }
        _ => return Err(Denial::StrategyInvalid),
    };
    Ok(told(&instance, &visitor, &sign_in))
}

pub(super) async fn reset_password(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
    form: Form,
) -> Answer {
    let password = form.required("password")?;
    let sign_in = instance.reset_password(&visitor.browser, &id, &password, &visitor.caller)?;
    Ok(told(&instance, &visitor, &sign_in))
}

fn told(instance: &Instance, visitor: &Visitor, sign_in: &SignIn) -> Response {
    visitor.answer(instance, shown::sign_in(instance, sign_in))
}
