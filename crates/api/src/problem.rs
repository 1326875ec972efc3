//! Every failing answer: one table of kinds (`kind.rs`), and the conversion of each crate's facts into it.
//!
//! The body is `application/problem+json` (RFC 9457). A 5xx never shows its cause; the chain is logged here, once.

mod conversions;
mod kind;

use axum::Json;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::workspace::{FieldProblem, ImportProblem};
use domain::{Factor, StepUp};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

pub use kind::Kind;

use crate::pages::Draw;

/// A failing answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    kind: Kind,
    detail: Option<String>,
    errors: Vec<FieldError>,
    step_up: Option<StepUp>,
    retry_at: Option<DateTime<Utc>>,
    feature: Option<String>,
    is_uncounted: bool,
}

/// The body of a failing answer, as in RFC 9457.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProblemBody {
    /// A URI that names the kind: `urn:clerk-sync:problem:` and the code.
    #[schema(example = "urn:clerk-sync:problem:token_expired")]
    r#type: String,
    /// The kind in words.
    #[schema(example = "Expired session token")]
    title: &'static str,
    /// The HTTP status again.
    #[schema(example = 401)]
    status: u16,
    /// What happened this time, where more can be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The stable code to act upon.
    #[schema(example = "token_expired")]
    code: &'static str,
    /// The request's id, to be found in the logs.
    instance: String,
    /// What is wrong with each part of the input, where there are parts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    /// With `reverification_required`: what Clerk's front end wants to be told, to ask for a new verification.
    #[serde(skip_serializing_if = "Option::is_none")]
    clerk_error: Option<ClerkError>,
    /// When it may be tried again, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_at: Option<DateTime<Utc>>,
    /// With `ai_message_limit_reached` and `usage_limit_reached`: the metered feature, as the policy names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    feature: Option<String>,
}

/// The words in which Clerk's front end (`useReverification`) recognizes that a factor has to be verified anew.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClerkError {
    #[schema(example = "forbidden")]
    r#type: &'static str,
    #[schema(example = "reverification-error")]
    reason: &'static str,
    metadata: ReverificationMetadata,
}

/// See [`ClerkError`].
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReverificationMetadata {
    reverification: Reverification,
}

/// What has to be verified, and how long ago at most.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Reverification {
    /// `first_factor`, `second_factor` or `multi_factor`.
    #[schema(example = "second_factor")]
    level: &'static str,
    #[serde(rename = "afterMinutes")]
    #[schema(example = 10)]
    after_minutes: i64,
}

impl From<StepUp> for ClerkError {
    fn from(StepUp { factor, within }: StepUp) -> Self {
        let level = match factor {
            Factor::First => "first_factor",
            Factor::Second => "second_factor",
            Factor::Both => "multi_factor",
        };
        let after_minutes = within.num_minutes();
        Self {
            r#type: "forbidden",
            reason: "reverification-error",
            metadata: ReverificationMetadata {
                reverification: Reverification {
                    level,
                    after_minutes,
                },
            },
        }
    }
}

/// What is wrong with one part of the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// Which part of a query or of a JSON body.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// The line of a file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    /// The column of a file, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<String>,
    /// What is wrong.
    message: String,
}

impl FieldError {
    fn of_field(field: &str, message: String) -> Self {
        Self {
            field: Some(field.to_owned()),
            line: None,
            column: None,
            message,
        }
    }
}

impl From<FieldProblem> for FieldError {
    fn from(FieldProblem { field, message }: FieldProblem) -> Self {
        Self::of_field(field, message)
    }
}

impl From<ImportProblem> for FieldError {
    fn from(problem: ImportProblem) -> Self {
        let ImportProblem {
            line,
            column,
            message,
        } = problem;
        Self {
            field: None,
            line: Some(line),
            column,
            message,
        }
    }
}

/// Seconds after which a sender may try again what failed for a fault of ours.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");

const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

impl Problem {
    /// A problem without more to say than its kind does.
    #[must_use]
    pub fn of(kind: Kind) -> Self {
        Self {
            kind,
            detail: None,
            errors: Vec::new(),
            step_up: None,
            retry_at: None,
            feature: None,
            is_uncounted: false,
        }
    }

