//! `/client/handshake` and `/client/touch`: a browser comes from a site and is sent back there with new cookies.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use reqwest::Url;

use super::Answer;
use super::visitor::cookie;
use crate::backend::Query;
use crate::guard::is_this_machine;
use crate::instance::Instance;
use crate::instance::browsers::Browser;
use crate::params::invalid;
use crate::refusal::Refusal;

/// The cookie by which the emulator's own pages know a development browser.
pub(super) const BROWSER_COOKIE: &str = "__emu_browser";

/// Back to `redirect_url` with the cookies that the site should have: as a nonce that its server exchanges
/// (`format=nonce`), else as a signed token. A browser that is not known gets a new development browser.
pub(super) async fn handshake(
    State(instance): State<Arc<Instance>>,
    query: Query,
    headers: HeaderMap,
) -> Answer {
    let mut back = redirect_url(&instance, &query)?;
    let browser = browser(&instance, &query, &headers);
    let azp = back.origin().ascii_serialization();
    let directives = instance.cookies_for(&browser, query.one("organization_id"), &azp)?;
    let (name, value) = match query.one("format") {
        Some("nonce") => (
            "__clerk_handshake_nonce",
            instance.handshake_nonce(directives),
        ),
        _ => ("__clerk_handshake", instance.handshake_token(&directives)?),
    };
    set_query(&mut back, name, &value);
    Ok(redirect(&back))
}

/// Back to `redirect_url`. Clerk renews its cookie on the way; the emulator's does not end.
pub(super) async fn touch(State(instance): State<Arc<Instance>>, query: Query) -> Answer {
    Ok(redirect(&redirect_url(&instance, &query)?))
}

/// The browser, made known when it is not.
pub(super) fn browser(instance: &Instance, query: &Query, headers: &HeaderMap) -> Browser {
    known_browser(instance, query, headers)
        .unwrap_or_else(|| Browser::Development(instance.new_dev_browser().id))
}

/// The development browser of the query, else the one that a site on the same host keeps in its own cookie (ports do not
/// part cookies), else the one with the client's cookie, else that of the emulator's own cookie.
pub(super) fn known_browser(
    instance: &Instance,
    query: &Query,
    headers: &HeaderMap,
) -> Option<Browser> {
    let known = |id: Option<&str>| id.and_then(|id| instance.dev_browser(id).ok());
    let by_client = || match instance.cookie_browser(cookie(headers, "__client")) {
        Browser::Cookie(None) => None,
        browser => Some(browser),
    };
    known(query.one("__clerk_db_jwt"))
        .or_else(|| known(cookie(headers, "__clerk_db_jwt")))
        .or_else(by_client)
        .or_else(|| known(cookie(headers, BROWSER_COOKIE)))
}

/// The address to go back to, of this machine or of an origin that the emulator was told, without what an earlier
/// handshake left in it.
pub(super) fn redirect_url(instance: &Instance, query: &Query) -> Result<Url, Refusal> {
    let param = "redirect_url";
    let text = query.one(param).ok_or(Refusal::ParamMissing { param })?;
    safe_url(instance, text)
        .ok_or_else(|| invalid(param, "an absolute http address of this machine"))
}

/// The address, if browsers may be sent there.
pub(super) fn safe_url(instance: &Instance, text: &str) -> Option<Url> {
    // The parser forgives tabs, line ends and backslashes; here they can only be meant to deceive.
    if text.contains(|letter: char| letter.is_control() || letter == '\\') {
        return None;
    }
    let mut url = Url::parse(text).ok()?;
    let plain = url.username().is_empty() && url.password().is_none();
    let origin = url.origin().ascii_serialization();
    let front = &instance.front;
    let told = front.page_origins.iter().chain([&front.origin]);
    let welcome = url.host_str().is_some_and(is_this_machine)
        || told
            .into_iter()
            .any(|own| own.trim_end_matches('/') == origin);
    if !plain || !welcome || !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    let stale = |name: &str| {
        name.starts_with("__clerk_handshake")
            || name == "__clerk_db_jwt"
            || name == "__clerk_hs_reason"
    };
    if url.query_pairs().any(|(name, _)| stale(&name)) {
        let kept: Vec<(String, String)> = url
            .query_pairs()
            .filter(|(name, _)| !stale(name))
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        url.set_query(None);
        if !kept.is_empty() {
            url.query_pairs_mut().extend_pairs(kept);
        }
    }
    Some(url)
}

pub(super) fn set_query(url: &mut Url, name: &str, value: &str) {
    url.query_pairs_mut().append_pair(name, value);
}

fn redirect(to: &Url) -> Response {
    let location = [(LOCATION, to.as_str().to_owned())];
    (StatusCode::TEMPORARY_REDIRECT, location).into_response()
}
