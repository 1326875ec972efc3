//! Around every request, in one layer: an id, its name for the logs, the limits on head, time and load, panics, the headers
//! that every answer has, the id in every problem, and the counts.
//!
//! One, since axum puts each layer into a box of its own and clones what lies within on every request
//! ([why](../../../docs/decisions/0033-one-outer-layer.md)).

use std::convert::Infallible;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::{MatchedPath, Request};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use http::{HeaderValue, Method, header};
use ipnet::IpNet;
use tower_layer::Layer;
use tower_service::Service;
use tracing::Instrument as _;

use crate::counts::Traffic;
use crate::current_request::{CurrentRequest, Route};
use crate::leaving::Leaving;
use crate::load::Load;
use crate::pages::Drawing;
use crate::peer::PeerAddress;
use crate::problem::{Kind, Problem};
use crate::rate_limits::RateLimits;
use crate::request_id::RequestIds;
use crate::{fallback, fixed_headers, head_size};

/// Puts [`Outer`] around each route. A clone is a pointer.
#[derive(Clone)]
pub(crate) struct OuterLayer(Arc<Around>);

/// What is around every route.
pub(crate) struct Around {
    limit: Duration,
    ids: RequestIds,
    load: Arc<Load>,
    traffic: Arc<Traffic>,
    strangers: Option<Strangers>,
    leaving: Leaving,
    drawing: Option<Drawing>,
}

/// Counts those who prove to be nobody.
struct Strangers {
    rate_limits: Arc<RateLimits>,
    trusted_proxies: Vec<IpNet>,
}

impl Around {
    /// For requests that may take this long in all, beside others under way, counted by route.
    pub(crate) fn new(limit: Duration, load: Arc<Load>, traffic: Arc<Traffic>) -> Self {
        Self {
            limit,
            ids: RequestIds::new(),
            load,
            traffic,
            strangers: None,
            leaving: Leaving::default(),
            drawing: None,
        }
    }

    /// Of a service that stops some day.
    pub(crate) fn until(self, leaving: Leaving) -> Self {
        Self { leaving, ..self }
    }

    /// With pages, whose failures are drawn.
    pub(crate) fn drawing(self, drawing: Option<Drawing>) -> Self {
        Self { drawing, ..self }
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
            strangers: Some(strangers),
            ..self
        }
    }

    /// The layer.
    pub(crate) fn layer(self) -> OuterLayer {
        OuterLayer(Arc::new(self))
    }
}

impl OuterLayer {
    /// Around a service that stands beside the router, under the name of a route.
    pub(crate) fn beside<S>(&self, route: &'static str, inner: S) -> Outer<S> {
        Outer {
            inner,
            around: Arc::clone(&self.0),
            route: Some(route),
        }
    }
}

impl<S> Layer<S> for OuterLayer {
    type Service = Outer<S>;

    fn layer(&self, inner: S) -> Outer<S> {
        Outer {
            inner,
            around: Arc::clone(&self.0),
            route: None,
        }
    }
}

/// A route, and what is around it.
#[derive(Clone)]
pub(crate) struct Outer<S> {
    inner: S,
    around: Arc<Around>,
    /// Where no router has matched one.
    route: Option<&'static str>,
}

/// An answer on its way.
pub(crate) type Work = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

impl<S> Outer<S> {
    /// Whether this is a service beside the router to which such a request goes.
    pub(crate) fn is_for<B>(&self, request: &http::Request<B>) -> bool {
        *request.method() == Method::GET && self.route == Some(request.uri().path())
    }
}

