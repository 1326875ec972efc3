//! Around every request: an id, a span for the logs, a time limit, and the id in every problem.

use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::problem::{Kind, Problem};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_REQUEST_ID: usize = 128;

/// The middleware.
pub(crate) async fn around(
    State(limit): State<Duration>,
    request: Request,
    next: Next,
) -> Response {
    let id = request_id(request.headers());
    let method = request.method().clone();
    // The template, never the path itself: paths may hold ids, and logs should group.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "(none)".to_owned(), |path| path.as_str().to_owned());
    let span = tracing::info_span!("request", id, %method, route);
    let began = Instant::now();
    let answered = async move {
        tokio::time::timeout(limit, next.run(request))
            .await
            .unwrap_or_else(|_| Problem::of(Kind::RequestTimeout).into_response())
    };
    let mut response = answered.instrument(span.clone()).await;
    let problem = response.extensions_mut().remove::<Problem>();
    span.in_scope(|| {
        let code = problem.as_ref().map(|problem| problem.kind().code());
        let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        tracing::debug!(
            status = response.status().as_u16(),
            code,
            micros,
            "answered"
        );
    });
    if let Some(problem) = problem {
        response = with_headers_of(&response, problem.respond(Some(&id)));
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// The caller's own id when it is fit to be logged, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| {
            !id.is_empty()
                && id.len() <= MAX_REQUEST_ID
                && id.bytes().all(|byte| byte.is_ascii_graphic())
        })
        .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

/// What layers between here and the problem have added, such as `Vary`.
fn with_headers_of(before: &Response, mut after: Response) -> Response {
    for (name, value) in before.headers() {
        if !after.headers().contains_key(name) && name != http::header::CONTENT_LENGTH {
            after.headers_mut().append(name, value.clone());
        }
    }
    after
}
