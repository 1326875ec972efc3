//! Who gets to see a page, and who is sent to Clerk first.
//!
//! The same as Clerk's own server libraries do: a valid session is let in; whoever may be signed in at Clerk although his
//! session here is missing or has expired makes the round of a handshake (`round.rs`); everybody else is asked to sign in.
//! What the token cannot say (whether the user is banned, the session revoked) `CurrentUser` asks, as for any other route.

use std::sync::Arc;

use api::{Access, Admin, App, Asks, CurrentUser, IsAdmin, Kind, Problem, Rule as _};
use auth::{PageCookie, TokenError};
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::Utc;
use http::header::SET_COOKIE;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use url::form_urlencoded::Serializer;

use crate::arrival::{Arrival, DEV_BROWSER, WORD};
use crate::origin::Origin;
use crate::round::Round;
use crate::settings::{Console, FrontendApi};

/// Anybody who asks for a page, with what is known of him.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) console: Arc<Console>,
    pub(crate) origin: Origin,
    /// The path with its query, without what Clerk has added.
    pub(crate) path: String,
    /// Who it is, where he is let in.
    pub(crate) caller: Option<CurrentUser>,
    /// Whether he is an administrator.
    pub(crate) is_admin: bool,
    /// Why somebody who has proven who he is is not let in.
    pub(crate) refused: Option<Problem>,
    query: Vec<(String, String)>,
    /// Cookies that go with the page.
    cookies: Vec<HeaderValue>,
    /// Asked for by a script, which can be sent nowhere.
    is_by_script: bool,
}

/// Somebody who is signed in and let in.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) visit: Visit,
    pub(crate) caller: CurrentUser,
}

/// An administrator.
#[derive(Debug)]
pub(crate) struct Desk(pub(crate) Person);

/// Another answer than the page that was asked for.
#[derive(Debug)]
pub(crate) struct Turned(Box<Response>);

impl IntoResponse for Turned {
    fn into_response(self) -> Response {
        *self.0
    }
}

impl From<Problem> for Turned {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem.into_response()))
    }
}

