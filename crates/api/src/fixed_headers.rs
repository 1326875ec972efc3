//! The headers that every answer has, whatever it says, unless it says otherwise itself.

use axum::response::Response;
use http::header::{
    CONTENT_SECURITY_POLICY, Entry, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue};

/// The page of `/api/docs` has its script and style in files of its own, and a little style within.
const CONTENT_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
const NO_SNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const DENY: HeaderValue = HeaderValue::from_static("DENY");
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");

/// Against browsers that guess types, frame pages, tell where they came from, or run what is not ours.
pub(crate) fn add(response: &mut Response) {
    let fixed: [(HeaderName, HeaderValue); 4] = [
        (X_CONTENT_TYPE_OPTIONS, NO_SNIFF),
        (X_FRAME_OPTIONS, DENY),
        (REFERRER_POLICY, NO_REFERRER),
        (CONTENT_SECURITY_POLICY, CONTENT_POLICY),
    ];
    let headers = response.headers_mut();
    headers.reserve(fixed.len() + 1);
    for (name, value) in fixed {
        if let Entry::Vacant(vacant) = headers.entry(name) {
            vacant.insert(value);
        }
    }
}
