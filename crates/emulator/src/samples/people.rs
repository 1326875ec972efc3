//! Users and sessions.

use serde_json::{Value, json};

use super::{DAY_MS, MINUTE_MS, Times, deleted, id, with};
use crate::user::{EmailAddress, User, Verification};

pub(super) fn user_event(verb: &str, at: Times) -> Value {
    match verb {
        "deleted" => with(
            deleted("user", "user_"),
            json!({ "external_id": "crm-1001" }),
        ),
        "updated" => with(
            user(at),
            json!({
                "last_name": "Changed",
                "external_id": "crm-1001",
                "public_metadata": { "team": "garden" },
                "unsafe_metadata": { "theme": "dark" },
            }),
        ),
        _ => user(at),
    }
}

pub(super) fn session_event(verb: &str, at: Times) -> Value {
    let status = if verb == "created" { "active" } else { verb };
    json!({
        "object": "session",
        "id": id("sess_"),
        "user_id": id("user_"),
        "user": user(at),
        "client_id": id("client_"),
        "actor": null,
        "status": status,
        "last_active_organization_id": null,
        "last_active_at": at.created,
        "latest_activity": {
            "object": "session_activity", "id": id("sess_activity_"), "device_type": "desktop", "is_mobile": false,
            "browser_name": "Firefox", "browser_version": "140.0", "ip_address": "203.0.113.9", "city": "Bergen",
            "country": "NO",
        },
        "expire_at": at.created + 7 * DAY_MS,
        "abandon_at": at.created + 30 * DAY_MS,
        "updated_at": at.updated,
        "created_at": at.created,
    })
}

/// The one user of all samples, in the Backend API's shape.
pub(super) fn user(at: Times) -> Value {
    let mut user = User::new(id("user_"), at.created);
    user.image_url = format!("https://img.clerk.com/{}", id("user_"));
    user.profile_image_url.clone_from(&user.image_url);
    user.first_name = Some("Sample".to_owned());
    user.last_name = Some("Person".to_owned());
    user.primary_email_address_id = Some(id("idn_"));
    user.email_addresses.push(EmailAddress {
        id: id("idn_"),
        object: "email_address".to_owned(),
        email_address: "sample.person@example.com".to_owned(),
        reserved: false,
        verification: Some(Verification {
            object: "verification_otp".to_owned(),
            status: "verified".to_owned(),
            strategy: "email_code".to_owned(),
            attempts: Some(1),
            expire_at: Some(at.created + 10 * MINUTE_MS),
        }),
        linked_to: Vec::new(),
        matches_sso_connection: false,
        created_at: at.created,
        updated_at: at.created,
    });
    user.password_enabled = true;
    user.last_sign_in_at = Some(at.created);
    user.last_active_at = Some(at.created);
    user.updated_at = at.updated;
    serde_json::to_value(user).unwrap_or_default()
}

/// What other objects show of the user.
pub(super) fn public_user_data() -> Value {
    json!({
        "user_id": id("user_"), "first_name": "Sample", "last_name": "Person",
        "image_url": format!("https://img.clerk.com/{}", id("user_")), "has_image": false,
        "identifier": "sample.person@example.com",
    })
}
