//! Who calls: which browser, which page, and as whom.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::{COOKIE, ORIGIN, REFERER};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use axum::response::{IntoResponse as _, Response};
use reqwest::Url;
use serde_json::{Value, json};

use super::shown;
use crate::backend::Query;
use crate::denial::Denial;
use crate::instance::browsers::Browser;
use crate::instance::{Caller, Instance};
use crate::session::Session;

/// What the query and the headers say of the caller.
#[derive(Debug)]
pub(super) struct Visitor {
    pub(super) browser: Browser,
    /// The page's origin; becomes `azp` of its tokens.
    pub(super) party: Option<String>,
    pub(super) caller: Caller,
    /// Which session the page means, where a browser may have several.
    session_id: Option<String>,
}

impl FromRequestParts<Arc<Instance>> for Visitor {
    type Rejection = Denial;

    async fn from_request_parts(
        parts: &mut Parts,
        instance: &Arc<Instance>,
    ) -> Result<Self, Denial> {
        let Ok(caller) = Caller::from_request_parts(parts, instance).await;
        let query = Query::from_request_parts(parts, instance)
            .await
            .unwrap_or_default();
        let browser = match query.one("__clerk_db_jwt") {
            Some(id) => instance.dev_browser(id)?,
            None => instance.cookie_browser(cookie(&parts.headers, "__client")),
        };
        Ok(Self {
            browser,
            party: party(&parts.headers),
            caller,
            session_id: query.one("_clerk_session_id").map(str::to_owned),
        })
    }
}

impl Visitor {
    /// The browser's client, made when there is none.
    pub(super) fn client(&mut self, instance: &Instance) -> String {
        instance.ensure_client(&mut self.browser)
    }

    /// The session that the page acts for.
    pub(super) fn session(&self, instance: &Instance) -> Result<Session, Denial> {
        instance
            .active_session(&self.browser, self.session_id.as_deref())
            .ok_or(Denial::SignedOut)
    }

    /// `{response, client}`, and the cookies by which a browser without a development browser is known.
    pub(super) fn answer(&self, instance: &Instance, response: Value) -> Response {
        let client = shown::client(instance, &self.browser, self.party.as_deref());
        let cookies = self.cookies(instance, &client);
        let mut answer =
            axum::Json(json!({ "response": response, "client": client })).into_response();
        answer.headers_mut().extend(cookies);
        answer
    }

    /// `{response}` alone, for reading.
    pub(super) fn read(&self, instance: &Instance, response: Value) -> Response {
        let cookies = self.cookies(instance, &response);
        let mut answer = axum::Json(json!({ "response": response })).into_response();
        answer.headers_mut().extend(cookies);
        answer
    }

    fn cookies(&self, instance: &Instance, client: &Value) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let Some(own) = instance.client_cookie(&self.browser) else {
            return headers;
        };
        let signed_in = client
            .pointer("/sessions/0")
            .and_then(|_| client.get("updated_at"))
            .and_then(Value::as_i64);
        let uat = signed_in.unwrap_or(0) / 1_000;
        for cookie in [
            format!("__client={own}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"),
            format!("__client_uat={uat}; Path=/; Max-Age=31536000; SameSite=Lax"),
        ] {
            if let Ok(value) = cookie.parse() {
                headers.append(axum::http::header::SET_COOKIE, value);
            }
        }
        headers
    }
}

/// The value of a cookie.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).into_iter();
    let pairs = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'));
    let mut named = pairs.filter_map(|pair| pair.trim().split_once('='));
    named
        .find(|(own, value)| *own == name && !value.is_empty())
        .map(|(_, value)| value)
}

/// The page's origin. A page on the emulator's own origin sends no `Origin` with GET, nor does one behind a proxy of its
/// own; then it is where it says to come from.
fn party(headers: &HeaderMap) -> Option<String> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let origin = text(ORIGIN).map(str::to_owned);
    origin.or_else(|| {
        let page = Url::parse(text(REFERER)?).ok()?;
        Some(page.origin().ascii_serialization()).filter(|origin| origin != "null")
    })
}
