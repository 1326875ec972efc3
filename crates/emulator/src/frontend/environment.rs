//! `/environment`: what the instance is set to, in Clerk's full shape.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::instance::{FrontendSettings, Instance};

/// Bare, without a client beside it. Development pages ask by PATCH.
pub(super) async fn get(State(instance): State<Arc<Instance>>) -> Json<Value> {
    Json(environment(&instance.frontend_settings()))
}

fn environment(settings: &FrontendSettings) -> Value {
    json!({
        "object": "environment",
        "id": crate::INSTANCE_ID,
        "auth_config": {
            "object": "auth_config",
            "id": "aconf_emulator",
            "single_session_mode": settings.single_session,
            "claimed_at": null,
            "reverification": false,
            "preferred_channels": null,
            "session_minter": false,
            "native_settings": null,
            "url_based_session_syncing": true,
        },
        "display_config": display_config(settings),
        "user_settings": user_settings(settings),
        "organization_settings": {
            "enabled": settings.organizations,
            "max_allowed_memberships": 0,
            "max_role_sets_allowed": 1,
            "force_organization_selection": false,
            "actions": { "admin_delete": true },
            "domains": { "enabled": false, "enrollment_modes": [], "default_role": null },
            "slug": { "disabled": false },
            "creator_role": crate::organization::ADMIN,
            "organization_creation_defaults": { "enabled": false },
        },
        "commerce_settings": {
            "object": "commerce_settings",
            "id": "",
            "billing": {
                "stripe_publishable_key": null,
                "organization": { "enabled": false, "has_paid_plans": false },
                "user": { "enabled": false, "has_paid_plans": false },
                // Where older versions of the library look.
                "enabled": false,
                "has_paid_org_plans": false,
                "has_paid_user_plans": false,
            },
        },
        "api_keys_settings": {
            "object": "api_keys_settings", "id": "", "enabled": false,
            "user_api_keys_enabled": false, "orgs_api_keys_enabled": false,
        },
        "protect_config": { "object": "protect_config", "id": "", "loader": null },
        "client_debug_mode": false,
        "partitioned_cookies": false,
        "maintenance_mode": false,
    })
}

/// Addresses of pages are empty: the application names its own.
fn display_config(settings: &FrontendSettings) -> Value {
    let mut config = json!({
        "object": "display_config",
        "id": "display_config_emulator",
        "instance_environment_type": "development",
        "application_name": settings.application_name,
        "theme": {
            "general": {
                "color": "#6c47ff", "background_color": "#ffffff", "font_family": "system-ui", "font_color": "#151515",
                "label_font_weight": "600", "padding": "1em", "border_radius": "0.5em", "box_shadow": "0 0.5em 1em",
            },
            "buttons": { "font_color": "#ffffff", "font_family": "system-ui", "font_weight": "600" },
            "accounts": { "background_color": "#f7f7f7" },
        },
        "preferred_sign_in_strategy": if settings.password { "password" } else { "otp" },
        "captcha_public_key": null,
        "captcha_public_key_invisible": null,
        "captcha_widget_type": null,
        "captcha_provider": "turnstile",
        "captcha_oauth_bypass": [],
        "captcha_heartbeat": false,
        "clerk_js_version": "6",
        "google_one_tap_client_id": null,
        "branded": false,
        "show_devmode_warning": true,
        "support_email": "",
    });
    if let Some(members) = config.as_object_mut() {
        for name in [
            "after_create_organization_url",
            "after_join_waitlist_url",
            "after_leave_organization_url",
            "after_sign_in_url",
            "after_sign_out_all_url",
            "after_sign_out_one_url",
            "after_sign_out_url",
            "after_sign_up_url",
            "after_switch_session_url",
            "create_organization_url",
            "favicon_image_url",
            "help_url",
            "home_url",
            "logo_image_url",
            "logo_link_url",
            "organization_profile_url",
            "privacy_policy_url",
            "sign_in_url",
            "sign_up_url",
            "terms_url",
            "user_profile_url",
            "waitlist_url",
        ] {
            members.insert(name.to_owned(), "".into());
        }
    }
    config
}

fn user_settings(settings: &FrontendSettings) -> Value {
    let none: [&str; 0] = [];
    let attribute = |enabled: bool, required: bool, first: bool, factors: &[&str], verify: bool| {
        json!({
            "enabled": enabled, "required": required, "immutable": false,
            "used_for_first_factor": first, "first_factors": factors, "verifications": factors,
            "used_for_second_factor": false, "second_factors": none, "verify_at_sign_up": verify,
        })
    };
    let off = || attribute(false, false, false, &none, false);
    let verify = settings.verify_at_sign_up;
    json!({
        "attributes": {
            "email_address": attribute(true, true, true, &["email_code"], verify),
            "password": attribute(settings.password, settings.password && settings.password_required, false, &none, false),
            "username": attribute(settings.username, settings.username, settings.username, &none, false),
            "first_name": attribute(settings.names, false, false, &none, false),
            "last_name": attribute(settings.names, false, false, &none, false),
            "phone_number": off(),
            "web3_wallet": off(),
            "authenticator_app": off(),
            "backup_code": off(),
            "passkey": off(),
            "ticket": attribute(true, false, false, &none, false),
        },
        "actions": {
            "delete_self": settings.delete_self,
            "create_organization": settings.organizations,
            "create_organizations_limit": null,
        },
        "social": social(settings),
        "enterprise_sso": { "enabled": false, "self_serve_sso": false, "self_serve_directory_sync": false },
        "saml": { "enabled": false },
        "sign_in": { "second_factor": { "required": false, "enabled": false } },
        "sign_up": {
            "mode": if settings.sign_up { "public" } else { "restricted" },
            "allowlist_only": false,
            "captcha_enabled": false,
            "captcha_widget_type": null,
            "custom_action_required": false,
            "legal_consent_enabled": false,
            "mfa": { "required": false },
            "progressive": true,
        },
        "password_settings": {
            "allowed_special_characters": "!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~",
            "disable_hibp": true, "enforce_hibp_on_sign_in": false,
            "min_length": 8, "max_length": 72,
            "require_lowercase": false, "require_numbers": false, "require_special_char": false,
            "require_uppercase": false, "show_zxcvbn": false, "min_zxcvbn_strength": 0,
        },
        "passkey_settings": { "allow_autofill": false, "show_sign_in_button": false },
        "username_settings": { "min_length": 4, "max_length": 64 },
        "attack_protection": {
            "user_lockout": { "enabled": true, "max_attempts": 100, "duration_in_minutes": 60 },
            "pii": { "enabled": false },
            "email_link": { "require_same_client": false },
            "enumeration_protection": { "enabled": false },
        },
    })
}

/// The providers, under their strategies.
fn social(settings: &FrontendSettings) -> Value {
    let providers = settings.social.iter().map(|name| {
        let strategy = format!("oauth_{name}");
        let mut letters = name.chars();
        let first = letters.next().into_iter().flat_map(char::to_uppercase);
        let named: String = first.chain(letters).collect();
        let provider = json!({
            "enabled": true, "required": false, "authenticatable": true, "block_email_subaddresses": false,
            "strategy": strategy, "name": named, "not_selectable": false, "deactivated": false, "logo_url": null,
        });
        (strategy, provider)
    });
    Value::Object(providers.collect())
}
