//! The emulator's own page: what there is, what was sent, and buttons for everything that happens at Clerk. Drawn here,
//! whole without a script; the script only keeps it fresh.

mod act;
mod billing;
mod chaos;
mod deliveries;
mod forms;
mod frame;
mod members;
mod organizations;
mod overview;
mod sessions;
mod settings;
mod users;
mod view;

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, middleware};
use sha2::{Digest as _, Sha256};

use crate::backend::Query;
use crate::guard::refuse_foreign_pages;
use crate::instance::Instance;
use view::View;

/// Nothing but this origin's own files, no frames, and forms only back here.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
    img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// `loopback`: the emulator listens on a loopback address only.
pub(crate) fn router(loopback: bool) -> Router<Arc<Instance>> {
    Router::new()
        .route("/", get(show))
        .route("/__emu", get(show))
        .route("/__emu/", get(show))
        .route("/__emu/page.css", get(style))
        .route("/__emu/page.js", get(script))
        .route("/__emu/page/{action}", post(act::act))
        .layer(middleware::from_fn_with_state(
            loopback,
            refuse_foreign_pages,
        ))
}

async fn show(State(instance): State<Arc<Instance>>, headers: HeaderMap, query: Query) -> Response {
    let view = View::of(&query);
    let drawn = frame::draw(&instance, &view, &headers, frame::Said::by(&query));
    let digest = Sha256::digest(&drawn);
    let hex = digest.iter().take(12).map(|byte| format!("{byte:02x}"));
    let tag = format!("\"{}\"", hex.collect::<String>());
    let known = headers.get(IF_NONE_MATCH).and_then(|it| it.to_str().ok());
    let mut answer = if known == Some(tag.as_str()) {
        (StatusCode::NOT_MODIFIED, guarded()).into_response()
    } else {
        html(StatusCode::OK, drawn)
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        answer.headers_mut().insert(ETAG, tag);
    }
    answer
}

/// A page with its headers.
fn html(status: StatusCode, drawn: String) -> Response {
    let content_type = [(CONTENT_TYPE, "text/html; charset=utf-8")];
    (status, guarded(), content_type, drawn).into_response()
}

/// `same-origin`, since with less a browser hides the origin of the page's own forms too.
fn guarded() -> [(HeaderName, &'static str); 4] {
    [
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "same-origin"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-cache"),
    ]
}

async fn style() -> impl IntoResponse {
    let content_type = [(CONTENT_TYPE, "text/css; charset=utf-8")];
    (guarded(), content_type, STYLE)
}

async fn script() -> impl IntoResponse {
    let content_type = [(CONTENT_TYPE, "text/javascript; charset=utf-8")];
    (guarded(), content_type, SCRIPT)
}
