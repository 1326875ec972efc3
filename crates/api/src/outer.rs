//! Around every request, in one layer: an id, a span for the logs, the limits on head and time, panics, the headers that
//! every answer has, and the id in every problem.
//!
//! One, since axum puts each layer into a box of its own and clones what lies within on every request
//! ([why](../../../docs/decisions/0033-one-outer-layer.md)).

use std::convert::Infallible;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use http::{HeaderValue, header};
use ipnet::IpNet;
use tower_layer::Layer;
use tower_service::Service;
use tracing::{Instrument as _, Span};

use crate::leaving::Leaving;
use crate::peer::PeerAddress;
use crate::problem::{Kind, Problem};
use crate::rate_limits::RateLimits;
use crate::request_id::{RequestId, RequestIds};
use crate::{fallback, fixed_headers, head_size};

/// Puts [`Outer`] around each route.
#[derive(Clone)]
pub(crate) struct OuterLayer {
    limit: Duration,
    ids: Arc<RequestIds>,
    strangers: Option<Arc<Strangers>>,
    leaving: Leaving,
}

/// Counts those who prove to be nobody.
struct Strangers {
    rate_limits: Arc<RateLimits>,
    trusted_proxies: Vec<IpNet>,
}

impl OuterLayer {
    /// For requests that may take this long in all.
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            limit,
            ids: Arc::new(RequestIds::new()),
            strangers: None,
            leaving: Leaving::default(),
        }
    }

    /// Of a service that stops some day.
    pub(crate) fn until(self, leaving: Leaving) -> Self {
        Self { leaving, ..self }
    }

    /// Where those who are refused for want of a proof are counted, by their address.
    pub(crate) fn counting_strangers(
        self,
        rate_limits: Arc<RateLimits>,
        trusted_proxies: Vec<IpNet>,
    ) -> Self {
        let strangers = Strangers {
            rate_limits,
            trusted_proxies,
        };
        Self {
            strangers: Some(Arc::new(strangers)),
            ..self
        }
    }
}

impl<S> Layer<S> for OuterLayer {
    type Service = Outer<S>;

    fn layer(&self, inner: S) -> Outer<S> {
        Outer {
            inner,
            layer: self.clone(),
        }
    }
}

/// A route, and what is around it.
#[derive(Clone)]
pub(crate) struct Outer<S> {
    inner: S,
    layer: OuterLayer,
}

impl<S> Service<Request> for Outer<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let id = self.layer.ids.of(request.headers());
        id.leave_with(&mut request);
        let span = span(&request, &id);
        let refused = head_size::refused(&request);
        let strangers = self.layer.strangers.clone().map(|strangers| {
            let trusted = &strangers.trusted_proxies;
            let address = PeerAddress::of(request.extensions(), request.headers(), trusted);
            (strangers, address)
        });
        let inner = &mut self.inner;
        // What runs before the first await: the router's part of the work.
        let answering = match refused {
            Some(problem) => Err(problem),
            None => span
                .in_scope(|| catch_unwind(AssertUnwindSafe(|| inner.call(request))))
                .map_err(|_| fallback::panicked()),
        };
        let limit = self.layer.limit;
        let is_last = self.layer.leaving.has_begun();
        let work = async move {
            let began = tracing::enabled!(tracing::Level::DEBUG).then(Instant::now);
            let mut response = match answering {
                Ok(answering) => {
                    let answering = AssertUnwindSafe(answering).catch_unwind();
                    match within(limit, answering).await {
                        Some(Ok(Ok(response))) => response,
                        Some(Err(_)) => fallback::panicked().into_response(),
                        None => Problem::of(Kind::RequestTimeout).into_response(),
                    }
                }
                Err(problem) => problem.into_response(),
            };
            let problem = response.extensions_mut().remove::<Problem>();
            let problem = problem.map(|problem| match strangers {
                Some((strangers, PeerAddress(address))) if problem.is_a_strangers() => {
                    let counted = strangers.rate_limits.stranger(address);
                    counted.err().unwrap_or(problem)
                }
                _ => problem,
            });
            if let Some(began) = began {
                let code = problem.as_ref().map(|problem| problem.kind().code());
                let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
                tracing::debug!(
                    status = response.status().as_u16(),
                    code,
                    micros,
                    "answered"
                );
            }
            if let Some(problem) = problem {
                response = with_headers_of(&response, problem.respond(id.as_str()));
            }
            fixed_headers::add(&mut response);
            if is_last {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
            id.write(response.headers_mut());
            Ok(response)
        };
        Box::pin(work.instrument(span))
    }
}