impl Visit {
    /// The first value that the query has under this name, unless it is empty.
    pub(crate) fn asked(&self, name: &str) -> Option<&str> {
        let mut found = self.query.iter().filter(|(known, _)| known == name);
        let (_, value) = found.next()?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// Puts the visit's cookies onto its answer.
    pub(crate) fn onto(&self, mut response: Response) -> Response {
        for cookie in &self.cookies {
            response.headers_mut().append(SET_COOKIE, cookie.clone());
        }
        response
    }

    async fn begin(parts: &mut Parts, app: &App) -> Result<Self, Turned> {
        let console = parts.extensions.get::<Arc<Console>>().cloned();
        let console = console.ok_or_else(|| Problem::of(Kind::Internal))?;
        let origin = Origin::of(parts, app)?;
        let query = parts.uri.query().unwrap_or_default();
        let (arrival, kept) = Arrival::of(query, &parts.headers, origin.is_https);
        let mut visit = Self {
            path: path_with(parts.uri.path(), &kept),
            console,
            origin,
            caller: None,
            is_admin: false,
            refused: None,
            query: kept,
            cookies: Vec::new(),
            is_by_script: is_by_script(&parts.headers),
        };
        visit.recognize(arrival, parts, app).await?;
        Ok(visit)
    }

    async fn recognize(
        &mut self,
        arrival: Arrival,
        parts: &mut Parts,
        app: &App,
    ) -> Result<(), Turned> {
        let now = Utc::now();
        let proven = match app.authenticator.find(&parts.headers) {
            Ok(credential) => {
                app.authenticator
                    .authenticate_credential(credential, now)
                    .await
            }
            Err(error) => Err(error),
        };
        if let Some(token) = &arrival.handshake {
            return Err(self.come_back(token, &arrival, proven.is_ok(), app).await);
        }
        if arrival.word.is_some() && proven.is_ok() {
            return Err(Turned(Box::new(Redirect::to(&self.path).into_response())));
        }
        let is_development = self.is_development();
        let has_signed_in_at_clerk = is_development && arrival.dev_browser.is_some();
        let error = match proven {
            Ok(_) if !has_signed_in_at_clerk => {
                if arrival.round.is_some() {
                    self.cookies.extend(Round::over(&self.origin));
                }
                match CurrentUser::from_request_parts(parts, app).await {
                    Ok(caller) => {
                        self.is_admin = IsAdmin::check(app, &caller, now).is_ok();
                        self.caller = Some(caller);
                    }
                    Err(problem) => self.refuse(problem, app),
                }
                return Ok(());
            }
            Ok(_) => TokenError::Missing,
            Err(error) => error,
        };
        if error == TokenError::KeysUnavailable {
            self.refused = Some(error.into());
            return Ok(());
        }
        let may_be_signed_in = has_signed_in_at_clerk
            || app
                .authenticator
                .page_cookies()
                .signed_in_at(&parts.headers)
                .is_some();
        let frontend_api = self.console.settings.frontend_api.as_ref();
        if let Some(clerk) = frontend_api.filter(|_| may_be_signed_in && !self.is_by_script)
            && error != TokenError::SessionPending
            && parts.method.is_safe()
        {
            let known = app.authenticator.page_cookies().dev_browser(&parts.headers);
            return Err(self.send_to(clerk, &error, &arrival, known));
        }
        Ok(())
    }

    /// Back from Clerk, with what its handshake says.
    async fn come_back(
        &self,
        token: &str,
        arrival: &Arrival,
        is_proven: bool,
        app: &App,
    ) -> Turned {
        if !arrival.is_expected() {
            // A link that has served, or that another browser was sent: it signs nobody in.
            if is_proven || arrival.round.is_some() {
                return Turned(Box::new(Redirect::to(&self.path).into_response()));
            }
            let words = "this link belongs to another browser, or has been used before, or cookies are switched off";
            return Problem::with_detail(Kind::TokenMissing, words).into();
        }
        let cookies = app.authenticator.page_cookies();
        let verifier = app.authenticator.verifier();
        let told = cookies.of_handshake(verifier, token, Utc::now()).await;
        let mut response = match &told {
            Ok(_) => Redirect::to(&self.path).into_response(),
            Err(error) => {
                tracing::info!(target: "security", code = error.code(), "a handshake was refused");
                let kind = Problem::from(error.clone()).kind();
                let words = format!("what Clerk sent you back with is not accepted here: {error}");
                Problem::with_detail(kind, words).into_response()
            }
        };
        let headers = response.headers_mut();
        set(headers, &told.unwrap_or_default(), &self.origin);
        let served = arrival.round.clone().unwrap_or_default().served();
        if let Ok(cookie) = served.header(&self.origin) {
            headers.append(SET_COOKIE, cookie);
        }
        Turned(Box::new(response))
    }

    /// To Clerk, which knows whether he is signed in.
    fn send_to(
        &self,
        clerk: &FrontendApi,
        error: &TokenError,
        arrival: &Arrival,
        known: Option<&str>,
    ) -> Turned {
        let round = arrival.round.clone().unwrap_or_default();
        let Some((round, word)) = round.next() else {
            let kind = Problem::from(error.clone()).kind();
            let words = format!(
                "Clerk was asked three times, and still there is no session that this service accepts: {error}. Are cookies \
                 switched on, and is the service configured for the same Clerk instance?"
            );
            let mut response = Problem::with_detail(kind, words).into_response();
            // Whoever tries again by hand begins anew.
            if let Ok(cookie) = Round::over(&self.origin) {
                response.headers_mut().append(SET_COOKIE, cookie);
            }
            return Turned(Box::new(response));
        };
        let separator = if self.path.contains('?') { '&' } else { '?' };
        let back = format!(
            "{}{}{separator}{WORD}={word}",
            self.origin.as_str(),
            self.path
        );
        let mut query = Serializer::new(String::new());
        query.append_pair("redirect_url", &back);
        query.append_pair("suffixed_cookies", "true");
        query.append_pair("__clerk_hs_reason", reason(error));
        if let Some(browser) = arrival.dev_browser.as_deref().or(known)
            && clerk.is_development
        {
            query.append_pair(DEV_BROWSER, browser);
        }
        let url = format!("{}/v1/client/handshake?{}", clerk.url, query.finish());
        let mut response = Redirect::temporary(&url).into_response();
        if let Ok(cookie) = round.header(&self.origin) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        Turned(Box::new(response))
    }

    /// Signed in, and not let in. Whose session is over here is signed out.
    fn refuse(&mut self, problem: Problem, app: &App) {
        if matches!(problem.kind(), Kind::SessionRevoked | Kind::UserDeleted) {
            for cookie in app.authenticator.page_cookies().signed_out() {
                self.cookies.extend(cookie.header(self.origin.site()));
            }
        }
        self.refused = Some(problem);
    }

    fn is_development(&self) -> bool {
        let api = self.console.settings.frontend_api.as_ref();
        api.is_some_and(|api| api.is_development)
    }

    /// The caller, or what he gets instead of the page.
    fn person(mut self) -> Result<Person, Turned> {
        if let Some(caller) = self.caller.take() {
            return Ok(Person {
                visit: self,
                caller,
            });
        }
        let response = match self.refused.take() {
            Some(problem) => problem.into_response(),
            None if self.is_by_script => Problem::of(Kind::TokenMissing).into_response(),
            None => {
                let mut query = Serializer::new(String::new());
                query.append_pair("redirect_url", &self.path);
                Redirect::to(&format!("/sign-in?{}", query.finish())).into_response()
            }
        };
        Err(Turned(Box::new(self.onto(response))))
    }
}

impl FromRequestParts<App> for Visit {
    type Rejection = Turned;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Turned> {
        Box::pin(Self::begin(parts, app)).await
    }
}

impl FromRequestParts<App> for Person {
    type Rejection = Turned;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Turned> {
        Visit::from_request_parts(parts, app).await?.person()
    }
}

impl FromRequestParts<App> for Desk {
    type Rejection = Turned;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Turned> {
        let person = Person::from_request_parts(parts, app).await?;
        parts.extensions.insert(person.caller.clone());
        Admin::from_request_parts(parts, app).await?;
        Ok(Self(person))
    }
}

impl Asks for Visit {
    fn access() -> Access {
        Access::anybody()
    }
}

impl Asks for Person {
    fn access() -> Access {
        Access::user()
    }
}

impl Asks for Desk {
    fn access() -> Access {
        Admin::access()
    }
}

fn set(headers: &mut HeaderMap, cookies: &[PageCookie], origin: &Origin) {
    for cookie in cookies {
        if let Ok(value) = cookie.header(origin.site()) {
            headers.append(SET_COOKIE, value);
        }
    }
}

fn path_with(path: &str, query: &[(String, String)]) -> String {
    if query.is_empty() {
        return path.to_owned();
    }
    let mut kept = Serializer::new(String::new());
    kept.extend_pairs(query);
    format!("{path}?{}", kept.finish())
}

/// Browsers say what becomes of an answer; without a word it is taken for a page.
fn is_by_script(headers: &HeaderMap) -> bool {
    headers
        .get("sec-fetch-dest")
        .is_some_and(|dest| dest != "document" && dest != "iframe")
}

/// As Clerk's own libraries name it, for whoever looks at Clerk's logs.
fn reason(error: &TokenError) -> &'static str {
    match error {
        TokenError::Missing => "client-uat-but-no-session-token",
        TokenError::Expired { .. } => "session-token-expired",
        TokenError::NotYetValid { .. } => "session-token-nbf",
        _ => "unexpected-error",
    }
}
