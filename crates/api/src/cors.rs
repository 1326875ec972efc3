//! Which pages of other origins may call from a browser: those that are listed, letter by letter, and no other.

use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Method};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// How long a browser may remember the answer: as long as any of them does.
const REMEMBERED: Duration = Duration::from_secs(2 * 60 * 60);
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The layer for these origins; `None` where there are none, so that nothing is said to any page.
pub(crate) fn layer(origins: &[String]) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> = origins
        .iter()
        .filter_map(|origin| HeaderValue::from_str(origin).ok())
        .collect();
    if origins.is_empty() {
        return None;
    }
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
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
