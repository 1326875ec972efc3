//! The table of what can go wrong: code, status and title of each kind.

use http::StatusCode;

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
    /// More requests than one caller may send.
    RateLimited TOO_MANY_REQUESTS "rate_limited" "Too many requests";
    /// The tier's messages to the assistant are used for this calendar month (UTC).
    AiMessageLimitReached TOO_MANY_REQUESTS "ai_message_limit_reached" "AI message limit reached";
    /// What the tier allows of another metered feature is used for this calendar month (UTC).
    UsageLimitReached TOO_MANY_REQUESTS "usage_limit_reached" "Usage limit reached";
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
    /// Nothing of the caller's has this id; another's is not told from none.
    ResourceNotFound NOT_FOUND "resource_not_found" "Not found";
    /// The body names a row that there is not, or that is another's.
    ReferenceUnknown UNPROCESSABLE_ENTITY "reference_unknown" "Unknown reference";
    /// The user has as many portfolios as his tier allows.
    PortfolioLimitReached FORBIDDEN "portfolio_limit_reached" "Portfolio limit reached";
    /// A file of which nothing is taken.
    ImportInvalid UNPROCESSABLE_ENTITY "import_invalid" "Invalid file";
    /// Figures that cannot be worked out.
    CalculationFailed UNPROCESSABLE_ENTITY "calculation_failed" "Calculation failed";
    /// The team runs no assistant.
    AssistantNotConfigured SERVICE_UNAVAILABLE "assistant_not_configured" "No assistant configured";
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
    /// More requests are under way than can be served well.
    Overloaded SERVICE_UNAVAILABLE "overloaded" "Too much to do just now";
    /// A fault of ours.
    Internal INTERNAL_SERVER_ERROR "internal_error" "Internal error";
}
