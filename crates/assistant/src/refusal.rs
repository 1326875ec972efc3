//! What a failing status means, and the endpoint's own word for it.

use std::time::Duration;

use domain::AssistantError;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde_json::Value;

/// The error of an answer that is none.
pub(crate) fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> AssistantError {
    match status.as_u16() {
        429 => AssistantError::Busy {
            retry_after: retry_after(headers),
        },
        408 | 500.. => AssistantError::Failed {
            status: Some(status.as_u16()),
        },
        // Redirections too: they are not followed.
        status => AssistantError::Refused {
            status,
            code: code(body),
        },
    }
}

/// Seconds; dates are not used by these endpoints.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

/// `error.code`, or else `error.type`, if it looks like a code. Messages are left where they are: some repeat a part of
/// the key or of the question.
fn code(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let error = body.get("error")?;
    let mut words = ["code", "type"]
        .into_iter()
        .filter_map(|name| error.get(name)?.as_str());
    words.find(|word| is_code(word)).map(str::to_owned)
}

fn is_code(word: &str) -> bool {
    (1..=64).contains(&word.len())
        && word
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str) -> AssistantError {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, "7".parse().unwrap())]);
        refusal(
            StatusCode::from_u16(status).unwrap(),
            &headers,
            body.as_bytes(),
        )
    }

    #[test]
    fn statuses_say_whose_fault_it_is() {
        assert_eq!(
            refused(429, ""),
            AssistantError::Busy {
                retry_after: Some(Duration::from_secs(7))
            }
        );
        for status in [408, 500, 502, 503, 529, 599] {
            let failed = AssistantError::Failed {
                status: Some(status),
            };
            assert_eq!(refused(status, "{}"), failed);
        }
        for status in [300, 302, 400, 401, 403, 404, 422] {
            let refusal = AssistantError::Refused { status, code: None };
            assert_eq!(refused(status, "<html>"), refusal);
        }
    }

    #[test]
    fn only_codes_are_repeated() {
        for (body, is) in [
            (
                r#"{"error":{"code":"invalid_api_key","type":"x","message":"sk-abc"}}"#,
                Some("invalid_api_key"),
            ),
            (
                r#"{"error":{"code":null,"type":"invalid_request_error"}}"#,
                Some("invalid_request_error"),
            ),
            (
                r#"{"error":{"code":"Key sk-abc is wrong","type":404}}"#,
                None,
            ),
            (r#"{"error":"sk_abc"}"#, None),
            ("[]", None),
        ] {
            let AssistantError::Refused { code, .. } = refused(401, body) else {
                panic!("another error");
            };
            assert_eq!(code.as_deref(), is, "{body}");
        }
    }
}
