//! Organizations, memberships and invitations: what is kept of each, and how the Backend API and webhooks show it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::collection::Keyed;
use crate::user::User;

/// The role of whoever creates an organization.
pub(crate) const ADMIN: &str = "org:admin";
/// The role of everybody else, unless told.
pub(crate) const MEMBER: &str = "org:member";

/// Clerk's Organization object. Times are milliseconds since 1970. The counts are of the moment and belong to no
/// version: a membership that comes or goes changes them without `organization.updated`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the fields are the Backend API's, documented there"
)]
pub struct Organization {
    pub object: String,
    pub id: String,
    pub name: String,
    pub slug: String,
    pub image_url: String,
    pub has_image: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members_count: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_invitations_count: Option<usize>,
    pub missing_member_with_elevated_permissions: bool,
    /// Zero means without limit, which is the emulator's default; Clerk's depends on the plan.
    pub max_allowed_memberships: i64,
    pub admin_delete_enabled: bool,
    pub public_metadata: Map<String, Value>,
    pub private_metadata: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    pub created_at: i64,
    pub updated_at: i64,
    pub role_set_key: Option<String>,
}

impl Organization {
    pub(crate) fn new(id: String, name: String, slug: String, image_url: String, now: i64) -> Self {
        Self {
            object: "organization".to_owned(),
            id,
            name,
            slug,
            image_url,
            has_image: false,
            members_count: None,
            pending_invitations_count: None,
            missing_member_with_elevated_permissions: false,
            max_allowed_memberships: 0,
            admin_delete_enabled: true,
            public_metadata: Map::new(),
            private_metadata: Map::new(),
            created_by: None,
            created_at: now,
            updated_at: now,
            role_set_key: None,
        }
    }

    /// What other objects show of this organization, as Clerk's `public_organization_data`.
    pub(crate) fn public_data(&self) -> Value {
        json!({
            "id": self.id, "name": self.name, "slug": self.slug, "image_url": self.image_url, "has_image": self.has_image,
        })
    }
}

impl Keyed for Organization {
    fn key(&self) -> &str {
        &self.id
    }
}

/// A user's place in an organization, without the two: they are shown as they are at the moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Membership {
    pub(crate) id: String,
    pub(crate) organization_id: String,
    pub(crate) user_id: String,
    pub(crate) role: String,
    pub(crate) public_metadata: Map<String, Value>,
    pub(crate) private_metadata: Map<String, Value>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

impl Membership {
    /// Clerk's OrganizationMembership object.
    pub(crate) fn shown(&self, organization: &Organization, user: Option<&User>) -> Value {
        json!({
            "object": "organization_membership",
            "id": self.id,
            "role": self.role,
            "role_name": role_name(&self.role),
            "permissions": permissions(&self.role),
            "public_metadata": self.public_metadata,
            "private_metadata": self.private_metadata,
            "organization": organization,
            "public_user_data": user.map(User::public_data),
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        })
    }
}

impl Keyed for Membership {
    fn key(&self) -> &str {
        &self.id
    }
}

/// An invitation of an e-mail address to an organization.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Invitation {
    pub(crate) id: String,
    pub(crate) organization_id: String,
    pub(crate) email_address: String,
    pub(crate) role: String,
    pub(crate) inviter_id: Option<String>,
    pub(crate) status: InvitationStatus,
    pub(crate) public_metadata: Map<String, Value>,
    pub(crate) private_metadata: Map<String, Value>,
    pub(crate) url: Option<String>,
    pub(crate) expires_at: i64,
    /// Who accepted it.
    pub(crate) user_id: Option<String>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

/// Where an invitation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum InvitationStatus {
    Pending,
    Accepted,
    Revoked,
    /// Past `expires_at`. Clerk sends no event for it.
    Expired,
}

impl Invitation {
    /// Clerk's OrganizationInvitation object. One that was accepted shows by whom.
    pub(crate) fn shown(&self, organization: &Organization, inviter: Option<&User>) -> Value {
        let mut shown = json!({
            "object": "organization_invitation",
            "id": self.id,
            "email_address": self.email_address,
            "role": self.role,
            "role_name": role_name(&self.role),
            "organization_id": self.organization_id,
            "public_organization_data": organization.public_data(),
            "inviter_id": self.inviter_id,
            "public_inviter_data": inviter.map(User::public_data),
            "status": self.status,
            "public_metadata": self.public_metadata,
            "private_metadata": self.private_metadata,
            "url": self.url,
            "expires_at": self.expires_at,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        });
        if let (Some(user_id), Some(members)) = (&self.user_id, shown.as_object_mut()) {
            members.insert("user_id".to_owned(), user_id.as_str().into());
        }
        shown
    }
}

impl Keyed for Invitation {
    fn key(&self) -> &str {
        &self.id
    }
}

/// Whether the text is a role's key. Which roles exist is not emulated: any key of the right form does.
pub(crate) fn is_role(text: &str) -> bool {
    text.strip_prefix("org:").is_some_and(|bare| {
        !bare.is_empty()
            && bare
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    })
}

/// `org:night_guard` is named `Night guard`.
pub(crate) fn role_name(role: &str) -> String {
    let bare = role.strip_prefix("org:").unwrap_or(role).replace('_', " ");
    let mut letters = bare.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => bare,
    }
}

/// Clerk's system permissions; custom roles have none here.
pub(crate) fn permissions(role: &str) -> &'static [&'static str] {
    match role {
        ADMIN => &[
            "org:sys_profile:manage",
            "org:sys_profile:delete",
            "org:sys_memberships:read",
            "org:sys_memberships:manage",
            "org:sys_domains:read",
            "org:sys_domains:manage",
            "org:sys_billing:read",
            "org:sys_billing:manage",
        ],
        MEMBER => &["org:sys_memberships:read", "org:sys_billing:read"],
        _ => &[],
    }
}

/// The slug that a name gives: lower case, hyphens for everything else.
pub(crate) fn slug_of(name: &str) -> String {
    let mut slug = String::with_capacity(name.len());
    for letter in name.chars().flat_map(char::to_lowercase) {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    if slug.is_empty() {
        slug.push_str("organization");
    }
    slug
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_need_their_prefix_and_have_names() {
        for good in ["org:admin", "org:night_guard2"] {
            assert!(is_role(good), "{good}");
        }
        for bad in ["admin", "org:", "org:Admin", "org:a b", ""] {
            assert!(!is_role(bad), "{bad}");
        }
        assert_eq!(role_name("org:night_guard"), "Night guard");
    }

    #[test]
    fn slugs_are_made_of_names() {
        assert_eq!(slug_of("Sample Works, Ltd."), "sample-works-ltd");
        assert_eq!(slug_of("  Üben & Co"), "ben-co");
        assert_eq!(slug_of("!!!"), "organization");
    }
}
