//! The id of a request: the caller's own, or a new one.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_REQUEST_ID: usize = 128;

/// Hexadecimal digits of the process, a dash, hexadecimal digits of the number.
const LENGTH: usize = 32 + 1 + 16;

/// Gives ids: the process's own beginning, and a number.
pub(crate) struct RequestIds {
    /// When the process began and something random, as an id whose number is 0.
    first: [u8; LENGTH],
    next: AtomicU64,
}

/// An id that is fit to be logged and to be sent: 1 to 128 visible ASCII characters.
#[derive(Debug, Clone)]
pub struct RequestId(HeaderValue);

impl RequestIds {
    pub(crate) fn new() -> Self {
        let mut first = [b'0'; LENGTH];
        let process = Uuid::now_v7().simple().to_string();
        for (place, digit) in first.iter_mut().zip(process.bytes().chain([b'-'])) {
            *place = digit;
        }
        Self {
            first,
            next: AtomicU64::new(0),
        }
    }

    /// The caller's own id when it is fit, else a new one.
    pub(crate) fn of(&self, headers: &HeaderMap) -> RequestId {
        let own = headers.get(REQUEST_ID).filter(|id| is_fit(id.as_bytes()));
        own.map_or_else(|| self.new_id(), |id| RequestId(id.clone()))
    }

    fn new_id(&self) -> RequestId {
        let mut id = self.first;
        let mut number = self.next.fetch_add(1, Ordering::Relaxed);
        for place in id.iter_mut().rev() {
            if number == 0 {
                break;
            }
            let digit = char::from_digit((number & 15) as u32, 16).unwrap_or('0');
            *place = digit as u8;
            number >>= 4;
        }
        // Digits and a dash, always fit.
        let value = HeaderValue::from_bytes(&id);
        RequestId(value.unwrap_or(HeaderValue::from_static("unnamed")))
    }
}

impl RequestId {
    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// Names the request in its answer.
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        headers.insert(REQUEST_ID, self.0);
    }
}

impl RequestId {
    /// Leaves the id with a request that may change something, for the audit log. Others need none, and pay nothing.
    pub(crate) fn leave_with<B>(&self, request: &mut Request<B>) {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            request.extensions_mut().insert(self.clone());
        }
    }
}

impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let left = parts.extensions.get::<Self>().cloned();
        Ok(left.unwrap_or(Self(HeaderValue::from_static("unnamed"))))
    }
}

fn is_fit(id: &[u8]) -> bool {
    (1..=MAX_REQUEST_ID).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ids: &RequestIds, own: &'static str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_static(own));
        ids.of(&headers).as_str().to_owned()
    }

    #[test]
    fn an_own_id_is_kept_if_it_is_fit() {
        let ids = RequestIds::new();
        let longest: &'static str = "x".repeat(MAX_REQUEST_ID).leak();
        for own in ["req-42", "~", longest] {
            assert_eq!(of(&ids, own), own);
        }
        let too_long: &'static str = "x".repeat(MAX_REQUEST_ID + 1).leak();
        for own in ["", "a b", "a\tb", too_long] {
            assert_ne!(of(&ids, own), own);
        }
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_bytes("é".as_bytes()).unwrap());
        assert!(is_fit(ids.of(&headers).as_str().as_bytes()));
    }

    #[test]
    fn new_ids_differ_in_and_between_processes() {
        let (one, other) = (RequestIds::new(), RequestIds::new());
        let none = HeaderMap::new();
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..1000 {
            for ids in [&one, &other] {
                let id = ids.of(&none).as_str().to_owned();
                assert!(is_fit(id.as_bytes()), "{id}");
                assert!(seen.insert(id));
            }
        }
    }
}
