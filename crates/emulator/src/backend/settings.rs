//! What can be asked of the instance itself. None of it can be changed over the Backend API.

use axum::Json;
use axum::http::header::HOST;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::ids;
use crate::organization::{ADMIN, MEMBER};
use crate::state::system_ms;

const HOUR_MS: i64 = 3_600_000;

pub(super) async fn instance() -> Json<Value> {
    Json(json!({
        "object": "instance",
        "id": crate::INSTANCE_ID,
        "environment_type": "development",
        "allowed_origins": [],
        "workspace_id": null,
    }))
}

/// Zero means without limit.
pub(super) async fn organizations() -> Json<Value> {
    Json(json!({
        "object": "organization_settings",
        "enabled": true,
        "max_allowed_memberships": 0,
        "max_allowed_roles": 10,
        "max_role_sets_allowed": 1,
        "max_allowed_domains": 0,
        "max_allowed_permissions": 50,
        "creator_role": ADMIN,
        "admin_delete_enabled": true,
        "domains_enabled": true,
        "slug_disabled": false,
        "domains_enrollment_modes": ["manual_invitation", "automatic_invitation", "automatic_suggestion"],
        "domains_default_role": MEMBER,
        "initial_role_set_key": null,
    }))
}

/// The one domain that the publishable key encodes.
pub(super) async fn domains(headers: HeaderMap) -> Json<Value> {
    let domain = json!({
        "object": "domain",
        "id": "dmn_emulator",
        "name": crate::FRONTEND_API_HOST,
        "is_satellite": false,
        "frontend_api_url": crate::ISSUER,
        "accounts_portal_url": null,
        "proxy_url": format!("{}/__clerk", origin(&headers)),
        "development_origin": "",
        "cname_targets": [],
    });
    Json(json!({ "data": [domain], "total_count": 1 }))
}

/// The Frontend API asks nobody for it: there are no bots to keep out.
pub(super) async fn testing_token() -> Json<Value> {
    Json(json!({
        "object": "testing_token",
        "token": ids::random("testing_"),
        "expires_at": (system_ms() + HOUR_MS) / 1000,
    }))
}

/// The emulator signs and sends by itself; what Svix's portal shows is on its own page.
pub(super) async fn svix(headers: HeaderMap) -> Json<Value> {
    Json(json!({ "svix_url": format!("{}/#deliveries", origin(&headers)) }))
}

pub(super) async fn no_svix() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// Where the caller has reached the emulator.
fn origin(headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    format!("http://{}", host.unwrap_or(crate::DEFAULT_BIND))
}
