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
pub struct CorsOrigins {
    listed: Arc<ArcSwap<Vec<HeaderValue>>>,
    /// Whether answers pass through the layer, which is settled at the start.
    has_layer: bool,
}

impl CorsOrigins {
    /// A list of origins as browsers send them.
    #[must_use]
    pub fn new(origins: &[String]) -> Self {
        let listed = values(origins);
        Self {
            has_layer: !listed.is_empty(),
            listed: Arc::new(ArcSwap::from_pointee(listed)),
        }
    }

    /// Puts another list in its place. A service that began without any list says nothing to any page until it is
    /// started again: `false`.
    pub fn replace(&self, origins: &[String]) -> bool {
        self.listed.store(Arc::new(values(origins)));
        self.has_layer || origins.is_empty()
    }

    fn contains(&self, origin: &HeaderValue) -> bool {
        self.listed.load().contains(origin)
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
    if !origins.has_layer {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn list(origins: &[&str]) -> Vec<String> {
        origins.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_list_that_was_empty_for_a_while_takes_effect_again() {
        let (app, other) = ("https://app.example.com", "https://other.example.com");
        let origins = CorsOrigins::new(&list(&[app]));
        assert!(origins.replace(&[]));
        assert!(!origins.contains(&HeaderValue::from_static(app)));
        assert!(origins.replace(&list(&[other])));
        assert!(origins.contains(&HeaderValue::from_static(other)));
    }

    #[test]
    fn without_a_list_at_the_start_a_later_one_waits_for_a_restart() {
        let origins = CorsOrigins::new(&[]);
        assert!(layer(&origins).is_none());
        assert!(origins.replace(&[]));
        assert!(!origins.replace(&list(&["https://app.example.com"])));
        assert!(layer(&origins).is_none());
    }
}
