//! Why a token was refused: facts, each with its stable reason code.

use chrono::{DateTime, Utc};

use crate::shown::Shown;

/// Why a request has no verified session. `Display` names the misconfiguration for whoever runs the service and never
/// shows the token itself; [`TokenError::code`] is the stable name that clients may rely on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Neither a Bearer header nor a session cookie.
    #[error("the request carries no session token")]
    Missing,
    /// Not a compact JWS as Clerk writes it, or not exactly one.
    #[error("the token cannot be read: {0}")]
    Malformed(&'static str),
    /// Signed, or claimed to be signed, with something else than RS256.
    #[error("the token's alg is {}, only RS256 is accepted", named(.alg))]
    AlgorithmNotAllowed {
        /// What the header says; none when it is absent or no string.
        alg: Option<Shown>,
    },
    /// No usable key of that name in the configured key set.
    #[error("the token names the key {}, which is not in the configured JWKS", named(.kid))]
    KeyUnknown {
        /// What the header says; none when it is absent.
        kid: Option<Shown>,
    },
    /// The offline emulator's key, outside development.
    #[error(
        "the token is signed with the offline emulator's key, which this server is not configured to accept"
    )]
    EmulatorKey,
    /// There is no key to verify with: our outage, not the caller's fault.
    #[error(
        "no verification key is available: the JWKS could not be fetched, or is older than its stale limit"
    )]
    KeysUnavailable,
    /// The signature does not belong to these bytes and that key.
    #[error("the token's signature is not valid")]
    SignatureInvalid,
    /// Rightly signed, but not a session token.
    #[error("not a session token: {0}")]
    CategoryMismatch(&'static str),
    /// Another instance's token, or one of a differently spelled issuer.
    #[error("token is of issuer {}, this server is configured for {configured}", named(.token))]
    IssuerMismatch {
        /// The token's `iss`; none when it is absent.
        token: Option<Shown>,
        /// The issuer configured here.
        configured: Shown,
    },
    /// The configured audience is not among the token's.
    #[error("the token's aud does not contain {configured}, which this server requires")]
    AudienceMismatch {
        /// The audience configured here.
        configured: Shown,
    },
    /// Issued to an origin that is not listed.
    #[error("the token was issued to the party {}, which is not among the authorized parties", named(.azp))]
    AuthorizedPartyMismatch {
        /// The token's `azp`; none when it is absent or empty.
        azp: Option<Shown>,
    },
    /// `exp` plus the leeway has passed.
    #[error("the token expired at {at}")]
    Expired {
        /// The token's `exp`.
        at: DateTime<Utc>,
    },
    /// `nbf` or `iat` lies ahead by more than the leeway: usually a clock that is wrong.
    #[error("the token's {claim} is {at}, which has not come yet; is a clock wrong?")]
    NotYetValid {
        /// `nbf` or `iat`.
        claim: &'static str,
        /// What it says.
        at: DateTime<Utc>,
    },
    /// A claim that decides something is absent or not what it has to be.
    #[error("the claim {claim} {problem}")]
    ClaimsInvalid {
        /// The claim's name.
        claim: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The session still has tasks to do (choosing an organization, setting up a second factor).
    #[error("the session is pending: the user has not finished its tasks")]
    SessionPending,
    /// The session was ended, removed or revoked. Known to whoever keeps session state; this crate has none yet.
    #[error("the session has been revoked")]
    SessionRevoked,
    /// The user was deleted. Known to whoever keeps user state; this crate has none.
    #[error("the user has been deleted")]
    UserDeleted,
}

impl TokenError {
    /// The stable reason code of the 401 answer (503 when [`TokenError::is_outage`]).
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing => "token_missing",
            Self::Malformed(_) => "token_malformed",
            Self::AlgorithmNotAllowed { .. } => "algorithm_not_allowed",
            Self::KeyUnknown { .. } | Self::EmulatorKey => "key_unknown",
            Self::KeysUnavailable => "keys_unavailable",
            Self::SignatureInvalid => "signature_invalid",
            Self::CategoryMismatch(_) => "token_category_mismatch",
            Self::IssuerMismatch { .. } => "issuer_mismatch",
            Self::AudienceMismatch { .. } => "audience_mismatch",
            Self::AuthorizedPartyMismatch { .. } => "authorized_party_mismatch",
            Self::Expired { .. } => "token_expired",
            Self::NotYetValid { .. } => "token_not_yet_valid",
            Self::ClaimsInvalid { .. } => "claims_invalid",
            Self::SessionPending => "session_pending",
            Self::SessionRevoked => "session_revoked",
            Self::UserDeleted => "user_deleted",
        }
    }

    /// Whether the refusal is ours to mend (answer 503 and ask for a retry) rather than the caller's (answer 401).
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::KeysUnavailable)
    }

    pub(crate) fn claim(claim: &'static str, problem: &'static str) -> Self {
        Self::ClaimsInvalid { claim, problem }
    }
}

fn named(value: &Option<Shown>) -> &str {
    value.as_ref().map_or("(none)", Shown::as_str)
}

#[cfg(test)]
mod tests {
    use super::{Shown, TokenError};

    #[test]
    fn the_issuer_message_names_both_sides() {
        let error = TokenError::IssuerMismatch {
            token: Some(Shown::new("https://clerk.other.example")),
            configured: Shown::new("https://clerk.example.com"),
        };
        assert_eq!(
            error.to_string(),
            "token is of issuer https://clerk.other.example, this server is configured for https://clerk.example.com"
        );
    }

    #[test]
    fn the_codes_are_those_of_the_interface() {
        let shown = || Shown::new("x");
        let at = chrono::DateTime::UNIX_EPOCH;
        let codes = [
            TokenError::Missing,
            TokenError::Malformed("x"),
            TokenError::Expired { at },
            TokenError::NotYetValid { claim: "nbf", at },
            TokenError::SignatureInvalid,
            TokenError::AlgorithmNotAllowed { alg: None },
            TokenError::KeyUnknown { kid: None },
            TokenError::EmulatorKey,
            TokenError::KeysUnavailable,
            TokenError::IssuerMismatch {
                token: None,
                configured: shown(),
            },
            TokenError::AuthorizedPartyMismatch { azp: None },
            TokenError::AudienceMismatch {
                configured: shown(),
            },
            TokenError::SessionPending,
            TokenError::SessionRevoked,
            TokenError::UserDeleted,
            TokenError::CategoryMismatch("x"),
            TokenError::claim("exp", "x"),
        ]
        .map(|error| error.code());
        let expected = "token_missing token_malformed token_expired token_not_yet_valid signature_invalid \
            algorithm_not_allowed key_unknown key_unknown keys_unavailable issuer_mismatch authorized_party_mismatch \
            audience_mismatch session_pending session_revoked user_deleted token_category_mismatch claims_invalid";
        assert_eq!(codes.join(" "), expected);
    }

    #[test]
    fn only_missing_keys_are_an_outage() {
        assert!(TokenError::KeysUnavailable.is_outage());
        assert!(!TokenError::KeyUnknown { kid: None }.is_outage());
        assert!(!TokenError::SignatureInvalid.is_outage());
    }
}
