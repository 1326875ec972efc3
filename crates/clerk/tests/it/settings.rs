//! What the client refuses to start with.

use clerk::{ClerkApi, ClerkApiConfig, ClerkConfigError};
use domain::{Directory as _, Listing};
use secrecy::SecretString;
use serde_json::json;

use crate::stub::{KEY, Stub, ok};

fn refused(change: impl FnOnce(&mut ClerkApiConfig)) -> ClerkConfigError {
    let mut config = ClerkApiConfig::new("https://api.clerk.com", SecretString::from(KEY));
    change(&mut config);
    ClerkApi::new(&config).unwrap_err()
}

#[test]
fn unusable_settings_are_named_and_not_shown() {
    for (fault, expected) in [
        (
            refused(|config| config.base_url = "http://api.clerk.com".to_owned()),
            ClerkConfigError::BaseUrl,
        ),
        (
            refused(|config| config.secret_key = SecretString::from("")),
            ClerkConfigError::SecretKey,
        ),
        (
            refused(|config| config.secret_key = SecretString::from("sk_test_\nsecret")),
            ClerkConfigError::SecretKey,
        ),
        (
            refused(|config| config.api_version = "2026\r\n".to_owned()),
            ClerkConfigError::ApiVersion,
        ),
        (
            refused(|config| config.api_version = String::new()),
            ClerkConfigError::ApiVersion,
        ),
        (
            refused(|config| config.page_size = 0),
            ClerkConfigError::PageSize,
        ),
        (
            refused(|config| config.page_size = 501),
            ClerkConfigError::PageSize,
        ),
    ] {
        assert_eq!(fault, expected);
        assert!(!fault.to_string().contains("secret\n"), "{fault}");
    }
}

#[tokio::test]
async fn the_version_in_the_base_url_is_optional() {
    let stub = Stub::start(|_| ok(json!([]))).await;
    for end in ["", "/", "/v1", "/v1/"] {
        let client = stub.client_with(|config| config.base_url.push_str(end));
        client.page(Listing::Users, None).await.unwrap();
    }
    assert!(stub.asked().iter().all(|asked| asked.path() == "/v1/users"));
}
