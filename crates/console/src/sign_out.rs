//! Signing out, also where no script runs.

use api::{App, Kind, Problem, RequestId, end_session};
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::HeaderMap;
use http::header::{ORIGIN, SET_COOKIE};

use crate::entrance::Visit;

/// `POST /sign-out`: ends the session here at once and at Clerk in the background, and takes the cookies away. Whoever is
/// not signed in any more loses what is left of them.
pub(crate) async fn sign_out(
    visit: Visit,
    State(app): State<App>,
    headers: HeaderMap,
    request: RequestId,
) -> Result<Response, Problem> {
    let said = headers.get(ORIGIN);
    if said.is_none_or(|origin| origin.as_bytes() != visit.origin.as_str().as_bytes()) {
        let words = "only a page of this site can sign somebody out";
        return Err(Problem::with_detail(Kind::OriginNotAllowed, words));
    }
    if let Some(caller) = &visit.caller {
        match end_session(&app, caller, &request).await {
            Err(problem) if problem.kind() != Kind::SessionRequired => return Err(problem),
            _ => {}
        }
    }
    let mut response = Redirect::to("/").into_response();
    for cookie in app.authenticator.page_cookies().signed_out() {
        if let Ok(value) = cookie.header(visit.origin.site()) {
            response.headers_mut().append(SET_COOKIE, value);
        }
    }
    Ok(response)
}
