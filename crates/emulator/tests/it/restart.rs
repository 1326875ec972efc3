use std::fs;
use std::path::Path;
use std::time::Duration;

use emulator::{Emulator, EmulatorConfig, EmulatorError};
use serde_json::json;

use crate::running::{Running, running_with};

async fn kept_in(folder: &Path) -> Running {
    running_with(EmulatorConfig {
        key_path: Some(folder.join("key.pem")),
        state_path: Some(folder.join("state.json")),
        // Pictures are under it, and the port is another one each time.
        public_url: Some("http://localhost:4100".to_owned()),
        ..EmulatorConfig::on_free_port()
    })
    .await
}

#[tokio::test]
async fn state_and_key_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = kept_in(folder.path()).await;
    let body = json!({"email_address": ["a@example.com"], "password": "battery staple"});
    let user = first.post("/v1/users", body.clone()).await.ok();
    let session = first.new_session(user["id"].as_str().unwrap()).unwrap();
    let jwks = first.jwks();
    first.emulator.shutdown().await.unwrap();

    let second = kept_in(folder.path()).await;
    assert_eq!(second.jwks(), jwks);
    let id = user["id"].as_str().unwrap();
    assert_eq!(second.get(&format!("/v1/users/{id}")).await.ok(), user);
    assert_eq!(second.session(&session.id).unwrap(), session);
    assert!(second.session_token(&session.id, None, None, None).is_ok());
    assert!(second.verify_password(id, "battery staple").is_ok());
    assert_eq!(
        second.post("/v1/users", body).await.code(),
        "form_identifier_exists"
    );
}

