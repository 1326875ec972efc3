//! Organizations and what belongs to them.

use serde_json::{Value, json};

use super::people::public_user_data;
use super::{DAY_MS, Times, deleted, id, with};

pub(super) fn organization_event(verb: &str, at: Times) -> Value {
    match verb {
        "deleted" => with(
            deleted("organization", "org_"),
            json!({ "slug": "sample-works" }),
        ),
        "updated" => with(
            organization(at),
            json!({
                "name": "Sample Works International", "members_count": 3, "public_metadata": { "region": "north" },
            }),
        ),
        _ => organization(at),
    }
}

/// A deleted membership comes whole, unlike every other deleted object.
pub(super) fn membership_event(verb: &str, at: Times) -> Value {
    let (role, role_name) = if verb == "updated" {
        ("org:admin", "Admin")
    } else {
        ("org:member", "Member")
    };
    json!({
        "object": "organization_membership",
        "id": id("orgmem_"),
        "role": role,
        "role_name": role_name,
        "permissions": ["org:reports:read"],
        "public_metadata": {},
        "private_metadata": {},
        "organization": organization(Times { created: at.created, updated: at.created }),
        "public_user_data": with(public_user_data(), json!({
            "profile_image_url": format!("https://img.clerk.com/{}", id("user_")),
        })),
        "created_at": at.created,
        "updated_at": at.updated,
    })
}

pub(super) fn invitation_event(verb: &str, at: Times) -> Value {
    let invitation = json!({
        "object": "organization_invitation",
        "id": id("orginv_"),
        "email_address": "invited.person@example.com",
        "role": "org:member",
        "role_name": "Member",
        "organization_id": id("org_"),
        "inviter_id": id("user_"),
        "public_inviter_data": public_user_data(),
        "status": if verb == "created" { "pending" } else { verb },
        "public_metadata": {},
        "private_metadata": {},
        "url": "https://accounts.example.com/tickets/sample",
        "expires_at": at.created + 30 * DAY_MS,
        "created_at": at.created,
        "updated_at": at.updated,
    });
    if verb != "accepted" {
        return invitation;
    }
    with(
        invitation,
        json!({ "user_id": id("user_"), "public_organization_data": public_organization_data() }),
    )
}

pub(super) fn domain_event(verb: &str, at: Times) -> Value {
    if verb == "deleted" {
        return deleted("organization_domain", "orgdmn_");
    }
    let verification = (verb == "updated").then(|| json!({
        "status": "verified", "strategy": "affiliation_email_code", "attempts": 1, "expire_at": null, "verified_at": at.updated,
    }));
    json!({
        "object": "organization_domain",
        "id": id("orgdmn_"),
        "organization_id": id("org_"),
        "name": "example.com",
        "enrollment_mode": "automatic_suggestion",
        "affiliation_email_address": "post@example.com",
        "affiliation_verification": verification,
        "ownership_verification": null,
        "verification": verification,
        "total_pending_invitations": 0,
        "total_pending_suggestions": 1,
        "public_organization_data": public_organization_data(),
        "created_at": at.created,
        "updated_at": at.updated,
    })
}

pub(super) fn role_event(verb: &str, at: Times) -> Value {
    if verb == "deleted" {
        return deleted("role", "role_");
    }
    json!({
        "object": "role",
        "id": id("role_"),
        "name": if verb == "updated" { "Senior auditor" } else { "Auditor" },
        "key": "org:auditor",
        "description": "Reads every report",
        "is_creator_eligible": false,
        "permissions": [permission(Times { created: at.created, updated: at.created })],
        "created_at": at.created,
        "updated_at": at.updated,
    })
}

pub(super) fn permission_event(verb: &str, at: Times) -> Value {
    match verb {
        "deleted" => deleted("permission", "perm_"),
        "updated" => with(permission(at), json!({ "name": "Read and export reports" })),
        _ => permission(at),
    }
}

fn organization(at: Times) -> Value {
    json!({
        "object": "organization",
        "id": id("org_"),
        "name": "Sample Works",
        "slug": "sample-works",
        "image_url": format!("https://img.clerk.com/{}", id("org_")),
        "has_image": false,
        "members_count": 1,
        "pending_invitations_count": 0,
        "missing_member_with_elevated_permissions": false,
        "max_allowed_memberships": 5,
        "admin_delete_enabled": true,
        "public_metadata": {},
        "private_metadata": {},
        "created_by": id("user_"),
        "created_at": at.created,
        "updated_at": at.updated,
    })
}

fn public_organization_data() -> Value {
    json!({
        "id": id("org_"), "name": "Sample Works", "slug": "sample-works",
        "image_url": format!("https://img.clerk.com/{}", id("org_")), "has_image": false,
    })
}

fn permission(at: Times) -> Value {
    json!({
        "object": "permission",
        "id": id("perm_"),
        "name": "Read reports",
        "key": "org:reports:read",
        "description": "Opens the reports of the organization",
        "type": "custom",
        "created_at": at.created,
        "updated_at": at.updated,
    })
}