    /// A problem with words about this occurrence. They are shown to the client.
    #[must_use]
    pub fn with_detail(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            detail: Some(detail.into()),
            ..Self::of(kind)
        }
    }

    /// A problem with one part of the input. The words are shown to the client.
    #[must_use]
    pub(crate) fn with_field(kind: Kind, field: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            detail: Some(format!("{field}: {message}")),
            errors: vec![FieldError::of_field(field, message)],
            ..Self::of(kind)
        }
    }

    /// A problem with several parts of the input. The words are shown to the client.
    #[must_use]
    pub(crate) fn with_errors<E: Into<FieldError>>(
        kind: Kind,
        detail: impl Into<String>,
        errors: impl IntoIterator<Item = E>,
    ) -> Self {
        Self {
            errors: errors.into_iter().map(E::into).collect(),
            ..Self::with_detail(kind, detail)
        }
    }

    /// The same problem, naming a metered feature.
    #[must_use]
    pub(crate) fn about_feature(self, feature: &str) -> Self {
        Self {
            feature: Some(feature.to_owned()),
            ..self
        }
    }

    /// The same problem, which will be none at a time.
    #[must_use]
    pub(crate) fn until(self, retry_at: DateTime<Utc>) -> Self {
        Self {
            retry_at: Some(retry_at),
            ..self
        }
    }

    /// The same problem, which is not held against the address that it came from.
    #[must_use]
    pub(crate) fn uncounted(self) -> Self {
        Self {
            is_uncounted: true,
            ..self
        }
    }

    /// Whether somebody has proven to be nobody, and that is counted.
    #[must_use]
    pub(crate) fn is_a_strangers(&self) -> bool {
        self.kind.status() == StatusCode::UNAUTHORIZED && !self.is_uncounted
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What happened this time, where more can be said; it is shown to clients.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// The answer as a page, with the status and the headers that it has as a document.
    pub(crate) fn drawn(&self, draw: Draw, request_id: &str) -> Response {
        let mut response = draw(self, request_id);
        *response.status_mut() = self.kind.status();
        self.explain(response.headers_mut());
        response
    }

    /// The body, naming the request.
    pub(crate) fn body(self, request_id: &str) -> ProblemBody {
        let Self {
            kind,
            detail,
            errors,
            step_up,
            retry_at,
            feature,
            is_uncounted: _,
        } = self;
        ProblemBody {
            r#type: format!("urn:clerk-sync:problem:{}", kind.code()),
            title: kind.title(),
            status: kind.status().as_u16(),
            detail,
            code: kind.code(),
            instance: request_id.to_owned(),
            errors,
            clerk_error: step_up.map(ClerkError::from),
            retry_at,
            feature,
        }
    }

    /// The answer, naming the request.
    pub(crate) fn respond(self, request_id: &str) -> Response {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, PROBLEM_JSON);
        self.explain(&mut headers);
        let status = self.kind.status();
        let body = self.body(request_id);
        let mut response = (status, Json(body)).into_response();
        response.headers_mut().extend(headers);
        response
    }

    /// What the status asks for besides.
    fn explain(&self, headers: &mut HeaderMap) {
        if let Some(challenge) = challenge(self.kind) {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if matches!(
            self.kind.status(),
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
        ) {
            let seconds = self.retry_at.map_or(RETRY_AFTER_SECONDS, seconds_until);
            headers.insert(RETRY_AFTER, seconds);
        }
    }
}

/// Whole seconds until then, one at least: whoever waits that long does not come too early.
fn seconds_until(retry_at: DateTime<Utc>) -> HeaderValue {
    let left = retry_at.signed_duration_since(Utc::now());
    HeaderValue::from(left.num_seconds().max(0).saturating_add(1))
}

/// What a 401 asks for (RFC 6750): a request without a token is told no error.
fn challenge(kind: Kind) -> Option<HeaderValue> {
    if kind.status() != StatusCode::UNAUTHORIZED {
        return None;
    }
    let text = if kind == Kind::TokenMissing {
        r#"Bearer realm="clerk-sync""#.to_owned()
    } else {
        format!(
            r#"Bearer realm="clerk-sync", error="invalid_token", error_description="{}""#,
            kind.code()
        )
    };
    HeaderValue::from_str(&text).ok()
}

/// The problem alone, for [`Outer`](crate::outer::Outer), which knows the request's id and writes the answer once.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.kind.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_fit_for_a_header() {
        let codes: std::collections::BTreeSet<_> =
            Kind::ALL.iter().map(|kind| kind.code()).collect();
        assert_eq!(codes.len(), Kind::ALL.len());
        assert!(codes.iter().all(|code| {
            code.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        }));
    }

    #[test]
    fn every_401_carries_a_challenge_and_every_429_and_503_a_time_to_retry() {
        for kind in Kind::ALL {
            let response = Problem::of(*kind).respond("1");
            assert_eq!(
                response.headers().contains_key(WWW_AUTHENTICATE),
                kind.status() == 401,
                "{kind:?}"
            );
            assert_eq!(
                response.headers().contains_key(RETRY_AFTER),
                matches!(kind.status().as_u16(), 429 | 503),
                "{kind:?}"
            );
        }
    }

    #[test]
    fn token_codes_are_those_of_the_verifier() {
        for error in [
            auth::TokenError::Missing,
            auth::TokenError::SignatureInvalid,
            auth::TokenError::KeysUnavailable,
        ] {
            assert_eq!(Problem::from(error.clone()).kind().code(), error.code());
        }
    }
}
