//! Users: what Clerk says about one, and the row that we keep.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{ClerkId, Precedence, Role, Tier};

/// One of a user's e-mail addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EmailAddress {
    /// Clerk's id of the address, `idn_…`; Clerk may leave it out.
    pub clerk_email_address_id: Option<ClerkId>,
    /// The address as Clerk wrote it.
    pub email_address: String,
    /// Whether Clerk has seen proof that the user owns it.
    pub verified: bool,
    /// Whether Clerk's `primary_email_address_id` names it.
    pub primary: bool,
}

/// What Clerk says about a user, in one fact.
#[derive(Debug, Clone, PartialEq)]
pub struct UserProfile {
    /// `user_…`
    pub clerk_user_id: ClerkId,
    /// The team's own id for the user, kept at Clerk.
    pub external_id: Option<String>,
    /// Unique at Clerk at any one time, yet given anew after a deletion, so never unique here.
    pub username: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Where the avatar is.
    pub image_url: Option<String>,
    /// Every address, the primary one marked.
    pub emails: Vec<EmailAddress>,
    /// Written by the team's own backend only: may decide roles and tiers.
    pub public_metadata: Map<String, Value>,
    /// The user may not sign in, and his sessions are over.
    pub banned: bool,
    /// The user may not sign in for a while; sessions go on.
    pub locked: bool,
    /// Clerk's.
    pub created_at: DateTime<Utc>,
    /// Clerk's.
    pub updated_at: DateTime<Utc>,
    /// Clerk's latest sign-in.
    pub last_sign_in_at: Option<DateTime<Utc>>,
}

impl UserProfile {
    /// The address that `primary_email_address_id` names, never simply the first.
    #[must_use]
    pub fn primary_email(&self) -> Option<&EmailAddress> {
        self.emails.iter().find(|email| email.primary)
    }

    /// First and last name with a space between, or the one that there is.
    #[must_use]
    pub fn full_name(&self) -> Option<String> {
        match (self.first_name.as_deref(), self.last_name.as_deref()) {
            (Some(first), Some(last)) => Some(format!("{first} {last}")),
            (Some(only), None) | (None, Some(only)) => Some(only.to_owned()),
            (None, None) => None,
        }
    }
}

/// A guarded write of a user's row: it takes effect when its place is greater than the row's.
#[derive(Debug, Clone, PartialEq)]
pub struct UserWrite {
    /// The fact.
    pub profile: UserProfile,
    /// Its place among all facts about this user.
    pub precedence: Precedence,
}

/// What a verified token alone says about a user whom no webhook has told of yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThinUser {
    /// The token's `sub`.
    pub clerk_user_id: ClerkId,
    /// From custom claims of the token, where the team put them there; never counted as verified.
    pub email: Option<String>,
    /// From custom claims.
    pub first_name: Option<String>,
    /// From custom claims.
    pub last_name: Option<String>,
    /// From custom claims.
    pub image_url: Option<String>,
    /// When the first request came.
    pub seen_at: DateTime<Utc>,
}

/// The row that we keep of a user, as programs see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// Ours: what the team's own tables point at.
    pub id: Uuid,
    /// Clerk's.
    pub clerk_user_id: ClerkId,
    /// The team's own id for the user, kept at Clerk.
    pub external_id: Option<String>,
    /// Not unique: Clerk gives names anew.
    pub username: Option<String>,
    /// The primary address; not unique, as people re-register.
    pub email: Option<String>,
    /// Whether the primary address is verified.
    pub email_verified: bool,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// First and last name.
    pub full_name: Option<String>,
    /// Where the avatar is.
    pub image_url: Option<String>,
    /// What the user may do: the role in force.
    pub role: Role,
    /// The role that an admin gave, which beats every rule.
    pub role_override: Option<Role>,
    /// Why the role is as it is, in the policy's words; absent on rows older than sources.
    pub role_source: Option<String>,
    /// What the user pays for, as of `tier_until`.
    pub tier: Tier,
    /// The tier that an admin gave, which beats what is paid for.
    pub tier_override: Option<Tier>,
    /// Why the tier is as it is, in the policy's words; absent on rows older than sources.
    pub tier_source: Option<String>,
    /// When `tier` lapses unless Clerk says more; what `public_metadata` says counts from then on.
    pub tier_until: Option<DateTime<Utc>>,
    /// As Clerk has it.
    pub public_metadata: Value,
    /// The user's own settings in the team's product.
    pub preferences: Value,
    /// Banned at Clerk.
    pub banned: bool,
    /// Locked at Clerk after failed attempts.
    pub locked: bool,
    /// When the user first gave a valid invite code; never taken back.
    pub invite_validated_at: Option<DateTime<Utc>>,
    /// When an admin closed the account here, if it is closed.
    pub deactivated_at: Option<DateTime<Utc>>,
    /// Tokens issued at or before this second are refused.
    pub tokens_valid_after: Option<DateTime<Utc>>,
    /// Neither deleted nor banned nor deactivated.
    pub is_active: bool,
    /// Clerk's, or the first request's for a user known from a token alone.
    pub created_at: DateTime<Utc>,
    /// Clerk's.
    pub updated_at: DateTime<Utc>,
    /// Latest sign-in that we know of; never moves backwards.
    pub last_login_at: Option<DateTime<Utc>>,
    /// When Clerk deleted the user.
    pub deleted_at: Option<DateTime<Utc>>,
    /// Clerk's `updated_at` in force, in milliseconds since 1970; 0 for a user known from a token alone.
    pub version: i64,
}
