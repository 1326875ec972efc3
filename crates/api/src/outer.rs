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
use tower_layer::Layer;
use tower_service::Service;
use tracing::{Instrument as _, Span};

use crate::problem::{Kind, Problem};
use crate::request_id::{RequestId, RequestIds};
use crate::{fallback, fixed_headers, head_size};

/// Puts [`Outer`] around each route.
#[derive(Clone)]
pub(crate) struct OuterLayer {
    limit: Duration,
    ids: Arc<RequestIds>,
}

impl OuterLayer {
    /// For requests that may take this long in all.
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            limit,
            ids: Arc::new(RequestIds::new()),
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

    fn call(&mut self, request: Request) -> Self::Future {
        let id = self.layer.ids.of(request.headers());
        let span = span(&request, &id);
        let refused = head_size::refused(&request);
        let inner = &mut self.inner;
        // What runs before the first await: the router's part of the work.
        let answering = match refused {
            Some(problem) => Err(problem),
            None => span
                .in_scope(|| catch_unwind(AssertUnwindSafe(|| inner.call(request))))
                .map_err(|_| fallback::panicked()),
        };
        let limit = self.layer.limit;
        let work = async move {
            let began = Instant::now();
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
            let code = problem.as_ref().map(|problem| problem.kind().code());
            tracing::debug!(
                status = response.status().as_u16(),
                code,
                micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX),
                "answered"
            );
            if let Some(problem) = problem {
                response = with_headers_of(&response, problem.respond(Some(id.as_str())));
            }
            fixed_headers::add(&mut response);
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
