//! The page to sign in: a password or a code, a link, or one click on one of the users.

use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::{Page, Visit, code_page, html, sentence, status};
use crate::backend::Query;
use crate::denial::Denial;
use crate::frontend::form::Form;
use crate::instance::{Caller, Instance};
use crate::session::SessionStatus;
use crate::timeline::Time;
use crate::user::User;

/// How many users are offered to pick from.
const OFFERED: usize = 8;

pub(super) async fn get(
    State(instance): State<Arc<Instance>>,
    uri: OriginalUri,
    query: Query,
    headers: HeaderMap,
    caller: Caller,
) -> Page {
    let visit = Visit::new(instance, &uri, &query, &headers, caller, false)?;
    if let Some(ticket) = query.one("__clerk_ticket") {
        let body = html::form(
            &visit.to("sign-in"),
            "ticket",
            &format!(
                "<input type=\"hidden\" name=\"ticket\" value=\"{}\"><button>Continue</button>",
                html::escape(ticket)
            ),
        );
        return Ok(visit.page(StatusCode::OK, "Sign in with your link", None, &body));
    }
    Ok(form_page(&visit, None, ""))
}

fn form_page(visit: &Visit, wrong: Option<&Denial>, identifier: &str) -> Response {
    let action = visit.to("sign-in");
    let mut body = String::new();
    if let Some(user) = visit.user() {
        body.push_str(&format!(
            "<div class=\"who\">{}</div>{}",
            html::user(&user),
            html::form(&action, "go_on", "<button>Continue</button>")
        ));
        body.push_str(&html::form(
            &visit.to("sign-out"),
            "sign_out",
            "<button class=\"plain\">Sign out</button>",
        ));
        if visit.back.is_none() {
            return visit.page(status(wrong), "You are signed in", None, &body);
        }
    } else {
        let password = "type=\"password\" autocomplete=\"current-password\"";
        body.push_str(&html::form(
            &action,
            "identify",
            &format!(
                "{}{}<button>Continue</button>",
                html::input(
                    "E-mail address",
                    "identifier",
                    identifier,
                    "type=\"text\" autocomplete=\"username\" required autofocus"
                ),
                html::input(
                    "Password <span>(leave it empty to get a code)</span>",
                    "password",
                    "",
                    password
                )
            ),
        ));
    }
    body.push_str(&offered(visit, &action));
    body.push_str(&format!(
        "<p class=\"other\">No account yet? <a href=\"{}\">Sign up</a></p>",
        html::escape(&visit.to("sign-up"))
    ));
    let wrong_text = wrong.map(sentence);
    visit.page(status(wrong), "Sign in", wrong_text.as_deref(), &body)
}

/// One click for each user who was changed last.
fn offered(visit: &Visit, action: &str) -> String {
    let users: Vec<User> = visit.instance.read(|state| {
        let places = state.users_by(Time::Updated, true, None);
        let users = places.filter_map(|place| state.users.at(place));
        let users = users.map(|stored| &stored.user);
        let able = users.filter(|user| !user.banned && !user.locked);
        able.take(OFFERED).cloned().collect()
    });
    if users.is_empty() {
        return String::new();
    }
    let lines: String = users
        .iter()
        .map(|user| {
            let fields = format!(
                "<input type=\"hidden\" name=\"user_id\" value=\"{}\"><button>{}</button>",
                html::escape(&user.id),
                html::user(user)
            );
            format!("<li>{}</li>", html::form(action, "pick", &fields))
        })
        .collect();
    format!(
        "<section class=\"users\" aria-labelledby=\"users\"><h2 id=\"users\">Or be one of these, with one click</h2>\
         <ul>{lines}</ul></section>"
    )
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
    let step = form.required("step")?;
    if step == "go_on" {
        return Ok(visit.done());
    }
    let client_id = instance.ensure_client(&mut visit.browser);
    let (browser, caller) = (&visit.browser, &visit.caller);
    let outcome = match step.as_str() {
        "pick" => {
            let user_id = form.required("user_id")?;
            instance.sign_out(browser, None, SessionStatus::Removed, caller);
            instance
                .sign_in_as(&client_id, &user_id, caller)
                .map(|_| ())
        }
        "ticket" => {
            let ticket = form.required("ticket")?;
            instance.sign_out(browser, None, SessionStatus::Removed, caller);
            instance
                .sign_in_by_ticket(&client_id, &ticket, caller)
                .map(|_| ())
        }
        "identify" => {
            let identifier = form.required("identifier")?;
            let password = form.some("password")?;
            instance.sign_out(browser, None, SessionStatus::Removed, caller);
            let begun = instance.begin_sign_in(&client_id, Some(&identifier));
            match (begun, password) {
                (Err(denial), _) => Err(denial),
                (Ok(begun), Some(password)) => instance
                    .attempt_password(browser, &begun.id, &password, caller)
                    .map(|_| ()),
                (Ok(begun), None) => {
                    match instance.prepare_sign_in(browser, &begun.id, "email_code", None) {
                        Ok(_) => {
                            return Ok(code_page(&visit, "sign-in", &begun.id, &identifier, None));
                        }
                        Err(denial) => Err(denial),
                    }
                }
            }
        }
        "code" => {
            let (id, code) = (form.required("id")?, form.required("code")?);
            match instance.attempt_code(browser, &id, "email_code", &code, caller) {
                Ok(_) => Ok(()),
                Err(denial @ Denial::CodeIncorrect) => {
                    let address = form.some("address")?.unwrap_or_default();
                    return Ok(code_page(&visit, "sign-in", &id, &address, Some(&denial)));
                }
                Err(denial) => Err(denial),
            }
        }
        _ => return Err(Denial::StrategyInvalid),
    };
    match outcome {
        Ok(()) => Ok(visit.done()),
        Err(denial) => {
            let identifier = form.some("identifier")?.unwrap_or_default();
            Ok(form_page(&visit, Some(&denial), &identifier))
        }
    }
}
