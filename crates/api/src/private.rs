//! Around the routes whose answers are one caller's: no cache keeps them.

use std::convert::Infallible;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::Response;
use futures_util::FutureExt as _;
use futures_util::future::Map;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, VARY};
use tower_layer::Layer;
use tower_service::Service;

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const BY_CREDENTIAL: HeaderValue = HeaderValue::from_static("Authorization, Cookie, Origin");

/// Puts [`Private`] around each route.
#[derive(Clone, Copy)]
pub(crate) struct PrivateLayer;

/// A route whose answers to one caller are nobody else's.
#[derive(Clone)]
pub(crate) struct Private<S>(S);

type Answer = Result<Response, Infallible>;

impl<S> Layer<S> for PrivateLayer {
    type Service = Private<S>;

    fn layer(&self, inner: S) -> Private<S> {
        Private(inner)
    }
}

impl<S> Service<Request> for Private<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Map<S::Future, fn(Answer) -> Answer>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        self.0.call(request).map(marked)
    }
}

fn marked(answer: Answer) -> Answer {
    answer.map(|mut response| {
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, NO_STORE);
        headers.insert(VARY, BY_CREDENTIAL);
        response
    })
}
