use serde_json::json;

use crate::running::running;

#[tokio::test]
async fn an_invitation_is_listed_accepted_and_gives_its_metadata_to_the_user() {
    let clerk = running().await;
    let body = json!({"email_address": "guest@example.com", "public_metadata": {"team": "north"}, "notify": false});
    let made = clerk.post("/v1/invitations", body).await.ok();
    assert_eq!(
        (&made["object"], &made["status"], &made["revoked"]),
        (&json!("invitation"), &json!("pending"), &json!(false))
    );
    assert!(
        made["url"]
            .as_str()
            .unwrap()
            .contains(made["id"].as_str().unwrap())
    );
    let id = made["id"].as_str().unwrap();
    let path = format!("/__emu/invitations/{id}/accept");
    assert_eq!(
        clerk.post(&path, json!({})).await.ok()["status"],
        "accepted"
    );
    let users = clerk
        .get("/v1/users?email_address=guest@example.com")
        .await
        .ok();
    assert_eq!(users[0]["public_metadata"], json!({"team": "north"}));
    assert_eq!(clerk.events(), ["user.created"]);
    let again = clerk.post(&path, json!({})).await;
    assert_eq!(
        (again.status, again.code()),
        (400, "organization_invitation_not_pending")
    );
    let listed = clerk.get("/v1/invitations?status=accepted").await.ok();
    assert_eq!(
        (&listed[0]["id"], listed.as_array().unwrap().len()),
        (&made["id"], 1)
    );
    assert!(
        listed[0].get("url").is_none(),
        "only a pending one can be followed"
    );
    assert_eq!(
        clerk.get("/v1/invitations?status=pending").await.ok(),
        json!([])
    );
}

#[tokio::test]
async fn nobody_is_invited_twice_unless_asked_for() {
    let clerk = running().await;
    clerk.new_user("here@example.com").unwrap();
    let body = json!({"email_address": "guest@example.com"});
    clerk.post("/v1/invitations", body.clone()).await.ok();
    let twice = clerk.post("/v1/invitations", body).await;
    assert_eq!((twice.status, twice.code()), (400, "duplicate_record"));
    let known = clerk
        .post(
            "/v1/invitations",
            json!({"email_address": "HERE@example.com"}),
        )
        .await;
    assert_eq!(
        (known.status, known.code()),
        (422, "form_identifier_exists")
    );
    let anyway = json!({"email_address": "here@example.com", "ignore_existing": true});
    clerk.post("/v1/invitations", anyway).await.ok();
    for bad in [
        json!({}),
        json!({"email_address": "nobody"}),
        json!({"email_address": "a@example.com", "expires_in_days": 366}),
        json!({"email_address": "a@example.com", "public_metadata": 1}),
    ] {
        assert_eq!(
            clerk.post("/v1/invitations", bad.clone()).await.status,
            422,
            "{bad}"
        );
    }
}

#[tokio::test]
async fn many_are_invited_together_or_not_at_all() {
    let clerk = running().await;
    let invite = |addresses: &[&str]| -> serde_json::Value {
        addresses
            .iter()
            .map(|it| json!({"email_address": it}))
            .collect()
    };
    for bad in [
        invite(&["a@example.com", "A@example.com"]),
        invite(&["a@example.com", "none"]),
        invite(&["x@example.com"; 11]),
        json!({"email_address": "a@example.com"}),
    ] {
        let refused = clerk.post("/v1/invitations/bulk", bad).await;
        assert!((400..=422).contains(&refused.status), "{}", refused.body);
        assert_eq!(clerk.get("/v1/invitations").await.ok(), json!([]));
    }
    let made = clerk
        .post(
            "/v1/invitations/bulk",
            invite(&["b@example.com", "a@example.com"]),
        )
        .await
        .ok();
    assert_eq!(made.as_array().unwrap().len(), 2);
    let page = clerk
        .get("/v1/invitations?paginated=true&order_by=email_address&limit=1")
        .await
        .ok();
    assert_eq!(
        (&page["total_count"], &page["data"][0]["email_address"]),
        (&json!(2), &json!("a@example.com"))
    );
    let found = clerk.get("/v1/invitations?query=B@EX").await.ok();
    assert_eq!(found[0]["email_address"], "b@example.com");
}

#[tokio::test]
async fn a_revoked_invitation_can_be_followed_no_more_and_the_address_is_free() {
    let clerk = running().await;
    let body = json!({"email_address": "guest@example.com"});
    let made = clerk.post("/v1/invitations", body.clone()).await.ok();
    let path = format!("/v1/invitations/{}/revoke", made["id"].as_str().unwrap());
    let revoked = clerk.post(&path, json!({})).await.ok();
    assert_eq!(
        (&revoked["status"], &revoked["revoked"]),
        (&json!("revoked"), &json!(true))
    );
    assert_eq!(clerk.post(&path, json!({})).await.status, 400);
    clerk.post("/v1/invitations", body).await.ok();
    assert_eq!(
        clerk
            .post("/v1/invitations/inv_404/revoke", json!({}))
            .await
            .status,
        404
    );
}