/// The request's span. The route's template, never the path itself: paths may hold ids, and logs should group.
fn span(request: &Request, id: &RequestId) -> Span {
    let route = || {
        let matched = request.extensions().get::<MatchedPath>();
        matched.map_or("(none)", MatchedPath::as_str)
    };
    tracing::info_span!("request", id = id.as_str(), method = %request.method(), route = route())
}

/// What the future gives, or none when it takes longer. Most answers are there at once: they pay for no timer.
async fn within<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let first = poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await;
    match first {
        Poll::Ready(output) => Some(output),
        Poll::Pending => tokio::time::timeout(limit, future).await.ok(),
    }
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

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::routing::get;
    use http::StatusCode;
    use tower::ServiceExt as _;

    use super::*;

    fn routes() -> Router {
        Router::new()
            .route("/fine", get(async || "fine"))
            .route("/late", get(std::future::pending::<StatusCode>))
            .route(
                "/slow",
                get(async || {
                    tokio::time::sleep(LIMIT / 2).await;
                    "fine"
                }),
            )
            .route("/panic", get(panics))
            .route(
                "/panic-later",
                get(async || {
                    tokio::task::yield_now().await;
                    panics().await
                }),
            )
            .fallback(fallback::not_found)
            .layer(OuterLayer::new(LIMIT))
    }

    const LIMIT: Duration = Duration::from_secs(30);

    async fn panics() -> StatusCode {
        panic!("a secret")
    }

    async fn ask(path: &str, header: Option<(&str, String)>) -> (Response, String) {
        let mut request = Request::get(path);
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let request = request.body(Body::empty()).unwrap();
        let mut response = routes().oneshot(request).await.unwrap();
        let body = std::mem::take(response.body_mut());
        let body = to_bytes(body, 10_000).await.unwrap();
        (response, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn whatever_happens_there_is_an_answer_with_its_id_and_the_fixed_headers() {
        let large = || Some(("x-large", "x".repeat(33 * 1024)));
        for (path, header, status, code) in [
            ("/fine", None, 200, None),
            ("/slow", None, 200, None),
            ("/late", None, 503, Some("request_timeout")),
            ("/panic", None, 500, Some("internal_error")),
            ("/panic-later", None, 500, Some("internal_error")),
            ("/nowhere", None, 404, Some("not_found")),
            ("/fine", large(), 431, Some("head_too_large")),
        ] {
            let (response, body) = ask(path, header).await;
            assert_eq!(response.status(), status, "{path}");
            let headers = response.headers();
            for name in [
                "x-content-type-options",
                "x-frame-options",
                "referrer-policy",
                "content-security-policy",
            ] {
                assert_eq!(headers.get_all(name).iter().count(), 1, "{path}: {name}");
            }
            let id = headers["x-request-id"].to_str().unwrap();
            let Some(code) = code else {
                assert_eq!(body, "fine");
                continue;
            };
            assert_eq!(headers["content-type"], "application/problem+json");
            let body: serde_json::Value = serde_json::from_str(&body).unwrap();
            assert_eq!(body["code"], code);
            assert_eq!(body["instance"], id);
            assert!(!body.to_string().contains("secret"));
        }
    }

    #[tokio::test]
    async fn the_callers_own_id_names_the_request() {
        let own = Some(("x-request-id", "req-42".to_owned()));
        let (response, body) = ask("/panic", own).await;
        assert_eq!(response.headers()["x-request-id"], "req-42");
        assert!(body.contains(r#""instance":"req-42""#), "{body}");
    }
}
