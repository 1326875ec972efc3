//! Requests that no route takes. The answer names what was asked for: a 404 alone leaves people looking for a missing
//! object.

use axum::extract::OriginalUri;
use axum::http::{Method, StatusCode};

use super::ApiError;

/// Parts of Clerk's API that are left out on purpose, by the first segment behind `/v1/`.
const LEFT_OUT: [(&str, &str); 23] = [
    ("accountless_applications", "accountless applications"),
    ("actor_tokens", "actor tokens"),
    ("agents", "agent tasks"),
    ("allowlist_identifiers", "the allow-list"),
    ("api_keys", "API keys"),
    ("audit_logs", "audit logs"),
    ("beta_features", "beta features"),
    ("blocklist_identifiers", "the block-list"),
    ("directories", "directories"),
    ("email", "sending e-mails"),
    ("enterprise_connections", "enterprise connections"),
    ("m2m_tokens", "M2M tokens"),
    ("machine_tokens", "machine tokens"),
    ("machines", "machines"),
    ("oauth_applications", "OAuth applications"),
    ("proxy_checks", "proxy checks"),
    ("redirect_urls", "redirect URLs"),
    ("role_sets", "role sets"),
    ("saml_connections", "SAML connections"),
    ("scim_directories", "SCIM directories"),
    ("templates", "e-mail templates"),
    ("admin_portal_link_tokens", "admin portal links"),
    ("aws_credentials", "AWS credentials"),
];

/// The answer where there is no such path.
pub(crate) async fn unknown(method: Method, OriginalUri(uri): OriginalUri) -> ApiError {
    let path = uri.path();
    let family = path.strip_prefix("/v1/").and_then(|rest| {
        let first = rest.split('/').next()?;
        LEFT_OUT.iter().find(|(segment, _)| *segment == first)
    });
    let long = match family {
        Some((_, what)) => {
            format!("The emulator has no route {method} {path}. Not emulated: {what}.")
        }
        None => format!("The emulator has no route {method} {path}."),
    };
    ApiError::new(
        StatusCode::NOT_FOUND,
        "resource_not_found",
        "not found",
        &long,
    )
}

/// The answer where the path takes other methods only.
pub(crate) async fn wrong_method(method: Method, OriginalUri(uri): OriginalUri) -> ApiError {
    let long = format!(
        "The emulator has {} for other methods than {method} only.",
        uri.path()
    );
    let status = StatusCode::METHOD_NOT_ALLOWED;
    ApiError::new(status, "method_not_allowed", "method not allowed", &long)
}
