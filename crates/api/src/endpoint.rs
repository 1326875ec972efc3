//! The whole HTTP side as one service, to which nothing can be added any more, and the list of what it serves.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::response::Response;
use axum::routing::future::RouteFuture;
use axum::{BoxError, Router};
use bytes::Bytes;
use futures_util::future::Either;
use http::{Method, Request};

use tower_service::Service;

use crate::counts::{Traffic, TrafficReport};
use crate::outer::{Outer, Work};
use crate::private::Private;
use crate::routes::me::MeRoute;

/// Answers every request. A clone is a pointer.
#[derive(Clone)]
pub struct Endpoint(Arc<Served>);

struct Served {
    routes: Router,
    /// What is asked far more often than all the rest, under its names. It is found without the router
    /// ([why](../../../docs/decisions/0131-one-route-beside-the-router.md)).
    beside: Vec<Outer<Private<MeRoute>>>,
    traffic: Arc<Traffic>,
}

impl Endpoint {
    /// `beside` are routes that are found without the router. They are in it as well, for every method but GET.
    pub(crate) fn of(
        routes: Router,
        beside: Vec<Outer<Private<MeRoute>>>,
        traffic: Arc<Traffic>,
    ) -> Self {
        Self(Arc::new(Served {
            routes,
            beside,
            traffic,
        }))
    }

    /// Requests by route and problems by kind, since this process started.
    #[must_use]
    pub fn traffic(&self) -> TrafficReport {
        self.0.traffic.report()
    }
}

impl<B> Service<Request<B>> for Endpoint
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<Work, RouteFuture<Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // As the router is, always.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Served { routes, beside, .. } = &*self.0;
        match beside.iter().find(|route| route.is_for(&request)) {
            Some(route) => Either::Left(route.clone().call(request.map(body))),
            None => Either::Right(routes.clone().call(request)),
        }
    }
}

/// In a box, unless there is nothing to be put in one.
fn body<B>(body: B) -> Body
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    if body.is_end_stream() {
        Body::empty()
    } else {
        Body::new(body)
    }
}

/// A route, as the service has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedRoute {
    /// `None`: every method.
    pub method: Option<Method>,
    /// With `{names}` where parts vary.
    pub path: String,
    /// Ways to be let in, of which one is enough; of each, everything has to hold (`x-access` in the document).
    pub access: Vec<Vec<String>>,
}

impl fmt::Display for ServedRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = self.method.as_ref().map_or("any", Method::as_str);
        write!(f, "{method} {}", self.path)
    }
}

/// Routes that say of nobody that he may call them: a fault of ours, found at the start.
#[derive(Debug)]
pub struct Undeclared(Vec<String>);

impl Undeclared {
    /// # Errors
    /// When there are such routes.
    pub(crate) fn none_in(table: &[ServedRoute]) -> Result<(), Self> {
        let is_said = |route: &&ServedRoute| route.access.iter().all(|way| !way.is_empty());
        let undeclared: Vec<String> = table
            .iter()
            .filter(|route| route.access.is_empty() || !is_said(route))
            .map(ServedRoute::to_string)
            .collect();
        if undeclared.is_empty() {
            Ok(())
        } else {
            Err(Self(undeclared))
        }
    }
}

impl fmt::Display for Undeclared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no rule says who may call {}", self.0.join(", "))
    }
}

impl std::error::Error for Undeclared {}

#[cfg(test)]
mod tests {
    use domain::Policy;
    use http::header::{AUTHORIZATION, CONTENT_LENGTH};
    use http_body_util::BodyExt as _;
    use serde_json::json;

    use super::*;
    use crate::test_app::{self, People};

    async fn answer(endpoint: &mut Endpoint, method: &str, path: &str, token: &str) -> String {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("x-request-id", "req-1")
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .body(Body::empty());
        let mut response = endpoint.call(request.unwrap()).await.unwrap();
        let body = std::mem::take(response.body_mut());
        let body = body.collect().await.unwrap().to_bytes();
        let traffic = endpoint.traffic().routes;
        let counted: Vec<_> = traffic
            .iter()
            .map(|route| (&route.method, &route.route, &route.answers))
            .collect();
        // The router writes the length, and whoever sends the answer does so where nobody has.
        response.headers_mut().remove(CONTENT_LENGTH);
        let mut headers: Vec<String> = response
            .headers()
            .iter()
            .map(|(name, value)| format!("{name}: {value:?}"))
            .collect();
        headers.sort();
        let status = response.status();
        format!("{status} {headers:#?} {body:?} {counted:?}")
    }

    #[tokio::test]
    async fn beside_the_router_everything_is_answered_and_counted_as_by_the_router() {
        let app = || test_app::app(&People::of([]), Policy::built_in(), |_| {});
        let mut endpoint = crate::router(app(), None).unwrap();
        assert_eq!(endpoint.0.beside.len(), 2);
        let routed = crate::router(app(), None).unwrap();
        let (routes, traffic) = (routed.0.routes.clone(), Arc::clone(&routed.0.traffic));
        let mut routed = Endpoint::of(routes, Vec::new(), traffic);
        let unknown = test_app::token("nobody", &json!({}));
        for path in [
            "/api/auth/me",
            "/api/v1/auth/me",
            "/api/auth/me?a=b",
            "/api/auth/me/",
            "/api/auth/ME",
        ] {
            for method in ["GET", "HEAD", "POST", "OPTIONS"] {
                for token in ["", "x.y.z", &unknown] {
                    assert_eq!(
                        answer(&mut endpoint, method, path, token).await,
                        answer(&mut routed, method, path, token).await,
                        "{method} {path}"
                    );
                }
            }
        }
    }
}
