//! Organizations and the places that users have in them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{ClerkId, Precedence, Tier};

/// What Clerk says about an organization, in one fact.
#[derive(Debug, Clone, PartialEq)]
pub struct OrganizationProfile {
    /// `org_…`
    pub clerk_organization_id: ClerkId,
    /// Its name.
    pub name: Option<String>,
    /// Not unique here: Clerk gives slugs anew, and they can be switched off.
    pub slug: Option<String>,
    /// Where the logo is.
    pub image_url: Option<String>,
    /// Written by the team's own backend only.
    pub public_metadata: Map<String, Value>,
    /// The user who made it.
    pub created_by: Option<ClerkId>,
    /// Clerk's.
    pub created_at: DateTime<Utc>,
    /// Clerk's.
    pub updated_at: DateTime<Utc>,
}

/// A guarded write of an organization's row.
#[derive(Debug, Clone, PartialEq)]
pub struct OrganizationWrite {
    /// The fact.
    pub profile: OrganizationProfile,
    /// Its place among all facts about this organization.
    pub precedence: Precedence,
}

/// The row that we keep of an organization, as programs see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Organization {
    /// `org_…`
    pub clerk_organization_id: ClerkId,
    /// Its name.
    pub name: Option<String>,
    /// Not unique here.
    pub slug: Option<String>,
    /// Where the logo is.
    pub image_url: Option<String>,
    /// As Clerk has it.
    pub public_metadata: Value,
    /// The user who made it.
    pub created_by: Option<String>,
    /// What the organization pays for; `None` where it pays for nothing.
    pub tier: Option<Tier>,
    /// When `tier` lapses unless Clerk says more.
    pub tier_until: Option<DateTime<Utc>>,
    /// Clerk's.
    pub created_at: DateTime<Utc>,
    /// Clerk's.
    pub updated_at: DateTime<Utc>,
    /// When Clerk deleted it.
    pub deleted_at: Option<DateTime<Utc>>,
    /// Clerk's `updated_at` in force, in milliseconds since 1970.
    pub version: i64,
}

/// What Clerk says about a user's place in an organization, in one fact.
#[derive(Debug, Clone, PartialEq)]
pub struct MembershipProfile {
    /// `orgmem_…`: a user who leaves and comes back has a new one.
    pub clerk_membership_id: ClerkId,
    /// `org_…`; may be told of later.
    pub clerk_organization_id: ClerkId,
    /// `user_…`; may be told of later.
    pub clerk_user_id: ClerkId,
    /// The role in the organization, with its prefix: `org:admin`.
    pub role: Option<String>,
    /// What the role allows.
    pub permissions: Vec<String>,
    /// Written by the team's own backend only.
    pub public_metadata: Map<String, Value>,
    /// Clerk's.
    pub created_at: DateTime<Utc>,
    /// Clerk's.
    pub updated_at: DateTime<Utc>,
}

/// A guarded write of a membership's row.
#[derive(Debug, Clone, PartialEq)]
pub struct MembershipWrite {
    /// The fact.
    pub profile: MembershipProfile,
    /// Its place among all facts about this membership.
    pub precedence: Precedence,
}

/// The row that we keep of a membership, as programs see it. It counts while neither it, its organization nor its user
/// is deleted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Membership {
    /// `orgmem_…`
    pub clerk_membership_id: ClerkId,
    /// `org_…`; absent on a row made by a deletion alone.
    pub clerk_organization_id: Option<String>,
    /// `user_…`; absent on a row made by a deletion alone.
    pub clerk_user_id: Option<String>,
    /// The role in the organization.
    pub role: Option<String>,
    /// What the role allows.
    pub permissions: Value,
    /// As Clerk has it.
    pub public_metadata: Value,
    /// Clerk's.
    pub created_at: DateTime<Utc>,
    /// Clerk's.
    pub updated_at: DateTime<Utc>,
    /// When Clerk deleted it.
    pub deleted_at: Option<DateTime<Utc>>,
    /// Clerk's `updated_at` in force, in milliseconds since 1970.
    pub version: i64,
}
