use std::net::SocketAddr;
use std::time::Duration;

use emulator::{Emulator, EmulatorConfig, EmulatorError};
use reqwest::Method;

use crate::running::{Running, config, running, running_with};

async fn refused(config: EmulatorConfig) -> EmulatorError {
    match Emulator::start(config).await {
        Ok(_) => panic!("it started"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn an_address_that_others_reach_is_refused_without_consent() {
    let everywhere: SocketAddr = "0.0.0.0:0".parse().unwrap();
    let error = refused(EmulatorConfig {
        bind: everywhere,
        ..config()
    })
    .await;
    assert!(matches!(error, EmulatorError::NonLoopback { bind } if bind == everywhere));
    let allowed = running_with(EmulatorConfig {
        bind: everywhere,
        allow_non_loopback: true,
        ..config()
    })
    .await;
    assert!(allowed.origin().starts_with("http://127.0.0.1:"));
    assert_eq!(allowed.get("/v1/users").await.status, 200);
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let first = running().await;
    let bind = first.address();
    let error = refused(EmulatorConfig { bind, ..config() }).await;
    assert!(error.to_string().contains(&bind.to_string()), "{error}");
}

#[tokio::test]
async fn malformed_webhook_settings_are_refused_without_their_text() {
    let error = refused(EmulatorConfig {
        webhook_url: Some("hooks.example".to_owned()),
        ..config()
    })
    .await;
    assert!(matches!(error, EmulatorError::WebhookUrl));
    let error = refused(EmulatorConfig {
        webhook_secret: Some("hunter2hunter2".into()),
        ..config()
    })
    .await;
    assert!(matches!(error, EmulatorError::WebhookSecret));
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[tokio::test]
async fn the_names_that_people_rely_on() {
    let clerk = running().await;
    assert_eq!(
        EmulatorConfig::default().bind.to_string(),
        emulator::DEFAULT_BIND
    );
    assert_eq!(clerk.issuer(), "https://emu-local-42.clerk.accounts.dev");
    assert_eq!(clerk.secret_key(), "sk_test_emulator");
    // `printf 'emu-local-42.clerk.accounts.dev$' | base64`, without the padding.
    assert_eq!(
        clerk.publishable_key(),
        "pk_test_ZW11LWxvY2FsLTQyLmNsZXJrLmFjY291bnRzLmRldiQ"
    );
    assert!(clerk.webhook_secret().starts_with("whsec_"));
    let welcome = clerk.request(Method::GET, "/").send().await.unwrap();
    assert!(
        welcome
            .text()
            .await
            .unwrap()
            .contains("Not affiliated with Clerk")
    );
}

#[tokio::test]
async fn every_backend_path_wants_a_test_secret_key() {
    let clerk = running().await;
    for key in [None, Some("sk_live_real"), Some("pk_test_x"), Some("")] {
        for path in [
            "/v1/users",
            "/v1/users/count",
            "/v1/sessions",
            "/v1/nothing",
        ] {
            let mut request = clerk.request(Method::GET, path);
            if let Some(key) = key {
                request = request.bearer_auth(key);
            }
            let answer = Running::send(request).await;
            assert_eq!(
                (answer.status, answer.code()),
                (401, "clerk_key_invalid"),
                "{key:?} {path}"
            );
        }
    }
    let other = clerk
        .request(Method::GET, "/v1/users")
        .bearer_auth("sk_test_of_somebody");
    assert_eq!(Running::send(other).await.status, 200);
    assert_eq!(clerk.get("/v1/nothing").await.code(), "resource_not_found");
    assert_eq!(
        clerk.put("/v1/users", serde_json::json!({})).await.code(),
        "method_not_allowed"
    );
}

#[tokio::test]
async fn shutdown_frees_the_port_and_ends_the_wait() {
    let clerk = running().await.emulator;
    let bind = clerk.address();
    tokio::time::timeout(Duration::from_secs(10), clerk.shutdown())
        .await
        .unwrap()
        .unwrap();
    let again = running_with(EmulatorConfig { bind, ..config() }).await;
    assert_eq!(again.address(), bind);
}
