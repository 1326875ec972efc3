//! The page to sign up.

use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::{Page, Visit, code_page, html, sentence, status};
use crate::backend::Query;
use crate::denial::Denial;
use crate::frontend::form::Form;
use crate::instance::sign_up_params::SignUpParams;
use crate::instance::{Caller, Instance};
use crate::session::SessionStatus;

pub(super) async fn get(
    State(instance): State<Arc<Instance>>,
    uri: OriginalUri,
    query: Query,
    headers: HeaderMap,
    caller: Caller,
) -> Page {
    let visit = Visit::new(instance, &uri, &query, &headers, caller, false)?;
    Ok(form_page(&visit, None, &Form::default()))
}

fn form_page(visit: &Visit, wrong: Option<&Denial>, given: &Form) -> Response {
    let settings = visit.instance.frontend_settings();
    let value = |name| given.some(name).ok().flatten().unwrap_or_default();
    let mut fields = html::input(
        "E-mail address",
        "email_address",
        &value("email_address"),
        "type=\"email\" autocomplete=\"email\" required autofocus",
    );
    if settings.username {
        let attributes = "autocomplete=\"username\" required";
        fields.push_str(&html::input(
            "User name",
            "username",
            &value("username"),
            attributes,
        ));
    }
    if settings.names {
        let input = |label, name, hint: &str| {
            html::input(
                label,
                name,
                &value(name),
                &format!("autocomplete=\"{hint}\""),
            )
        };
        fields.push_str(&format!(
            "<div class=\"pair\">{}{}</div>",
            input("First name", "first_name", "given-name"),
            input("Last name", "last_name", "family-name")
        ));
    }
    if settings.password {
        let required = if settings.password_required {
            " required"
        } else {
            ""
        };
        fields.push_str(&html::input(
            "Password <span>(eight characters or more)</span>",
            "password",
            "",
            &format!("type=\"password\" autocomplete=\"new-password\" minlength=\"8\"{required}"),
        ));
    }
    fields.push_str("<button>Continue</button>");
    let body = format!(
        "{}<p class=\"other\">Have an account? <a href=\"{}\">Sign in</a></p>",
        html::form(&visit.to("sign-up"), "begin", &fields),
        html::escape(&visit.to("sign-in"))
    );
    let wrong_text = wrong.map(sentence);
    visit.page(status(wrong), "Sign up", wrong_text.as_deref(), &body)
}

pub(super) async fn step(
    State(instance): State<Arc<Instance>>,
    uri: OriginalUri,
    query: Query,
    headers: HeaderMap,
    caller: Caller,
    form: Form,
) -> Page {
    let mut visit = Visit::new(instance, &uri, &query, &headers, caller, true)?;
    let instance = Arc::clone(&visit.instance);
    let client_id = instance.ensure_client(&mut visit.browser);
    let (browser, caller) = (&visit.browser, &visit.caller);
    let outcome = match form.required("step")?.as_str() {
        "begin" => {
            let params = SignUpParams {
                email_address: form.text("email_address")?,
                username: form.text("username")?,
                first_name: form.text("first_name")?,
                last_name: form.text("last_name")?,
                password: form.some("password")?,
                ..SignUpParams::default()
            };
            let address = form.some("email_address")?.unwrap_or_default();
            instance.sign_out(browser, None, SessionStatus::Removed, caller);
            match instance.begin_sign_up(&client_id, params, caller) {
                Ok(begun) if begun.created_user_id.is_some() => Ok(()),
                Ok(begun) => match instance.prepare_sign_up(browser, &begun.id) {
                    Ok(_) => return Ok(code_page(&visit, "sign-up", &begun.id, &address, None)),
                    Err(denial) => Err(denial),
                },
                Err(denial) => Err(denial),
            }
        }
        "code" => {
            let (id, code) = (form.required("id")?, form.required("code")?);
            match instance.attempt_sign_up(browser, &id, &code, caller) {
                Ok(done) if done.created_user_id.is_some() => Ok(()),
                // The code was right, and something else is missing.
                Ok(_) => Err(Denial::VerificationMissing),
                Err(denial @ Denial::CodeIncorrect) => {
                    let address = form.some("address")?.unwrap_or_default();
                    return Ok(code_page(&visit, "sign-up", &id, &address, Some(&denial)));
                }
                Err(denial) => Err(denial),
            }
        }
        _ => return Err(Denial::StrategyInvalid),
    };
    match outcome {
        Ok(()) => Ok(visit.done()),
        Err(denial) => Ok(form_page(&visit, Some(&denial), &form)),
    }
}
