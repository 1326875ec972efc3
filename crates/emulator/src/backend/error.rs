//! Clerk's error bodies. This file alone gives a refusal its status and code.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::ids;
use crate::refusal::Refusal;

/// `{"errors": [{code, message, long_message, meta}], "clerk_trace_id"}` with a status.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    long_message: String,
    param: Option<String>,
}

impl ApiError {
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        message: &str,
        long_message: &str,
    ) -> Self {
        Self {
            status,
            code,
            message: message.to_owned(),
            long_message: long_message.to_owned(),
            param: None,
        }
    }

    pub(crate) fn key_invalid() -> Self {
        let long = "The emulator takes any secret key that begins with sk_test_, sent as Authorization: Bearer.";
        Self::new(
            StatusCode::UNAUTHORIZED,
            "clerk_key_invalid",
            "the secret key is not valid",
            long,
        )
    }

    pub(crate) fn about(mut self, param: &str) -> Self {
        self.param = Some(param.to_owned());
        self
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let long = refusal.to_string();
        let unprocessable =
            |code, message| Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, message, &long);
        match &refusal {
            Refusal::NotFound { .. } => Self::new(
                StatusCode::NOT_FOUND,
                "resource_not_found",
                "not found",
                &long,
            ),
            Refusal::IdentifierTaken { param } => {
                unprocessable("form_identifier_exists", "already taken").about(param)
            }
            Refusal::ParamMissing { param } => {
                unprocessable("form_param_missing", "is missing").about(param)
            }
            Refusal::ParamInvalid { param, .. } => {
                unprocessable("form_param_format_invalid", "has the wrong form").about(param)
            }
            Refusal::BodyInvalid { .. } => Self::new(
                StatusCode::BAD_REQUEST,
                "request_body_invalid",
                "the request body is not valid",
                &long,
            ),
            Refusal::PasswordTooShort => unprocessable(
                "form_password_length_too_short",
                "the password is too short",
            )
            .about("password"),
            Refusal::PasswordIncorrect => {
                unprocessable("incorrect_password", "the password is not correct").about("password")
            }
            Refusal::PasswordAbsent => Self::new(
                StatusCode::BAD_REQUEST,
                "no_password_set",
                "no password set",
                &long,
            ),
            Refusal::SessionNotActive { .. } => Self::new(
                StatusCode::UNAUTHORIZED,
                "authentication_invalid",
                "the session is over",
                &long,
            ),
            Refusal::TokenForeign => Self::new(
                StatusCode::UNAUTHORIZED,
                "authentication_invalid",
                "a strange token",
                &long,
            ),
            Refusal::UserBanned { .. } => unprocessable("user_banned", "the user is banned"),
            Refusal::AlreadyMember { .. } => Self::new(
                StatusCode::BAD_REQUEST,
                "already_a_member_in_organization",
                "already a member",
                &long,
            ),
            Refusal::AlreadyInvited => Self::new(
                StatusCode::BAD_REQUEST,
                "duplicate_record",
                "already invited",
                &long,
            ),
            Refusal::OrganizationFull { .. } => Self::new(
                StatusCode::FORBIDDEN,
                "organization_membership_quota_exceeded",
                "the organization is full",
                &long,
            ),
            Refusal::InvitationNotPending { .. } => Self::new(
                StatusCode::BAD_REQUEST,
                "organization_invitation_not_pending",
                "not pending",
                &long,
            ),
            Refusal::SubscriptionUnfit { .. } => Self::new(
                StatusCode::CONFLICT,
                "subscription_unfit",
                "not from there",
                &long,
            ),
            Refusal::Conflict { .. } => {
                Self::new(StatusCode::CONFLICT, "conflict", "not possible now", &long)
            }
            Refusal::DeliveryPending { .. } => Self::new(
                StatusCode::CONFLICT,
                "delivery_pending",
                "not settled",
                &long,
            ),
            Refusal::WebhookSecretInvalid => {
                unprocessable("form_param_format_invalid", "not a secret").about("secret")
            }
            Refusal::TokenNotSigned { .. } => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "token_not_signed",
                "the token could not be signed",
                &long,
            ),
            Refusal::NotYet { .. } => Self::new(
                StatusCode::NOT_IMPLEMENTED,
                "not_emulated",
                "not emulated yet",
                &long,
            ),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut error = json!({ "code": self.code, "message": self.message, "long_message": self.long_message });
        if let (Some(param), Some(members)) = (self.param, error.as_object_mut()) {
            members.insert("meta".to_owned(), json!({ "param_name": param }));
        }
        (
            self.status,
            Json(json!({ "errors": [error], "clerk_trace_id": ids::random("") })),
        )
            .into_response()
    }
}
