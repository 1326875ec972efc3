//! Which pages of other origins may call from a browser: those that are listed, letter by letter, and no other.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Method};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// How long a browser may remember the answer: as long as any of them does.
const REMEMBERED: Duration = Duration::from_secs(2 * 60 * 60);
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The origins that are listed now; clones share the list.
#[derive(Debug, Clone)]
pub struct CorsOrigins(Arc<ArcSwap<Vec<HeaderValue>>>);

impl CorsOrigins {
    /// A list of origins as browsers send them.
    #[must_use]
    pub fn new(origins: &[String]) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(values(origins))))
    }

    /// Puts another list in its place. A service that began without any list says nothing to any page until it is
    /// started again: `false`.
    pub fn replace(&self, origins: &[String]) -> bool {
        let has_layer = !self.0.load().is_empty() || origins.is_empty();
        self.0.store(Arc::new(values(origins)));
        has_layer
    }

    fn contains(&self, origin: &HeaderValue) -> bool {
        self.0.load().contains(origin)
    }
}

fn values(origins: &[String]) -> Vec<HeaderValue> {
    let values = origins.iter();
    values
        .filter_map(|origin| HeaderValue::from_str(origin).ok())
        .collect()
}

/// The layer for these origins; `None` where there are none at the start, so that nobody pays for it.
pub(crate) fn layer(origins: &CorsOrigins) -> Option<CorsLayer> {
    if origins.0.load().is_empty() {
        return None;
    }
    let listed = origins.clone();
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, _| {
            listed.contains(origin)
        }))
        .allow_credentials(true)
        .allow_methods([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE, REQUEST_ID, LAST_EVENT_ID])
        .expose_headers([REQUEST_ID, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE])
        .max_age(REMEMBERED);
    Some(layer)
}
