//! Users and what belongs to them, as administrators see them.

use chrono::{DateTime, Utc};
use domain::{Entitlements, FeatureUsage, MemberOf, Policy, User};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// A user, with the role and tier in force and where they come from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AdminUser {
    /// Ours.
    id: Uuid,
    #[schema(example = "user_2g7np7Hrk0SN6kj5EDMLDaKNL0S")]
    clerk_user_id: String,
    /// The team's own id for the user, kept at Clerk.
    external_id: Option<String>,
    username: Option<String>,
    /// The primary address.
    #[schema(example = "ann@example.com")]
    email: Option<String>,
    email_verified: bool,
    first_name: Option<String>,
    last_name: Option<String>,
    full_name: Option<String>,
    image_url: Option<String>,
    /// The role in force.
    #[schema(example = "growth")]
    role: String,
    /// `configuration`, `override`, `rule 2: organization`, `default`; null for a row older than sources.
    #[schema(example = "override")]
    role_source: Option<String>,
    /// The role that an admin gave; null: the rules decide.
    #[schema(example = "growth")]
    role_override: Option<String>,
    /// The tier in force.
    #[schema(example = "free")]
    tier: String,
    /// `override`, `plan`, `public_metadata`, `default`; null for a row older than sources.
    #[schema(example = "default")]
    tier_source: Option<String>,
    /// The tier that an admin gave; null: what is paid for decides.
    tier_override: Option<String>,
    /// When the tier lapses unless Clerk says more.
    tier_until: Option<DateTime<Utc>>,
    #[schema(value_type = Object)]
    public_metadata: Value,
    #[schema(value_type = Object)]
    preferences: Value,
    /// Banned at Clerk.
    banned: bool,
    /// Locked at Clerk after failed attempts.
    locked: bool,
    /// Whether the user has used an invite code.
    invite_validated: bool,
    invite_validated_at: Option<DateTime<Utc>>,
    /// When an admin closed the account here.
    deactivated_at: Option<DateTime<Utc>>,
    /// Tokens issued at or before this second are refused.
    tokens_valid_after: Option<DateTime<Utc>>,
    /// Neither deleted nor banned nor deactivated.
    is_active: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    last_login_at: Option<DateTime<Utc>>,
    deleted_at: Option<DateTime<Utc>>,
}

impl AdminUser {
    /// As the policy judges him now.
    pub(super) fn new(user: User, policy: &Policy, now: DateTime<Utc>) -> Self {
        let Entitlements {
            role: role_in_force,
            role_source: source_of_role,
            tier: tier_in_force,
            tier_source: source_of_tier,
            limits: _,
            features: _,
        } = policy.entitlements(&user, now);
        let User {
            id,
            clerk_user_id,
            external_id,
            username,
            email,
            email_verified,
            first_name,
            last_name,
            full_name,
            image_url,
            role: _,
            role_override,
            role_source: _,
            tier: _,
            tier_override,
            tier_source: _,
            tier_until,
            public_metadata,
            preferences,
            banned,
            locked,
            invite_validated_at,
            deactivated_at,
            tokens_valid_after,
            is_active,
            created_at,
            updated_at,
            last_login_at,
            deleted_at,
            version: _,
        } = user;
        Self {
            id,
            clerk_user_id: clerk_user_id.into_string(),
            external_id,
            username,
            email,
            email_verified,
            first_name,
            last_name,
            full_name,
            image_url,
            role: role_in_force.to_string(),
            role_source: source_of_role.map(|source| source.to_string()),
            role_override: role_override.map(|role| role.to_string()),
            tier: tier_in_force.to_string(),
            tier_source: source_of_tier.map(|source| source.to_string()),
            tier_override: tier_override.map(|tier| tier.to_string()),
            tier_until,
            public_metadata,
            preferences,
            banned,
            locked,
            invite_validated: invite_validated_at.is_some(),
            invite_validated_at,
            deactivated_at,
            tokens_valid_after,
            is_active,
            created_at,
            updated_at,
            last_login_at,
            deleted_at,
        }
    }
}

/// One of a user's addresses.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Address {
    /// Clerk's id of it, where Clerk gives one.
    clerk_email_address_id: Option<String>,
    #[schema(example = "ann@example.com")]
    email_address: String,
    verified: bool,
    primary: bool,
}

impl From<domain::EmailAddress> for Address {
    fn from(address: domain::EmailAddress) -> Self {
        let domain::EmailAddress {
            clerk_email_address_id,
            email_address,
            verified,
            primary,
        } = address;
        Self {
            clerk_email_address_id: clerk_email_address_id.map(domain::ClerkId::into_string),
            email_address,
            verified,
            primary,
        }
    }
}

/// A user's place in an organization.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Place {
    clerk_organization_id: Option<String>,
    /// Null while nothing has told of the organization.
    name: Option<String>,
    slug: Option<String>,
    clerk_membership_id: String,
    #[schema(example = "org:admin")]
    role: Option<String>,
    #[schema(value_type = Vec<String>)]
    permissions: Value,
    created_at: DateTime<Utc>,
}

impl From<MemberOf> for Place {
    fn from(place: MemberOf) -> Self {
        let MemberOf {
            membership,
            organization,
        } = place;
        let (name, slug) = organization.map_or((None, None), |told| (told.name, told.slug));
        Self {
            clerk_organization_id: membership.clerk_organization_id,
            name,
            slug,
            clerk_membership_id: membership.clerk_membership_id.into_string(),
            role: membership.role,
            permissions: membership.permissions,
            created_at: membership.created_at,
        }
    }
}

/// What a user has used of a metered feature this month.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Used {
    #[schema(example = "ai_messages")]
    feature: String,
    /// The calendar month (UTC).
    #[schema(example = "2026-11")]
    month: String,
    used: u64,
    /// Held for work that is going on.
    reserved: u64,
    /// What the tier in force allows; null for a feature that the policy does not meter.
    limit: Option<u32>,
}

impl Used {
    pub(super) fn new(usage: FeatureUsage, has: &Entitlements) -> Self {
        let FeatureUsage {
            feature,
            month,
            used,
            reserved,
        } = usage;
        Self {
            limit: has.limits.per_month(&feature),
            feature,
            month: month.to_string(),
            used,
            reserved,
        }
    }
}
