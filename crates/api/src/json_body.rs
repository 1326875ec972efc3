//! JSON that a client sends, within a size and a time, and with a problem that says what is wrong with it.

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::problem::{Kind, Problem};
use crate::raw_body;

/// The largest body, in bytes: four times the largest preferences.
pub(crate) const MAX_BYTES: usize = 64 * 1024;
/// Of what the parser says, at most so many characters are shown: it may repeat what it was given.
const MAX_WORDS: usize = 300;

/// A body of `application/json` or another JSON type.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let body = read(request, app, MAX_BYTES).await?;
        parsed(&body).map(Self)
    }
}

/// The bytes of a JSON body, at most so many.
pub(crate) async fn read(request: Request, app: &App, max_bytes: usize) -> Result<Bytes, Problem> {
    if !is_json(request.headers()) {
        return Err(Problem::with_detail(
            Kind::UnsupportedMediaType,
            "send JSON, with `Content-Type: application/json`",
        ));
    }
    raw_body::refuse_encoded(request.headers())?;
    raw_body::read(app, request, max_bytes).await
}

/// What JSON says.
pub(crate) fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        let words: String = error.to_string().chars().take(MAX_WORDS).collect();
        Problem::with_detail(Kind::BodyInvalid, words)
    })
}

/// A `Content-Type` that says JSON, whatever its parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(text) = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    let essence = text.split(';').next().unwrap_or_default().trim();
    let essence = essence.to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn json_has_several_names() {
        for (text, expected) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/merge-patch+json", true),
            ("application/x-www-form-urlencoded", false),
            ("text/plain", false),
            ("text/json+json", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(text));
            assert_eq!(is_json(&headers), expected, "{text}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
