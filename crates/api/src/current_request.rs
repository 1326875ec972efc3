//! Which request a task works for: what every line of the log says of it, and the span that a collector of traces gets.
//!
//! A span that nobody collects would still be made, filled and thrown away, for each request. A line asks for these three
//! facts when it is written, and most requests write none
//! ([why](../../../docs/decisions/0130-requests-have-a-name-and-seldom-a-span.md)).

use axum::extract::MatchedPath;
use http::Method;
use tokio::task_local;
use tracing::Span;

use crate::request_id::RequestId;

/// The name of the span of a request.
pub const REQUEST_SPAN: &str = "request";

task_local! {
    static CURRENT: CurrentRequest;
}

/// The request that is answered.
#[derive(Debug, Clone)]
pub struct CurrentRequest {
    id: RequestId,
    method: Method,
    route: Route,
}

/// The route that a request goes to.
#[derive(Debug, Clone)]
pub(crate) enum Route {
    /// One of the router.
    Matched(MatchedPath),
    /// One beside it.
    Fixed(&'static str),
    /// None is there.
    None,
}

impl Route {
    /// As the router has matched it, if it has.
    pub(crate) fn matched(path: Option<&MatchedPath>) -> Self {
        path.map_or(Self::None, |path| Self::Matched(path.clone()))
    }
}

impl CurrentRequest {
    pub(crate) fn new(id: RequestId, method: Method, route: Route) -> Self {
        Self { id, method, route }
    }

    /// What `read` makes of the request for which this is called; `None` outside of any.
    pub fn read<T>(read: impl FnOnce(&Self) -> T) -> Option<T> {
        CURRENT.try_with(read).ok()
    }

    /// Its id, as the answer has it: visible ASCII, 128 characters at most.
    #[must_use]
    pub fn id(&self) -> &str {
        self.id.as_str()
    }

    /// Its method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The route's template, never the path itself: paths may hold ids, and logs should group.
    #[must_use]
    pub fn route(&self) -> Option<&str> {
        match &self.route {
            Route::Matched(path) => Some(path.as_str()),
            Route::Fixed(route) => Some(route),
            Route::None => None,
        }
    }

    /// The same as a span, for whoever collects spans.
    pub(crate) fn span(&self) -> Span {
        tracing::info_span!(
            REQUEST_SPAN,
            id = self.id(),
            method = %self.method,
            route = self.route().unwrap_or("(none)")
        )
    }

    /// The work, which is for this request.
    pub(crate) fn during<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, work)
    }
}