impl<S> Service<Request> for Outer<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Work;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let around = Arc::clone(&self.around);
        let id = around.ids.of(request.headers());
        id.leave_with(&mut request);
        let route = match self.route {
            Some(route) => Route::Fixed(route),
            None => Route::matched(request.extensions().get::<MatchedPath>()),
        };
        let named = CurrentRequest::new(id.clone(), request.method().clone(), route);
        let route = named.route();
        let drawing = around.drawing.as_ref().and_then(|drawing| {
            let path = request.uri().path();
            drawing.of(route, path, request.method(), request.headers())
        });
        let timed = around.traffic.begin(route, request.method());
        let (place, fits) = around.load.enter();
        let refused = if fits || route.is_some_and(is_told_in_any_case) {
            head_size::refused(&request)
        } else {
            Some(Problem::of(Kind::Overloaded))
        };
        let address = around.strangers.as_ref().and_then(|strangers| {
            let trusted = &strangers.trusted_proxies;
            PeerAddress::of(request.extensions(), request.headers(), trusted).0
        });
        let inner = &mut self.inner;
        // What runs before the first await: the router's part of the work.
        let answering = match refused {
            Some(problem) => Err(Some(problem)),
            None => catch_unwind(AssertUnwindSafe(|| inner.call(request))).map_err(|_| None),
        };
        let is_last = around.leaving.has_begun();
        let span = named.span();
        let work = async move {
            let mut response = match answering {
                Ok(answering) => {
                    let answering = AssertUnwindSafe(answering).catch_unwind();
                    match within(around.limit, answering).await {
                        Some(Ok(Ok(response))) => response,
                        Some(Err(_)) => fallback::panicked().into_response(),
                        None => Problem::of(Kind::RequestTimeout).into_response(),
                    }
                }
                Err(Some(problem)) => problem.into_response(),
                Err(None) => fallback::panicked().into_response(),
            };
            let problem = response.extensions_mut().remove::<Problem>();
            let problem = problem.map(|problem| match &around.strangers {
                Some(strangers) if problem.is_a_strangers() => {
                    let counted = strangers.rate_limits.stranger(address);
                    counted.err().unwrap_or(problem)
                }
                _ => problem,
            });
            let kind = problem.as_ref().map(Problem::kind);
            if let Some(problem) = problem {
                let drawn = match drawing {
                    Some(draw) => problem.drawn(draw, id.as_str()),
                    None => problem.respond(id.as_str()),
                };
                response = with_headers_of(&response, drawn);
            }
            fixed_headers::add(&mut response);
            if is_last {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
            id.write(response.headers_mut());
            drop(place);
            let took = timed.answered(response.status());
            if let Some(kind) = kind {
                around.traffic.problems.add(kind);
            }
            tracing::debug!(
                status = response.status().as_u16(),
                code = kind.map(Kind::code),
                micros = took.as_micros(),
                "answered"
            );
            Ok(response)
        };
        if span.is_disabled() {
            Box::pin(named.during(work))
        } else {
            Box::pin(named.during(work.instrument(span)))
        }
    }
}

/// Whoever looks after the service has to see that it is alive, above all when there is too much to do.
fn is_told_in_any_case(route: &str) -> bool {
    route.starts_with("/health")
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

/// What layers between here and the problem have added, such as `Vary`, and what the handler has set, such as cookies.
fn with_headers_of(before: &Response, mut after: Response) -> Response {
    let own: Vec<_> = after.headers().keys().cloned().collect();
    for (name, value) in before.headers() {
        if !own.contains(name) && name != header::CONTENT_LENGTH {
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

    fn routes(load: Arc<Load>) -> Router {
        Router::new()
            .route("/health", get(async || "fine"))
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
            .layer(Around::new(LIMIT, load, Arc::new(Traffic::of(&[]))).layer())
    }

    const LIMIT: Duration = Duration::from_secs(30);

    async fn panics() -> StatusCode {
        panic!("a secret")
    }

    async fn ask(path: &str, header: Option<(&str, String)>) -> (Response, String) {
        ask_beside(&Arc::new(Load::new(1)), path, header).await
    }

    async fn ask_beside(
        load: &Arc<Load>,
        path: &str,
        header: Option<(&str, String)>,
    ) -> (Response, String) {
        let mut request = Request::get(path);
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let request = request.body(Body::empty()).unwrap();
        let mut response = routes(Arc::clone(load)).oneshot(request).await.unwrap();
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
    async fn who_does_not_fit_in_is_told_so_at_once_unless_he_asks_how_we_do() {
        let load = Arc::new(Load::new(1));
        let other = load.enter();
        let (response, body) = ask_beside(&load, "/fine", None).await;
        assert_eq!(response.status(), 503);
        assert!(response.headers().contains_key("retry-after"));
        assert!(body.contains(r#""code":"overloaded""#), "{body}");
        let (response, _) = ask_beside(&load, "/health", None).await;
        assert_eq!(response.status(), 200);
        drop(other);
        let (response, _) = ask_beside(&load, "/fine", None).await;
        assert_eq!((response.status().as_u16(), load.requests()), (200, 0));
    }

    #[tokio::test]
    async fn the_callers_own_id_names_the_request() {
        let own = Some(("x-request-id", "req-42".to_owned()));
        let (response, body) = ask("/panic", own).await;
        assert_eq!(response.headers()["x-request-id"], "req-42");
        assert!(body.contains(r#""instance":"req-42""#), "{body}");
    }
}
