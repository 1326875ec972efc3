//! Every failing answer: one table of kinds, and the conversion of each crate's facts into it.
//!
//! The body is `application/problem+json` (RFC 9457). A 5xx never shows its cause; the chain is logged here, once.

use axum::Json;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::{Denial, Factor, StepUp, StoreError};
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
    /// The caller's tier, or his role in it, does not turn the feature on.
    FeatureRequired FORBIDDEN "feature_required" "Feature required";
    /// The caller has used no invite code.
    InviteRequired FORBIDDEN "invite_required" "Invite required";
    /// The caller's factors were verified too long ago.
    ReverificationRequired FORBIDDEN "reverification_required" "Reverification required";
    /// Another site may have started this request in the user's browser.
    OriginNotAllowed FORBIDDEN "origin_not_allowed" "Origin not allowed";
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
    /// No invite has this code, or it is used up, expired or taken back: nobody is told which.
    InvalidInviteCode BAD_REQUEST "invalid_invite_code" "Invalid invite code";
    /// Too many tries of the user's, or from his address, have failed.
    TooManyAttempts TOO_MANY_REQUESTS "too_many_attempts" "Too many failed attempts";
    /// Preferences that are not kept as they are.
    PreferencesInvalid BAD_REQUEST "preferences_invalid" "Invalid preferences";
    /// More preferences than are kept.
    PreferencesTooLarge PAYLOAD_TOO_LARGE "preferences_too_large" "Preferences too large";
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
    /// A body that is not the JSON that the route takes.
    BodyInvalid BAD_REQUEST "body_invalid" "Invalid body";
    /// A body of another type than the route takes.
    UnsupportedMediaType UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" "Media type not supported";
    /// The policy has no such role.
    RoleUnknown UNPROCESSABLE_ENTITY "role_unknown" "Unknown role";
    /// The policy has no such tier.
    TierUnknown UNPROCESSABLE_ENTITY "tier_unknown" "Unknown tier";
    /// Nobody would be admin afterwards.
    LastAdmin CONFLICT "last_admin" "Last admin";
    /// The user is deleted, and nothing is decided about him any more.
    UserGone CONFLICT "user_gone" "User already deleted";
    /// Clerk knows no such user.
    UserAbsentAtClerk CONFLICT "user_absent_at_clerk" "User not at Clerk";
    /// There is no secret key, so Clerk cannot be asked.
    ClerkNotConfigured CONFLICT "clerk_not_configured" "Clerk's Backend API is not configured";
    /// Clerk's Backend API does not answer.
    ClerkUnavailable SERVICE_UNAVAILABLE "clerk_unavailable" "Clerk unavailable";
    /// Clerk's Backend API refused, or cannot be understood.
    ClerkRefused BAD_GATEWAY "clerk_refused" "Clerk refused";
    /// Nothing that is stored has this id.
    DeliveryNotFound NOT_FOUND "delivery_not_found" "Delivery not found";
    /// No invite has this id.
    InviteNotFound NOT_FOUND "invite_not_found" "Invite not found";
    /// Another invite has this code.
    InviteCodeTaken CONFLICT "invite_code_taken" "Invite code taken";
    /// There is no open request to forget this person.
    ErasureNotFound NOT_FOUND "erasure_not_found" "No open erasure";
    /// The person is forgotten already, or is to be.
    ErasureAlready CONFLICT "erasure_already_requested" "Erasure already requested";
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
    errors: Vec<FieldError>,
    step_up: Option<StepUp>,
    retry_at: Option<DateTime<Utc>>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    /// What is wrong with each part of the input, where there are parts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    /// With `reverification_required`: what Clerk's front end wants to be told, to ask for a new verification.
    #[serde(skip_serializing_if = "Option::is_none")]
    clerk_error: Option<ClerkError>,
    /// When it may be tried again, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_at: Option<DateTime<Utc>>,
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
    /// Which part.
    field: String,
    /// What is wrong.
    message: String,
}

/// Seconds after which a sender may try again what failed for a fault of ours.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");

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
        }
    }

    /// A problem with words about this occurrence. They are shown to the client.
    #[must_use]
    pub fn with_detail(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: Some(detail.into()),
            errors: Vec::new(),
            step_up: None,
            retry_at: None,
        }
    }

    /// A problem with one part of the input. The words are shown to the client.
    #[must_use]
    pub(crate) fn with_field(kind: Kind, field: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            kind,
            detail: Some(format!("{field}: {message}")),
            errors: vec![FieldError {
                field: field.to_owned(),
                message,
            }],
            step_up: None,
            retry_at: None,
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

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The answer, naming the request.
    pub(crate) fn respond(self, request_id: Option<&str>) -> Response {
        let Self {
            kind,
            detail,
            errors,
            step_up,
            retry_at,
        } = &self;
        let body = ProblemBody {
            r#type: format!("urn:clerk-sync:problem:{}", kind.code()),
            title: kind.title(),
            status: kind.status().as_u16(),
            detail: detail.clone(),
            code: kind.code(),
            instance: request_id.map(str::to_owned),
            errors: errors.clone(),
            clerk_error: step_up.map(ClerkError::from),
            retry_at: *retry_at,
        };
        let mut response = (kind.status(), Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(challenge) = challenge(*kind) {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if matches!(
            kind.status(),
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
        ) {
            let seconds = retry_at.map_or(RETRY_AFTER_SECONDS, seconds_until);
            headers.insert(RETRY_AFTER, seconds);
        }
        response.extensions_mut().insert(self);
        response
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

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.respond(None)
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

impl From<Denial> for Problem {
    fn from(denial: Denial) -> Self {
        let words = denial.to_string();
        let (kind, step_up) = match denial {
            Denial::Undefined { .. } => (Kind::RequirementInvalid, None),
            Denial::Role { .. } => (Kind::RoleRequired, None),
            Denial::Tier { .. } => (Kind::TierRequired, None),
            Denial::Permission { .. } => (Kind::PermissionRequired, None),
            Denial::Feature { .. } => (Kind::FeatureRequired, None),
            Denial::StepUp { factor, within } => {
                let wanted = StepUp { factor, within };
                (Kind::ReverificationRequired, Some(wanted))
            }
            Denial::Invite => (Kind::InviteRequired, None),
        };
        Self {
            step_up,
            ..Self::with_detail(kind, words)
        }
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
            let response = Problem::of(*kind).into_response();
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
