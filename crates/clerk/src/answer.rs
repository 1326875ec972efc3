//! What one HTTP answer means.

use std::time::Duration;

use domain::DirectoryError;
use reqwest::{
    StatusCode,
    header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

/// The pause where Clerk asks for one and does not say how long.
const DEFAULT_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause that is believed: a number of a century must not stop the mirror for one.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// The most of Clerk's words that an error repeats, in characters.
const MAX_WORDS: usize = 300;

/// Clerk's code for an object that there is not.
const NOT_FOUND: &str = "resource_not_found";

/// How Clerk's codes begin and end for instances without organizations.
const SWITCHED_OFF: (&str, &str) = ("organization", "not_enabled_in_instance");

/// An answer that settles the question.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The body.
    Found(Value),
    /// Clerk says that there is no such thing, in its own words.
    Absent(String),
    /// Clerk says that this instance has nothing of the kind, because it is switched off there; in its own words.
    SwitchedOff(String),
}

/// What one attempt came to.
#[derive(Debug)]
pub(crate) enum Attempt {
    /// An answer, or an error that no repetition mends.
    Settled(Result<Answer, DirectoryError>),
    /// Too many requests, by anybody: nobody shall ask for this long.
    TooMany(Duration, String),
    /// Something that may be over soon, and how long Clerk says that it takes.
    Failed(Option<Duration>, String),
}

/// Everything of an answer.
pub(crate) struct Received<'a> {
    pub(crate) status: StatusCode,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}

impl Received<'_> {
    /// What it means. `secret_key` is what its words must not repeat.
    pub(crate) fn read(&self, secret_key: &SecretString) -> Attempt {
        let status = self.status;
        if status.is_success() {
            return Attempt::Settled(self.json().map(Answer::Found).map_err(unreadable));
        }
        let (code, words) = self.error(secret_key);
        match status {
            StatusCode::TOO_MANY_REQUESTS => {
                let pause = self.retry_after().unwrap_or(DEFAULT_PAUSE);
                Attempt::TooMany(pause.min(LONGEST_PAUSE), words)
            }
            StatusCode::REQUEST_TIMEOUT => Attempt::Failed(None, words),
            _ if status.is_server_error() => Attempt::Failed(self.retry_after(), words),
            StatusCode::NOT_FOUND if code.as_deref() == Some(NOT_FOUND) => {
                Attempt::Settled(Ok(Answer::Absent(words)))
            }
            StatusCode::FORBIDDEN if code.as_deref().is_some_and(is_switched_off) => {
                Attempt::Settled(Ok(Answer::SwitchedOff(words)))
            }
            _ if status.is_client_error() && code.is_some() => {
                Attempt::Settled(Err(DirectoryError::Refused(words)))
            }
            // A redirection, or an answer by somebody else than Clerk's API: a proxy, another server.
            _ => Attempt::Settled(Err(unreadable(words))),
        }
    }

    fn json(&self) -> Result<Value, String> {
        if !self.is_json() {
            return Err(format!("status {}, not JSON", self.status.as_u16()));
        }
        serde_json::from_slice(self.body).map_err(|fault| {
            let (line, column) = (fault.line(), fault.column());
            format!("broken JSON (line {line}, column {column})")
        })
    }

    fn is_json(&self) -> bool {
        let kind = self.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/json")
    }

    /// Whole seconds. Clerk writes no dates there.
    fn retry_after(&self) -> Option<Duration> {
        let seconds = self.header(RETRY_AFTER.as_str())?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Clerk's code, where the body is one of Clerk's error bodies, and a sentence for a person.
    fn error(&self, secret_key: &SecretString) -> (Option<String>, String) {
        let body = self.json().unwrap_or_default();
        let text = |value: Option<&Value>| {
            value
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
                .map(|text| shown(text, secret_key))
        };
        let first = body.get("errors").and_then(|errors| errors.get(0));
        let code = text(first.and_then(|error| error.get("code")));
        let message = text(first.and_then(|error| error.get("message")));
        let trace = text(body.get("clerk_trace_id"))
            .or_else(|| text(self.header_value("clerk-trace-id").as_ref()))
            .or_else(|| text(self.header_value("cf-ray").as_ref()));
        let mut words = format!("status {}", self.status.as_u16());
        match (&code, message) {
            (Some(code), Some(message)) => words.push_str(&format!(", {code}: {message}")),
            (Some(code), None) => words.push_str(&format!(", {code}")),
            (None, Some(message)) => words.push_str(&format!(": {message}")),
            (None, None) => words.push_str(", without an error of Clerk's"),
        }
        if let Some(trace) = trace {
            words.push_str(&format!(" (trace {trace})"));
        }
        (code, words)
    }

    fn header_value(&self, name: &str) -> Option<Value> {
        self.header(name).map(Value::from)
    }
}

fn is_switched_off(code: &str) -> bool {
    let (begin, end) = SWITCHED_OFF;
    code.starts_with(begin) && code.ends_with(end)
}

