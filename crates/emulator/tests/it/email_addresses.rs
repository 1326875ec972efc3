use serde_json::json;

use crate::running::running;

#[tokio::test]
async fn addresses_come_and_go_and_the_primary_one_moves() {
    let clerk = running().await;
    let user = clerk.new_user("old@example.com").unwrap();
    let body = json!({"user_id": user.id, "email_address": "new@example.com", "primary": true});
    let added = clerk.post("/v1/email_addresses", body).await.ok();
    assert_eq!(added["object"], "email_address");
    assert_eq!(
        clerk.user(&user.id).unwrap().primary_email(),
        Some("new@example.com")
    );
    let path = format!("/v1/email_addresses/{}", added["id"].as_str().unwrap());
    assert_eq!(clerk.delete(&path).await.ok()["deleted"], true);
    assert_eq!(
        clerk.user(&user.id).unwrap().primary_email(),
        Some("old@example.com")
    );
    assert_eq!(clerk.delete(&path).await.status, 404);
}

#[tokio::test]
async fn an_address_can_be_verified_and_made_primary_later() {
    let clerk = running().await;
    let user = clerk.new_user("old@example.com").unwrap();
    let body = json!({"user_id": user.id, "email_address": "new@example.com"});
    let added = clerk.post("/v1/email_addresses", body.clone()).await.ok();
    assert_eq!(added["verification"]["status"], "unverified");
    assert_eq!(added["verification"]["object"], "verification_otp");
    assert_eq!(
        clerk.user(&user.id).unwrap().primary_email(),
        Some("old@example.com")
    );
    let path = format!("/v1/email_addresses/{}", added["id"].as_str().unwrap());
    let body_later = json!({"verified": true, "primary": true});
    let verified = clerk.patch(&path, body_later).await.ok();
    assert_eq!(verified["verification"]["status"], "verified");
    assert_eq!(
        clerk.user(&user.id).unwrap().primary_email(),
        Some("new@example.com")
    );
    assert_eq!(
        clerk.events(),
        ["user.created", "user.updated", "user.updated"]
    );
    let taken = clerk.post("/v1/email_addresses", body).await;
    assert_eq!(
        (taken.status, taken.code()),
        (422, "form_identifier_exists")
    );
}
