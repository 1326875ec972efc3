//! Every failing answer: one table of kinds, and the conversion of each crate's facts into it.
//!
//! The body is `application/problem+json` (RFC 9457). A 5xx never shows its cause; the chain is logged here, once.

use axum::Json;
use axum::response::{IntoResponse, Response};
use domain::StoreError;
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident $status:ident $code:literal $title:literal;)*) => {
        /// What can go wrong, as a client may meet it. Codes are stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Kind { $($(#[$doc])* $kind,)* }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// The stable code.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$kind => $code,)* }
            }

            /// The HTTP status.
            #[must_use]
            pub fn status(self) -> StatusCode {
                match self { $(Self::$kind => StatusCode::$status,)* }
            }

            /// The same words for every occurrence.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$kind => $title,)* }
            }
        }
    };
}

kinds! {
    /// No Bearer header and no session cookie.
    TokenMissing UNAUTHORIZED "token_missing" "No session token";
    /// Not one compact JWS.
    TokenMalformed UNAUTHORIZED "token_malformed" "Unreadable session token";
    /// Past `exp`.
    TokenExpired UNAUTHORIZED "token_expired" "Expired session token";
    /// Before `nbf` or `iat`.
    TokenNotYetValid UNAUTHORIZED "token_not_yet_valid" "Session token not valid yet";
    /// The signature does not hold.
    SignatureInvalid UNAUTHORIZED "signature_invalid" "Invalid signature";
    /// Another algorithm than RS256.
    AlgorithmNotAllowed UNAUTHORIZED "algorithm_not_allowed" "Signature algorithm not allowed";
    /// `kid` is not in the key set.
    KeyUnknown UNAUTHORIZED "key_unknown" "Unknown signing key";
    /// No key can be had.
    KeysUnavailable SERVICE_UNAVAILABLE "keys_unavailable" "Signing keys unavailable";
    /// Another instance's token.
    IssuerMismatch UNAUTHORIZED "issuer_mismatch" "Token of another issuer";
    /// Issued to an origin that is not listed.
    AuthorizedPartyMismatch UNAUTHORIZED "authorized_party_mismatch" "Token of another party";
    /// For another audience.
    AudienceMismatch UNAUTHORIZED "audience_mismatch" "Token for another audience";
    /// Tasks are unfinished.
    SessionPending UNAUTHORIZED "session_pending" "Session pending";
    /// Ended, removed or revoked.
    SessionRevoked UNAUTHORIZED "session_revoked" "Session over";
    /// Deleted at Clerk.
    UserDeleted UNAUTHORIZED "user_deleted" "User deleted";
    /// Not a session token.
    TokenCategoryMismatch UNAUTHORIZED "token_category_mismatch" "Not a session token";
    /// A claim that decides is absent or wrong.
    ClaimsInvalid UNAUTHORIZED "claims_invalid" "Invalid claims";
    /// Banned.
    UserInactive FORBIDDEN "user_inactive" "User inactive";
    /// The caller's role does not allow it.
    RoleRequired FORBIDDEN "role_required" "Role required";
    /// The active organization does not give the caller the permission.
    PermissionRequired FORBIDDEN "permission_required" "Permission required";
    /// The caller's tier does not allow it.
    TierRequired FORBIDDEN "tier_required" "Tier required";
    /// A requirement that cannot be read denies.
    RequirementInvalid FORBIDDEN "requirement_invalid" "Invalid requirement";
    /// Only a session of Clerk's can be given this.
    SessionRequired FORBIDDEN "session_required" "Session required";
    /// Proven, yet nobody here.
    UserUnknown UNAUTHORIZED "user_unknown" "User unknown";
    /// A token of a previous login, after the day on which they ended.
    LegacyTokenRetired UNAUTHORIZED "legacy_token_retired" "Tokens of the previous login have ended";
    /// Never issued, used already, or expired.
    TicketInvalid UNAUTHORIZED "ticket_invalid" "Invalid stream ticket";
    /// The user has as many open streams as one may have.
    TooManyStreams TOO_MANY_REQUESTS "too_many_streams" "Too many open streams";
    /// A parameter of the query cannot be used.
    ParameterInvalid BAD_REQUEST "parameter_invalid" "Invalid parameter";
    /// No row, and none is made.
    UserNotFound NOT_FOUND "user_not_found" "User not found";
    /// A webhook header is missing.
    HeaderMissing UNAUTHORIZED "header_missing" "Webhook header missing";
    /// A webhook header is there more than once.
    HeaderDuplicated UNAUTHORIZED "header_duplicated" "Webhook header given more than once";
    /// A webhook header cannot be read.
    HeaderInvalid UNAUTHORIZED "header_invalid" "Unreadable webhook header";
    /// The webhook's timestamp is no number of seconds.
    TimestampInvalid UNAUTHORIZED "timestamp_invalid" "Unreadable webhook timestamp";
    /// The webhook is more than five minutes old.
    TimestampExpired UNAUTHORIZED "timestamp_expired" "Webhook too old";
    /// The webhook is more than five minutes ahead.
    TimestampInFuture UNAUTHORIZED "timestamp_in_future" "Webhook from the future";
    /// The body broke off.
    BodyUnreadable BAD_REQUEST "body_unreadable" "Unreadable body";
    /// The body is over its limit.
    BodyTooLarge PAYLOAD_TOO_LARGE "body_too_large" "Body too large";
    /// The body did not come in time.
    BodyTimeout REQUEST_TIMEOUT "body_timeout" "Body too slow";
    /// Request line and headers are over their limit.
    HeadTooLarge REQUEST_HEADER_FIELDS_TOO_LARGE "head_too_large" "Headers too large";
    /// No such route.
    NotFound NOT_FOUND "not_found" "Not found";
    /// The route has no such method.
    MethodNotAllowed METHOD_NOT_ALLOWED "method_not_allowed" "Method not allowed";
    /// The database is away.
    StoreUnavailable SERVICE_UNAVAILABLE "store_unavailable" "Database unavailable";
    /// The answer took too long.
    RequestTimeout SERVICE_UNAVAILABLE "request_timeout" "Request took too long";
    /// A fault of ours.
    Internal INTERNAL_SERVER_ERROR "internal_error" "Internal error";
}

