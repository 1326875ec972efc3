//! The pages that Clerk hosts for its customers, plainer: sign in, sign up, sign out, without a script. They are what a
//! service sends people to that does not mount Clerk's components itself.
//!
//! After a sign-in the browser goes back to `redirect_url` with `__clerk_db_jwt` in the query, as from Clerk's pages of
//! a development instance; the site then does a handshake and has its cookies.

mod html;
mod provider;
mod sign_in;
mod sign_up;

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

use super::handshake::{BROWSER_COOKIE, browser, known_browser, redirect_url, set_query};
use crate::backend::Query;
use crate::client::CODE;
use crate::denial::Denial;
use crate::guard::is_far_from;
use crate::instance::browsers::Browser;
use crate::instance::{Caller, Instance};
use crate::session::SessionStatus;
use crate::user::User;

pub(super) fn router() -> Router<Arc<Instance>> {
    Router::new()
        .route("/sign-in", get(sign_in::get).post(sign_in::step))
        .route("/sign-up", get(sign_up::get).post(sign_up::step))
        .route("/oauth", get(provider::get).post(provider::choose))
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
    if is_near(headers) || visit.user().is_none() {
        return Ok(leave(&visit));
    }
    let body = html::form(
        &visit.to("sign-out"),
        "sign_out",
        "<button>Sign out</button>",
    );
    Ok(visit.page(StatusCode::OK, "Sign out?", None, &body))
}

/// Whether a page of this machine sent the browser, by what only browsers say. A strict page may send no referrer, but
/// its browser still tells that it is of the same host.
fn is_near(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    let same = matches!(site, Some(b"same-origin" | b"same-site"));
    same || headers.get(REFERER).is_some_and(|from| !is_far_from(from))
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
