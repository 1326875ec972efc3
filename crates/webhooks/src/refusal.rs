//! Why a message is not believed.

use chrono::{DateTime, Utc};
use domain::Rejection;
use http::HeaderMap;

use crate::signature::claimed_message_id;

/// Why a message was not proven to come from Clerk just now. Nothing in its body was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// One of the three headers is not there.
    #[error("the header {header} is missing")]
    HeaderMissing {
        /// Its name.
        header: &'static str,
    },
    /// One of the three headers is there more than once.
    #[error("the header {header} is given more than once")]
    HeaderDuplicated {
        /// Its name.
        header: &'static str,
    },
    /// One of the three headers is empty, or the signature header is no text.
    #[error("the header {header} cannot be read")]
    HeaderInvalid {
        /// Its name.
        header: &'static str,
    },
    /// The timestamp is not a plain number of seconds since 1970.
    #[error("the timestamp is not a number of seconds")]
    TimestampInvalid,
    /// The signature is right and its timestamp more than five minutes old: a repeated message, or a slow clock here.
    #[error("the timestamp is more than five minutes old")]
    TimestampExpired,
    /// The signature is right and its timestamp more than five minutes ahead: most likely a slow clock here.
    #[error("the timestamp is more than five minutes ahead")]
    TimestampInFuture,
    /// No signature fits any of the secrets.
    #[error("no signature matches")]
    SignatureInvalid,
}

impl Refusal {
    /// The stable code for answers, logs and the ledger.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::HeaderMissing { .. } => "header_missing",
            Self::HeaderDuplicated { .. } => "header_duplicated",
            Self::HeaderInvalid { .. } => "header_invalid",
            Self::TimestampInvalid => "timestamp_invalid",
            Self::TimestampExpired => "timestamp_expired",
            Self::TimestampInFuture => "timestamp_in_future",
            Self::SignatureInvalid => "signature_invalid",
        }
    }

    /// The ledger's line for the refused message; of its headers only the claimed id is kept.
    #[must_use]
    pub fn rejection(self, headers: &HeaderMap, received_at: DateTime<Utc>) -> Rejection {
        Rejection {
            code: self.code(),
            claimed_message_id: claimed_message_id(headers),
            received_at,
        }
    }
}
