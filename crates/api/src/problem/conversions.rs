//! What each crate knows of a failure, as a problem.

use domain::{Denial, StepUp, StoreError};

use super::{Kind, Problem};

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
