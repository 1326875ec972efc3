//! The page of a provider of social sign-in: it asks who one is, and believes it.

use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::{Page, Visit, html, sentence, status};
use crate::backend::Query;
use crate::client::Person;
use crate::denial::Denial;
use crate::frontend::form::Form;
use crate::frontend::handshake::safe_url;
use crate::instance::{Caller, Instance};

pub(super) async fn get(
    State(instance): State<Arc<Instance>>,
    uri: OriginalUri,
    query: Query,
    headers: HeaderMap,
    caller: Caller,
) -> Page {
    page(instance, &uri, &query, &headers, caller, None)
}

fn page(
    instance: Arc<Instance>,
    uri: &OriginalUri,
    query: &Query,
    headers: &HeaderMap,
    caller: Caller,
    wrong: Option<&Denial>,
) -> Page {
    let visit = query.one("state").and_then(|state| instance.visit(state));
    let visit = visit.ok_or(Denial::TicketInvalid)?;
    let name = visit.strategy.trim_start_matches("oauth_").to_owned();
    let back = safe_url(&instance, &visit.redirect_url);
    let mut shown = Visit::new(instance, uri, query, headers, caller, false)?;
    // The form's answer sends the browser to the site, which the policy must allow.
    shown.back = back;
    let fields = format!(
        "{}<div class=\"pair\">{}{}</div><button>Be this person</button>",
        html::input(
            "E-mail address",
            "email_address",
            "",
            "type=\"email\" required autofocus"
        ),
        html::input("First name", "first_name", "", ""),
        html::input("Last name", "last_name", "", "")
    );
    let body = format!(
        "<p class=\"note\">This page plays {}. Whoever you say you are, it believes you.</p>{}",
        html::escape(&name),
        html::form(&shown.to("oauth"), "choose", &fields)
    );
    let wrong_text = wrong.map(sentence);
    Ok(shown.page(
        status(wrong),
        "Choose who you are",
        wrong_text.as_deref(),
        &body,
    ))
}

pub(super) async fn choose(
    State(instance): State<Arc<Instance>>,
    uri: OriginalUri,
    query: Query,
    headers: HeaderMap,
    caller: Caller,
    form: Form,
) -> Page {
    let person = Person {
        email_address: form.required("email_address")?,
        first_name: form.some("first_name")?,
        last_name: form.some("last_name")?,
    };
    let visit = query.one("state").unwrap_or_default().to_owned();
    match instance.answer_visit(&visit, person, &caller) {
        Ok(to) => Ok(redirect(&to)),
        Err(denial) => page(instance, &uri, &query, &headers, caller, Some(&denial)),
    }
}

fn redirect(to: &str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, to.to_owned())]).into_response()
}