/// A failing answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    kind: Kind,
    detail: Option<String>,
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
}

/// What is wrong with one part of the input.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// Which part.
    field: String,
    /// What is wrong.
    message: String,
}

/// Seconds after which a sender may try again what failed for a fault of ours.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");

const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

impl Problem {
    /// A problem without more to say than its kind does.
    #[must_use]
    pub fn of(kind: Kind) -> Self {
        Self { kind, detail: None }
    }

    /// A problem with words about this occurrence. They are shown to the client.
    #[must_use]
    pub fn with_detail(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: Some(detail.into()),
        }
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The answer, naming the request.
    pub(crate) fn respond(self, request_id: &str) -> Response {
        let Self { kind, detail } = self;
        let body = ProblemBody {
            r#type: format!("urn:clerk-sync:problem:{}", kind.code()),
            title: kind.title(),
            status: kind.status().as_u16(),
            detail,
            code: kind.code(),
            instance: request_id.to_owned(),
            errors: Vec::new(),
        };
        let mut response = (kind.status(), Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, PROBLEM_JSON);
        if let Some(challenge) = challenge(kind) {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if matches!(
            kind.status(),
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
        ) {
            headers.insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        response
    }
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

impl From<auth::TokenError> for Problem {
    fn from(error: auth::TokenError) -> Self {
        use auth::TokenError as Token;
        let kind = match &error {
            Token::Missing => Kind::TokenMissing,
            Token::Malformed(_) => Kind::TokenMalformed,
            Token::AlgorithmNotAllowed { .. } => Kind::AlgorithmNotAllowed,
            Token::KeyUnknown { .. } | Token::EmulatorKey => Kind::KeyUnknown,
            Token::KeysUnavailable => Kind::KeysUnavailable,
            Token::SignatureInvalid => Kind::SignatureInvalid,
            Token::CategoryMismatch(_) => Kind::TokenCategoryMismatch,
            Token::IssuerMismatch { .. } => Kind::IssuerMismatch,
            Token::AudienceMismatch { .. } => Kind::AudienceMismatch,
            Token::AuthorizedPartyMismatch { .. } => Kind::AuthorizedPartyMismatch,
            Token::Expired { .. } => Kind::TokenExpired,
            Token::NotYetValid { .. } => Kind::TokenNotYetValid,
            Token::ClaimsInvalid { .. } => Kind::ClaimsInvalid,
            Token::SessionPending => Kind::SessionPending,
            Token::SessionRevoked => Kind::SessionRevoked,
            Token::UserDeleted => Kind::UserDeleted,
        };
        Self::with_detail(kind, error.to_string())
    }
}

impl From<webhooks::Refusal> for Problem {
    fn from(refusal: webhooks::Refusal) -> Self {
        use webhooks::Refusal as Hook;
        let kind = match &refusal {
            Hook::HeaderMissing { .. } => Kind::HeaderMissing,
            Hook::HeaderDuplicated { .. } => Kind::HeaderDuplicated,
            Hook::HeaderInvalid { .. } => Kind::HeaderInvalid,
            Hook::TimestampInvalid => Kind::TimestampInvalid,
            Hook::TimestampExpired => Kind::TimestampExpired,
            Hook::TimestampInFuture => Kind::TimestampInFuture,
            Hook::SignatureInvalid => Kind::SignatureInvalid,
        };
        Self::with_detail(kind, refusal.to_string())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let cause = chain(&error);
        match error {
            StoreError::Unavailable(_) => {
                tracing::warn!(cause, "the database is unavailable");
                Self::of(Kind::StoreUnavailable)
            }
            StoreError::Refused(_) | StoreError::Unreadable(_) => {
                tracing::error!(cause, "the store failed");
                Self::of(Kind::Internal)
            }
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
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