pub(crate) fn unreadable(words: String) -> DirectoryError {
    DirectoryError::Unreadable(words)
}

/// Words of Clerk's on one line, cut, and without the key should they repeat it.
fn shown(text: &str, secret_key: &SecretString) -> String {
    text.replace(secret_key.expose_secret(), "[key]")
        .chars()
        .take(MAX_WORDS)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;
    use serde_json::json;

    use super::*;

    fn key() -> SecretString {
        SecretString::from("sk_test_secret")
    }

    fn read(status: u16, headers: &[(&'static str, &str)], body: &str) -> Attempt {
        let headers = headers
            .iter()
            .map(|(name, value)| {
                let name = reqwest::header::HeaderName::from_static(name);
                (name, HeaderValue::from_str(value).unwrap())
            })
            .collect();
        Received {
            status: StatusCode::from_u16(status).unwrap(),
            headers: &headers,
            body: body.as_bytes(),
        }
        .read(&key())
    }

    const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");

    #[test]
    fn words_of_an_error_are_kept_on_one_line_and_the_key_is_not() {
        let body = json!({
            "errors": [{"code": "clerk_key_invalid", "message": "bad\r\nkey sk_test_secret!"}],
            "clerk_trace_id": "abc123",
        });
        let Attempt::Settled(Err(DirectoryError::Refused(words))) =
            read(401, &[JSON], &body.to_string())
        else {
            panic!("not refused");
        };
        assert_eq!(
            words,
            "status 401, clerk_key_invalid: bad  key [key]! (trace abc123)"
        );
    }

    #[test]
    fn the_trace_is_in_a_header_too() {
        let body = r#"{"errors":[{"code":"x"}]}"#;
        for name in ["clerk-trace-id", "cf-ray"] {
            let Attempt::Settled(Err(DirectoryError::Refused(words))) =
                read(422, &[JSON, (name, "t1")], body)
            else {
                panic!("not refused");
            };
            assert_eq!(words, "status 422, x (trace t1)");
        }
    }

    #[test]
    fn long_words_are_cut() {
        let body = json!({"errors": [{"code": "x", "message": "é".repeat(5000)}]});
        let Attempt::Settled(Err(fault)) = read(400, &[JSON], &body.to_string()) else {
            panic!("not refused");
        };
        assert!(fault.to_string().chars().count() < 400);
    }

    #[test]
    fn only_clerks_own_word_is_an_absence() {
        let absent = r#"{"errors":[{"code":"resource_not_found","message":"not found"}]}"#;
        assert!(matches!(
            read(404, &[JSON], absent),
            Attempt::Settled(Ok(Answer::Absent(_)))
        ));
        for (headers, body) in [
            (&[JSON][..], r#"{"errors":[{"code":"url_not_found"}]}"#),
            (&[JSON], r#"{"errors":[]}"#),
            (&[JSON], "null"),
            (&[JSON], ""),
            (&[("content-type", "text/html")], absent),
            (&[], absent),
        ] {
            assert!(
                matches!(read(404, headers, body), Attempt::Settled(Err(_))),
                "{body}"
            );
        }
        assert!(matches!(
            read(410, &[JSON], absent),
            Attempt::Settled(Err(_))
        ));
    }

    #[test]
    fn an_instance_without_organizations_is_no_refusal() {
        let body = |code: &str| json!({"errors": [{"code": code}]}).to_string();
        let off = body("organization_not_enabled_in_instance");
        let said = read(403, &[JSON], &off);
        assert!(matches!(
            said,
            Attempt::Settled(Ok(Answer::SwitchedOff(words))) if words.contains("not_enabled")
        ));
        for (status, body) in [
            (402, off),
            (403, body("organization_not_found_or_unauthorized")),
            (403, body("authorization_invalid")),
        ] {
            assert!(matches!(
                read(status, &[JSON], &body),
                Attempt::Settled(Err(DirectoryError::Refused(_)))
            ));
        }
    }

    #[test]
    fn a_pause_is_believed_up_to_ten_minutes() {
        for (header, seconds) in [
            ("7", 7),
            (" 3 ", 3),
            ("0", 0),
            ("99999999999", 600),
            ("soon", 1),
            ("-1", 1),
        ] {
            let Attempt::TooMany(pause, _) = read(429, &[("retry-after", header)], "") else {
                panic!("not too many");
            };
            assert_eq!(pause, Duration::from_secs(seconds), "{header}");
        }
    }

    #[test]
    fn faults_of_the_server_may_pass_and_those_of_the_path_do_not() {
        for status in [408, 500, 502, 503, 504, 599] {
            assert!(
                matches!(read(status, &[JSON], "{}"), Attempt::Failed(..)),
                "{status}"
            );
        }
        for status in [301, 302, 304, 403, 418] {
            assert!(
                matches!(
                    read(status, &[], "<html>"),
                    Attempt::Settled(Err(DirectoryError::Unreadable(_)))
                ),
                "{status}"
            );
        }
    }
}
