//! Clerk's codes and statuses of what the Frontend API denies. This file alone gives them.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::backend::ApiError;
use crate::denial::Denial;
use crate::refusal::Refusal;

/// A handler's answer.
pub(crate) type Answer<T = Response> = Result<T, Denial>;

/// A bare answer, without the client beside it.
pub(super) type Bare<T> = Result<Json<T>, Denial>;

impl IntoResponse for Denial {
    fn into_response(self) -> Response {
        ApiError::from(self).into_response()
    }
}

impl From<Denial> for ApiError {
    fn from(denial: Denial) -> Self {
        let long = denial.to_string();
        let with = |status, code, message: &str| Self::new(status, code, message, &long);
        let unprocessable =
            |code, message: &str| Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, message, &long);
        match denial {
            Denial::Refused(Refusal::UserBanned { .. }) => {
                with(StatusCode::FORBIDDEN, "user_banned", "the user is banned")
            }
            Denial::Refused(refusal) => refusal.into(),
            Denial::DevBrowserUnknown => with(
                StatusCode::UNAUTHORIZED,
                "dev_browser_unauthenticated",
                "unknown browser",
            ),
            Denial::SignedOut => with(
                StatusCode::UNAUTHORIZED,
                "authentication_invalid",
                "signed out",
            ),
            Denial::SessionExists => with(
                StatusCode::BAD_REQUEST,
                "session_exists",
                "signed in already",
            ),
            Denial::IdentifierUnknown => {
                unprocessable("form_identifier_not_found", "no such account").about("identifier")
            }
            Denial::PasswordIncorrect => {
                unprocessable("form_password_incorrect", "not the password").about("password")
            }
            Denial::CodeIncorrect => {
                unprocessable("form_code_incorrect", "not the code").about("code")
            }
            Denial::TooManyAttempts => with(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_requests",
                "too many attempts",
            ),
            Denial::UserLocked => with(
                StatusCode::FORBIDDEN,
                "user_locked",
                "the account is locked",
            ),
            Denial::VerificationExpired => with(
                StatusCode::BAD_REQUEST,
                "verification_expired",
                "the code has expired",
            ),
            Denial::VerificationMissing => with(
                StatusCode::BAD_REQUEST,
                "verification_missing",
                "nothing to verify",
            ),
            Denial::AlreadyVerified => with(
                StatusCode::BAD_REQUEST,
                "verification_already_verified",
                "verified already",
            ),
            Denial::StrategyInvalid => {
                unprocessable("form_param_value_invalid", "unknown strategy").about("strategy")
            }
            Denial::TicketInvalid => with(
                StatusCode::BAD_REQUEST,
                "ticket_invalid_code",
                "not a ticket",
            ),
            Denial::TicketUsed => with(
                StatusCode::BAD_REQUEST,
                "sign_in_token_already_used_code",
                "used already",
            ),
            Denial::TicketRevoked => with(
                StatusCode::BAD_REQUEST,
                "sign_in_token_revoked_code",
                "revoked",
            ),
            Denial::TicketExpired => {
                with(StatusCode::BAD_REQUEST, "ticket_expired_code", "expired")
            }
            Denial::SignUpRestricted => with(
                StatusCode::FORBIDDEN,
                "sign_up_mode_restricted",
                "no sign-ups",
            ),
            Denial::OrganizationsOff => with(
                StatusCode::FORBIDDEN,
                "organization_not_enabled_in_instance",
                "no organizations",
            ),
            Denial::NotAnAdmin => with(
                StatusCode::FORBIDDEN,
                "not_an_admin_in_organization",
                "not an admin",
            ),
            Denial::LastAdmin => with(
                StatusCode::BAD_REQUEST,
                "organization_minimum_permissions_needed",
                "the last admin",
            ),
            Denial::TooLarge => with(
                StatusCode::PAYLOAD_TOO_LARGE,
                "request_body_too_large",
                "too large",
            ),
            Denial::NotAllowed => with(
                StatusCode::FORBIDDEN,
                "authorization_invalid",
                "not allowed",
            ),
        }
    }
}
