//! What a receiver's answer, or its absence, means.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, RETRY_AFTER};

const ANSWER_LIMIT: usize = 1024;

/// The kind of failure, without the URL.
pub(super) fn explain(error: &reqwest::Error) -> String {
    let kind = if error.is_timeout() {
        "no answer within 15 s"
    } else if error.is_connect() {
        "the connection failed"
    } else {
        "the exchange failed"
    };
    kind.to_owned()
}

/// Svix honours `Retry-After` between once and twice the planned wait.
pub(super) fn next_wait(planned: Duration, asked: Option<Duration>) -> Duration {
    asked
        .unwrap_or(planned)
        .clamp(planned, planned.saturating_mul(2))
}

/// Seconds or an HTTP date.
pub(super) fn parse_retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = DateTime::parse_from_rfc2822(text).ok()?;
    (at.with_timezone(&Utc) - Utc::now()).to_std().ok()
}

pub(super) async fn beginning(mut response: reqwest::Response) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < ANSWER_LIMIT {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) | Err(_) => break,
        }
    }
    bytes.truncate(ANSWER_LIMIT);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry_after(value: &str) -> Option<Duration> {
        parse_retry_after(&HeaderMap::from_iter([(
            RETRY_AFTER,
            value.parse().unwrap(),
        )]))
    }

    #[test]
    fn retry_after_takes_seconds_and_dates() {
        assert_eq!(retry_after("7"), Some(Duration::from_secs(7)));
        let later = (Utc::now() + chrono::TimeDelta::minutes(10)).to_rfc2822();
        assert!(retry_after(&later).is_some_and(|wait| wait > Duration::from_secs(500)));
        assert_eq!(retry_after("soon"), None);
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:37 GMT"), None);
    }

    #[test]
    fn retry_after_stretches_the_wait_to_twice_at_most() {
        let planned = Duration::from_secs(5);
        let wait = |asked| next_wait(planned, asked).as_secs();
        assert_eq!(wait(None), 5);
        assert_eq!(wait(Some(Duration::from_secs(1))), 5);
        assert_eq!(wait(Some(Duration::from_secs(8))), 8);
        assert_eq!(wait(Some(Duration::from_secs(600))), 10);
    }
}
