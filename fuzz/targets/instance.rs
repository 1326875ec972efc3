//! The Clerk instance whose tokens are verified, and the time at which they are.

use auth::{AuthConfig, PublishableKey};
use chrono::{DateTime, Utc};

/// Of `clerk.example.com`.
pub const PUBLISHABLE_KEY: &str = "pk_test_Y2xlcmsuZXhhbXBsZS5jb20k";

pub fn config() -> AuthConfig {
    let key = PublishableKey::parse(PUBLISHABLE_KEY).expect("a publishable key");
    AuthConfig {
        authorized_parties: vec!["https://app.example.com".to_owned()],
        jwks: None,
        ..AuthConfig::for_instance(key)
    }
}

/// Within the good token's minute.
pub fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_766_000_000, 0).expect("a time")
}
