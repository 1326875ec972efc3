//! Why an operation is refused, as facts; `backend::error` gives them Clerk's codes and statuses.

/// Why the emulator refuses an operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// No object of this kind has the id.
    #[error("no {kind} with id {id:?}")]
    NotFound {
        /// Clerk's name of the object, such as `user`.
        kind: &'static str,
        /// The id that was asked for.
        id: String,
    },
    /// Another user already has this e-mail address, phone number, user name or external id.
    #[error("the {param} is taken by another user")]
    IdentifierTaken {
        /// The parameter that held it.
        param: &'static str,
    },
    /// A needed parameter is absent.
    #[error("the parameter {param} is missing")]
    ParamMissing {
        /// The parameter's name.
        param: &'static str,
    },
    /// A parameter has the wrong type or form.
    #[error("the parameter {param} must be {expected}")]
    ParamInvalid {
        /// The parameter's name.
        param: String,
        /// What would have been accepted.
        expected: &'static str,
    },
    /// The body is not a JSON object.
    #[error("the request body is not a JSON object: {reason}")]
    BodyInvalid {
        /// What is wrong with it.
        reason: String,
    },
    /// A password shorter than eight characters.
    #[error("the password has fewer than 8 characters")]
    PasswordTooShort,
    /// The password is not the user's.
    #[error("the password is not the user's")]
    PasswordIncorrect,
    /// The user has no password.
    #[error("the user has no password")]
    PasswordAbsent,
    /// The session has ended, so it gives no tokens.
    #[error("session {id:?} is no longer active")]
    SessionNotActive {
        /// The session's id.
        id: String,
    },
    /// A token is not of the session or client that it was sent for.
    #[error("the token must be one of the session or client that is asked for")]
    TokenForeign,
    /// A banned user cannot have a new session.
    #[error("user {id:?} is banned")]
    UserBanned {
        /// The user's id.
        id: String,
    },
    /// The user is in the organization already.
    #[error("user {user_id:?} is a member already")]
    AlreadyMember {
        /// The user's id.
        user_id: String,
    },
    /// The address has a pending invitation to the organization already.
    #[error("the address is invited already")]
    AlreadyInvited,
    /// The organization has as many members as it may have.
    #[error("the organization is full: {limit} memberships")]
    OrganizationFull {
        /// `max_allowed_memberships`.
        limit: i64,
    },
    /// The invitation was accepted, revoked or has expired.
    #[error("invitation {id:?} is not pending")]
    InvitationNotPending {
        /// The invitation's id.
        id: String,
    },
    /// The payer's subscription does not stand where this step begins.
    #[error("the subscription cannot take this step: {reason}")]
    SubscriptionUnfit {
        /// What is in the way.
        reason: &'static str,
    },
    /// The object is not in a state in which this can be done.
    #[error("{reason}")]
    Conflict {
        /// What is in the way.
        reason: &'static str,
    },
    /// The delivery still has attempts ahead of it, so it cannot be replayed yet.
    #[error("delivery {id:?} is still on its way")]
    DeliveryPending {
        /// The message id.
        id: String,
    },
    /// The signing secret cannot be used.
    #[error("the webhook secret must be whsec_ followed by base64")]
    WebhookSecretInvalid,
    /// A token could not be signed.
    #[error("the token could not be signed: {reason}")]
    TokenNotSigned {
        /// What the signer said.
        reason: String,
    },
    /// A later stage of the emulator.
    #[error("{what} are not emulated yet")]
    NotYet {
        /// What was asked for.
        what: &'static str,
    },
}
