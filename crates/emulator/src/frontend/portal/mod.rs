//! The pages that Clerk hosts for its customers, plainer: sign in, sign up, sign out, without a script. They are what a
//! service sends people to that does not mount Clerk's components itself.
//!
//! After a sign-in the browser goes back to `redirect_url` with `__clerk_db_jwt` in the query, as from Clerk's pages of
//! a development instance; the site then does a handshake and has its cookies.

mod html;

use std::sync::Arc;

use axum::Router;
use axum::extract::{OriginalUri, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERER, REFERRER_POLICY,
    SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use reqwest::Url;

use super::form::Form;
use super::handshake::{BROWSER_COOKIE, browser, known_browser, redirect_url, set_query};
use crate::backend::Query;
use crate::client::CODE;
use crate::denial::Denial;
use crate::guard::is_far_from;
use crate::instance::browsers::Browser;
use crate::instance::sign_ups::SignUpParams;
use crate::instance::{Caller, Instance};
use crate::session::SessionStatus;
use crate::timeline::Time;
use crate::user::User;

/// How many users are offered to pick from.
const OFFERED: usize = 12;

pub(super) fn router() -> Router<Arc<Instance>> {
    Router::new()
        .route("/sign-in", get(sign_in).post(sign_in_step))
        .route("/sign-up", get(sign_up).post(sign_up_step))
        .route("/sign-out", get(sign_out).post(sign_out_now))
        .route("/portal.css", get(style))
}

/// One visit of a page.
struct Visit {
    instance: Arc<Instance>,
    /// Where to go afterwards, already checked.
    back: Option<Url>,
    /// What the page was asked for with, to be kept through its steps.
    query: String,
    browser: Browser,
    caller: Caller,
}

/// What a page says in the end.
type Page = Result<Response, Denial>;

impl Visit {
    /// Looking at a page makes no browser known; doing something does.
    fn new(
        instance: Arc<Instance>,
        uri: &OriginalUri,
        query: &Query,
        headers: &HeaderMap,
        caller: Caller,
        doing: bool,
    ) -> Result<Self, Denial> {
        let back = match query.one("redirect_url") {
            Some(_) => Some(redirect_url(&instance, query)?),
            None => None,
        };
        let browser = if doing {
            browser(&instance, query, headers)
        } else {
            known_browser(&instance, query, headers).unwrap_or(Browser::Cookie(None))
        };
        let query = uri.query().map_or_else(String::new, |it| format!("?{it}"));
        Ok(Self {
            instance,
            back,
            query,
            browser,
            caller,
        })
    }

    /// The address of another of these pages, with the same query.
    fn to(&self, page: &str) -> String {
        format!("{page}{}", self.query)
    }

    /// Who is signed in in this browser.
    fn user(&self) -> Option<User> {
        let session = self.instance.active_session(&self.browser, None)?;
        self.instance.user(&session.user_id).ok()
    }

    fn page(&self, status: StatusCode, title: &str, wrong: Option<&str>, body: &str) -> Response {
        let application = self.instance.frontend_settings().application_name;
        let html = html::page(title, &application, wrong, body);
        // Browsers hold a form to this rule through the redirect that answers it.
        let back = self.back.as_ref().map_or_else(String::new, |back| {
            format!(" {}", back.origin().ascii_serialization())
        });
        let policy = format!(
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'{back}; base-uri 'none'; \
             frame-ancestors 'none'"
        );
        let mut response = (status, secured("text/html; charset=utf-8"), html).into_response();
        if let Ok(policy) = policy.parse() {
            response
                .headers_mut()
                .insert(CONTENT_SECURITY_POLICY, policy);
        }
        response.headers_mut().extend(self.cookie());
        response
    }

    /// What the next step knows the browser by.
    fn cookie(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Browser::Development(id) = &self.browser
            && let Ok(cookie) = format!(
                "{BROWSER_COOKIE}={id}; Path=/__clerk; Max-Age=31536000; HttpOnly; SameSite=Lax"
            )
            .parse()
        {
            headers.insert(SET_COOKIE, cookie);
        }
        headers
    }

    /// Back to where the browser came from, which learns the development browser; else a page that says what is so.
    fn done(&self) -> Response {
        let mut headers = self.cookie();
        let to = match (self.back.clone(), &self.browser) {
            (Some(mut back), Browser::Development(id)) => {
                set_query(&mut back, "__clerk_db_jwt", id);
                String::from(back)
            }
            (Some(back), Browser::Cookie(_)) => back.into(),
            (None, _) => "sign-in".to_owned(),
        };
        if let Ok(to) = to.parse() {
            headers.insert(LOCATION, to);
        }
        (StatusCode::SEE_OTHER, headers).into_response()
    }
}

fn secured(content_type: &'static str) -> [(axum::http::HeaderName, &'static str); 3] {
    [
        (CONTENT_TYPE, content_type),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // A form sent from a page without referrer would have no origin either.
        (REFERRER_POLICY, "same-origin"),
    ]
}

