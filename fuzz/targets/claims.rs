//! Any bytes as the payload of a token that was rightly signed: never a panic, and what is accepted holds the promises of
//! the claims' types.
#![no_main]

use std::sync::LazyLock;

use auth::AuthConfig;
use chrono::TimeDelta;
use libfuzzer_sys::fuzz_target;

mod instance;

static CONFIG: LazyLock<AuthConfig> = LazyLock::new(instance::config);

fuzz_target!(|payload: &[u8]| {
    let now = instance::now();
    let Some(Ok(claims)) = auth::fuzzing::judge(&CONFIG, payload, now) else {
        return;
    };
    assert!(claims.user_id.starts_with("user_") && claims.user_id.is_ascii());
    assert!(claims.session_id.starts_with("sess_") && claims.session_id.is_ascii());
    assert!(claims.expires_at > now - TimeDelta::seconds(5));
    assert_eq!(
        claims.authorized_party.as_deref(),
        Some("https://app.example.com")
    );
    for permission in claims
        .organization
        .iter()
        .flat_map(|organization| organization.permissions.iter())
    {
        assert!(permission.starts_with("org:"));
    }
    // Neither may overflow, whatever the token says.
    let _ = claims.factor_ages_at(now + TimeDelta::days(1));
    let _ = format!("{claims:?}");
});
