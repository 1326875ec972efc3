//! Objects as Clerk writes them, and rows as the mirror keeps them.

use chrono::{DateTime, Utc};
use domain::{ClerkId, Membership, Mirrored, Organization, Role, Tier, User};
use serde_json::{Value, json};
use uuid::Uuid;

/// A time shortly before anybody runs this.
pub(crate) const UPDATED_AT: i64 = 1_716_883_500_000;

pub(crate) fn id(text: &str) -> ClerkId {
    ClerkId::parse(text).unwrap()
}

pub(crate) fn user(id: &str) -> Value {
    json!({
        "object": "user", "id": id, "first_name": "Ada", "email_addresses": [],
        "created_at": UPDATED_AT - 1000, "updated_at": UPDATED_AT,
    })
}

pub(crate) fn organization(id: &str) -> Value {
    json!({
        "object": "organization", "id": id, "name": "Acme",
        "created_at": UPDATED_AT - 1000, "updated_at": UPDATED_AT,
    })
}

pub(crate) fn membership(id: &str, organization: &str, user: &str) -> Value {
    json!({
        "object": "organization_membership", "id": id, "role": "org:member", "permissions": [],
        "organization": {"id": organization}, "public_user_data": {"user_id": user},
        "created_at": UPDATED_AT - 1000, "updated_at": UPDATED_AT,
    })
}

fn at() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(UPDATED_AT).unwrap()
}

pub(crate) fn user_row(clerk_id: &str) -> Mirrored {
    let row = User {
        id: Uuid::nil(),
        clerk_user_id: id(clerk_id),
        external_id: None,
        username: None,
        email: None,
        email_verified: false,
        first_name: None,
        last_name: None,
        full_name: None,
        image_url: None,
        role: Role::from_store("user".to_owned()),
        role_override: None,
        role_source: None,
        tier: Tier::from_store("free".to_owned()),
        tier_override: None,
        tier_source: None,
        tier_until: None,
        public_metadata: json!({}),
        preferences: json!({}),
        banned: false,
        locked: false,
        invite_validated_at: None,
        deactivated_at: None,
        tokens_valid_after: None,
        is_active: true,
        created_at: at(),
        updated_at: at(),
        last_login_at: None,
        deleted_at: None,
        version: UPDATED_AT,
    };
    Mirrored::User(Box::new(row), Vec::new())
}

pub(crate) fn organization_row(clerk_id: &str) -> Mirrored {
    Mirrored::Organization(Box::new(Organization {
        clerk_organization_id: id(clerk_id),
        name: None,
        slug: None,
        image_url: None,
        public_metadata: json!({}),
        created_by: None,
        tier: None,
        tier_until: None,
        created_at: at(),
        updated_at: at(),
        deleted_at: None,
        version: UPDATED_AT,
    }))
}

pub(crate) fn membership_row(
    clerk_id: &str,
    organization: Option<&str>,
    user: Option<&str>,
) -> Mirrored {
    Mirrored::Membership(Box::new(Membership {
        clerk_membership_id: id(clerk_id),
        clerk_organization_id: organization.map(str::to_owned),
        clerk_user_id: user.map(str::to_owned),
        role: None,
        permissions: json!([]),
        public_metadata: json!({}),
        created_at: at(),
        updated_at: at(),
        deleted_at: None,
        version: UPDATED_AT,
    }))
}