async fn style() -> Response {
    let mut response = (secured("text/css; charset=utf-8"), html::STYLE).into_response();
    let cached = HeaderValue::from_static("public, max-age=300");
    response.headers_mut().insert(CACHE_CONTROL, cached);
    response
}

async fn sign_in(
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
    Ok(sign_in_page(&visit, None, ""))
}

fn sign_in_page(visit: &Visit, wrong: Option<&Denial>, identifier: &str) -> Response {
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

async fn sign_in_step(
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
            Ok(sign_in_page(&visit, Some(&denial), &identifier))
        }
    }
}

fn code_page(
    visit: &Visit,
    page: &str,
    id: &str,
    address: &str,
    wrong: Option<&Denial>,
) -> Response {
    let fields = format!(
        "<input type=\"hidden\" name=\"id\" value=\"{}\"><input type=\"hidden\" name=\"address\" value=\"{}\">{}\
         <button>Continue</button>",
        html::escape(id),
        html::escape(address),
        html::code(address, CODE)
    );
    let body = html::form(&visit.to(page), "code", &fields);
    let wrong_text = wrong.map(sentence);
    visit.page(
        status(wrong),
        "Enter the code",
        wrong_text.as_deref(),
        &body,
    )
}

async fn sign_up(
    State(instance): State<Arc<Instance>>,
    uri: OriginalUri,
    query: Query,
    headers: HeaderMap,
    caller: Caller,
) -> Page {
    let visit = Visit::new(instance, &uri, &query, &headers, caller, false)?;
    Ok(sign_up_page(&visit, None, &Form::default()))
}

fn sign_up_page(visit: &Visit, wrong: Option<&Denial>, given: &Form) -> Response {
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

async fn sign_up_step(
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
        Err(denial) => Ok(sign_up_page(&visit, Some(&denial), &form)),
    }
}

/// At once when a page of this machine sends the browser here, after a question otherwise: any page of the world can
/// make a browser come.
async fn sign_out(
    State(instance): State<Arc<Instance>>,
    uri: OriginalUri,
    query: Query,
    caller: Caller,
    request: Request,
) -> Page {
    let headers = request.headers();
    let visit = Visit::new(instance, &uri, &query, headers, caller, false)?;
    let is_near = headers.get(REFERER).is_some_and(|from| !is_far_from(from));
    if is_near || visit.user().is_none() {
        return Ok(leave(&visit));
    }
    let body = html::form(
        &visit.to("sign-out"),
        "sign_out",
        "<button>Sign out</button>",
    );
    Ok(visit.page(StatusCode::OK, "Sign out?", None, &body))
}

async fn sign_out_now(
    State(instance): State<Arc<Instance>>,
    uri: OriginalUri,
    query: Query,
    headers: HeaderMap,
    caller: Caller,
) -> Page {
    let visit = Visit::new(instance, &uri, &query, &headers, caller, false)?;
    Ok(leave(&visit))
}

fn leave(visit: &Visit) -> Response {
    let status = SessionStatus::Removed;
    visit
        .instance
        .sign_out(&visit.browser, None, status, &visit.caller);
    visit.done()
}

fn status(wrong: Option<&Denial>) -> StatusCode {
    match wrong {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    }
}

/// What was wrong, as a sentence.
fn sentence(denial: &Denial) -> String {
    let text = denial.to_string();
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).chain(['.']).collect()
}