#[tokio::test]
async fn the_file_follows_changes_without_a_shutdown() {
    let folder = tempfile::tempdir().unwrap();
    let clerk = kept_in(folder.path()).await;
    for number in 0..50 {
        clerk.new_user(&format!("u{number}@example.com")).unwrap();
    }
    let written = async {
        loop {
            let text = fs::read_to_string(folder.path().join("state.json")).unwrap_or_default();
            if text.contains("u49@example.com") {
                // Renamed into place, it is whole whenever it is read.
                return serde_json::from_str::<serde_json::Value>(&text).unwrap();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let state = tokio::time::timeout(Duration::from_secs(10), written)
        .await
        .unwrap();
    assert_eq!(state["users"].as_array().unwrap().len(), 50);
}

#[tokio::test]
async fn dropping_it_writes_the_state_too() {
    let folder = tempfile::tempdir().unwrap();
    drop({
        let clerk = kept_in(folder.path()).await;
        clerk.new_user("a@example.com").unwrap();
        clerk
    });
    let again = kept_in(folder.path()).await;
    assert_eq!(again.get("/v1/users/count").await.ok()["total_count"], 1);
}

#[tokio::test]
async fn a_corrupt_state_file_stops_the_start_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    fs::write(&path, "{\"version\":1,").unwrap();
    let started = Emulator::start(EmulatorConfig {
        key: Some(crate::running::shared_key()),
        state_path: Some(path.clone()),
        ..EmulatorConfig::on_free_port()
    })
    .await;
    let Err(error) = started else {
        panic!("it started")
    };
    assert!(matches!(error, EmulatorError::StateFileCorrupt { .. }));
    assert!(error.to_string().contains("state.json"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "{\"version\":1,");
}

#[tokio::test]
async fn a_seeded_run_goes_on_after_a_restart_without_repeating_ids() {
    let folder = tempfile::tempdir().unwrap();
    let config = || EmulatorConfig {
        key: Some(crate::running::shared_key()),
        seed: Some(3),
        state_path: Some(folder.path().join("state.json")),
        ..EmulatorConfig::on_free_port()
    };
    let first = running_with(config()).await;
    let before = first.new_user("a@example.com").unwrap();
    first.emulator.shutdown().await.unwrap();
    let second = running_with(config()).await;
    let after = second.new_user("b@example.com").unwrap();
    assert_ne!(before.id, after.id);
    assert!(after.created_at > before.created_at);
}

#[tokio::test]
async fn a_generated_secret_survives_restart_and_reset_and_a_given_one_wins() {
    let folder = tempfile::tempdir().unwrap();
    let config = |secret: Option<&str>| EmulatorConfig {
        key: Some(crate::running::shared_key()),
        state_path: Some(folder.path().join("state.json")),
        webhook_secret: secret.map(Into::into),
        ..EmulatorConfig::on_free_port()
    };
    let first = running_with(config(None)).await;
    let generated = first.webhook_secret();
    first.reset();
    first.emulator.shutdown().await.unwrap();
    assert_eq!(running_with(config(None)).await.webhook_secret(), generated);
    let given = "whsec_Z2l2ZW4gYnkgaGFuZA==";
    assert_eq!(
        running_with(config(Some(given))).await.webhook_secret(),
        given
    );
}

#[tokio::test]
async fn organizations_and_subscriptions_survive_a_restart_with_their_indexes() {
    let folder = tempfile::tempdir().unwrap();
    let first = kept_in(folder.path()).await;
    let body = json!({"users": 3, "organizations": 2, "memberships_per_user": 2});
    let made = first.post("/__emu/seed", body).await.ok();
    let user_id = made["user_ids"][1].as_str().unwrap().to_owned();
    let step = json!({"user_id": user_id, "plan": "pro"});
    first.post("/__emu/billing/subscribe", step).await.ok();
    let before = first.snapshot();
    first.emulator.shutdown().await.unwrap();

    let second = kept_in(folder.path()).await;
    assert_eq!(second.snapshot(), before);
    let of_user = format!("/v1/users/{user_id}/organization_memberships");
    assert_eq!(second.get(&of_user).await.ok()["total_count"], 2);
    let taken = json!({"name": "Other", "slug": "organization-1"});
    let taken = second.post("/v1/organizations", taken).await;
    assert_eq!(taken.code(), "form_identifier_exists");
    let newest = second.get("/v1/users?limit=1").await.ok();
    assert_eq!(newest[0]["id"], made["user_ids"][2]);
    let subscription = format!("/v1/users/{user_id}/billing/subscription");
    assert_eq!(second.get(&subscription).await.ok()["status"], "active");
}

#[tokio::test]
async fn what_was_registered_survives_a_restart_with_a_templates_own_key() {
    let folder = tempfile::tempdir().unwrap();
    let first = kept_in(folder.path()).await;
    let user = first.new_user("a@example.com").unwrap();
    let session = first.new_session(&user.id).unwrap().id;
    let made = first
        .post("/v1/organizations", json!({"name": "Works"}))
        .await
        .ok();
    let path = format!("/v1/organizations/{}/domains", made["id"].as_str().unwrap());
    first.post(&path, json!({"name": "example.com"})).await.ok();
    first
        .post("/v1/invitations", json!({"email_address": "b@example.com"}))
        .await
        .ok();
    first
        .post(
            "/v1/waitlist_entries",
            json!({"email_address": "c@example.com"}),
        )
        .await
        .ok();
    let template = json!({
        "name": "shared", "claims": {"a": 1}, "custom_signing_key": true, "signing_algorithm": "HS256",
        "signing_key": "a secret that two services share",
    });
    first.post("/v1/jwt_templates", template).await.ok();
    let before = first.snapshot();
    assert_eq!(before["jwt_templates"][0]["name"], "shared");
    assert!(!before.to_string().contains("two services share"));
    first.emulator.shutdown().await.unwrap();

    let second = kept_in(folder.path()).await;
    assert_eq!(second.snapshot(), before);
    let path = format!("/v1/sessions/{session}/tokens/shared");
    let token = second.post(&path, json!({})).await.ok();
    let header = crate::tokens::part(token["jwt"].as_str().unwrap(), 0);
    assert_eq!(header["alg"], "HS256");
    let twice = second
        .post("/v1/invitations", json!({"email_address": "b@example.com"}))
        .await;
    assert_eq!(twice.code(), "duplicate_record");
}
