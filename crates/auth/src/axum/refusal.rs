//! What a refused request is answered: `application/problem+json` (RFC 9457) with the reason code.

use ::axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::json;

use super::Ended;
use crate::error::TokenError;

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 401 with the token's code, or 503 when the keys are away.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// 403 `user_inactive`.
    #[error("the user is banned or deactivated")]
    UserInactive,
    /// 403 `origin_not_allowed`: another site may have started this request in the user's browser.
    #[error(
        "a request that changes something and carries the session cookie needs the Origin of an authorized party"
    )]
    ForeignOrigin,
    /// 503 `state_unavailable`.
    #[error("whether the session is still in force cannot be found out now")]
    StateUnavailable,
}

impl Refusal {
    /// The stable reason code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Token(error) => error.code(),
            Self::UserInactive => "user_inactive",
            Self::ForeignOrigin => "origin_not_allowed",
            Self::StateUnavailable => "state_unavailable",
        }
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Token(error) if error.is_outage() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Token(_) => StatusCode::UNAUTHORIZED,
            Self::UserInactive | Self::ForeignOrigin => StatusCode::FORBIDDEN,
            Self::StateUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl From<Ended> for Refusal {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Session => Self::Token(TokenError::SessionRevoked),
            Ended::UserDeleted => Self::Token(TokenError::UserDeleted),
            Ended::UserInactive => Self::UserInactive,
            Ended::Unknown => Self::StateUnavailable,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code) = (self.status(), self.code());
        let body = json!({
            "type": "about:blank",
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "detail": self.to_string(),
            "code": code,
        });
        let mut response = (status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some((name, value)) = extra(&self, status, code) {
            headers.insert(name, value);
        }
        response
    }
}

/// A 401 says what it wants (RFC 6750; a request without a token is told no error), a 503 when to come again.
fn extra(
    refusal: &Refusal,
    status: StatusCode,
    code: &'static str,
) -> Option<(HeaderName, HeaderValue)> {
    match (refusal, status) {
        (Refusal::Token(TokenError::Missing), _) => {
            Some((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")))
        }
        (_, StatusCode::UNAUTHORIZED) => {
            let challenge = format!(r#"Bearer error="invalid_token", error_description="{code}""#);
            Some((WWW_AUTHENTICATE, HeaderValue::from_str(&challenge).ok()?))
        }
        (_, StatusCode::SERVICE_UNAVAILABLE) => Some((RETRY_AFTER, HeaderValue::from_static("5"))),
        _ => None,
    }
}
