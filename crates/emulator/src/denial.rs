//! Why the Frontend API denies a page something, beyond a [`Refusal`]; `frontend::error` gives it Clerk's codes.

use crate::refusal::Refusal;

/// Why a page does not get what it asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Denial {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("the development browser is not known; ask for a new one")]
    DevBrowserUnknown,
    #[error("nobody is signed in in this browser")]
    SignedOut,
    #[error("somebody is signed in already, and the instance allows one session in a browser")]
    SessionExists,
    #[error("nobody has this identifier")]
    IdentifierUnknown,
    #[error("the password is not correct; try again or use another method")]
    PasswordIncorrect,
    #[error("the code is not correct")]
    CodeIncorrect,
    #[error("too many wrong ones; begin again or use another method")]
    TooManyAttempts,
    #[error("the account is locked after too many wrong passwords or codes")]
    UserLocked,
    #[error("the code has expired; ask for a new one")]
    VerificationExpired,
    #[error("no code was sent yet; prepare the verification first")]
    VerificationMissing,
    #[error("it is verified already")]
    AlreadyVerified,
    #[error("the emulator does not know this strategy here")]
    StrategyInvalid,
    #[error("the sign-in token is not known")]
    TicketInvalid,
    #[error("the sign-in token was used already")]
    TicketUsed,
    #[error("the sign-in token was revoked")]
    TicketRevoked,
    #[error("the sign-in token has expired")]
    TicketExpired,
    #[error("the instance does not take sign-ups")]
    SignUpRestricted,
    #[error("the instance has no organizations")]
    OrganizationsOff,
    #[error("only admins of the organization may do this")]
    NotAnAdmin,
    #[error("the organization would be left without an admin")]
    LastAdmin,
    #[error("the body is larger than anything that is asked for here")]
    TooLarge,
    #[error("the user may not do this")]
    NotAllowed,
}
