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

#[tokio::test]
async fn one_address_takes_the_place_of_all() {
    let clerk = running().await;
    clerk.new_user("other@example.com").unwrap();
    let user = clerk.new_user("old@example.com").unwrap();
    let body = json!({"user_id": user.id, "email_address": "second@example.com"});
    let second = clerk.post("/v1/email_addresses", body).await.ok();
    let path = format!("/v1/users/{}/email_address", user.id);
    let kept = clerk
        .put(&path, json!({"email_address": "Second@example.com"}))
        .await
        .ok();
    assert_eq!(
        (&kept["id"], &kept["verification"]["status"]),
        (&second["id"], &json!("verified"))
    );
    let new = json!({"email_address": "new@example.com", "identification_status": "unverified"});
    let new = clerk.put(&path, new).await.ok();
    assert_eq!(new["verification"]["status"], "unverified");
    let one = format!("/v1/email_addresses/{}", new["id"].as_str().unwrap());
    assert_eq!(clerk.get(&one).await.ok(), new);
    let shown = clerk.user(&user.id).unwrap();
    assert_eq!(
        (shown.email_addresses.len(), shown.primary_email()),
        (1, Some("new@example.com"))
    );
    clerk.new_user("old@example.com").unwrap();
    let taken = clerk
        .put(&path, json!({"email_address": "other@example.com"}))
        .await;
    assert_eq!(taken.code(), "form_identifier_exists");
    let odd = json!({"email_address": "x@example.com", "identification_status": "perhaps"});
    assert_eq!(clerk.put(&path, odd).await.status, 422);
    assert_eq!(
        clerk.user(&user.id).unwrap(),
        shown,
        "a refusal changes nothing"
    );
    assert_eq!(clerk.get("/v1/email_addresses/idn_404").await.status, 404);
}
