use serde_json::json;

use crate::running::running;

#[tokio::test]
async fn whoever_waits_is_invited_and_completes() {
    let clerk = running().await;
    let body = json!({"email_address": "patient@example.com"});
    let entry = clerk.post("/v1/waitlist_entries", body.clone()).await.ok();
    assert_eq!(
        (&entry["object"], &entry["status"], &entry["invitation"]),
        (&json!("waitlist_entry"), &json!("pending"), &json!(null))
    );
    assert_eq!(
        clerk.post("/v1/waitlist_entries", body).await.ok(),
        entry,
        "there already"
    );
    let path = format!("/v1/waitlist_entries/{}", entry["id"].as_str().unwrap());
    let invited = clerk.post(&format!("{path}/invite"), json!({})).await.ok();
    assert_eq!(
        (&invited["status"], &invited["invitation"]["status"]),
        (&json!("invited"), &json!("pending"))
    );
    let twice = clerk.post(&format!("{path}/invite"), json!({})).await;
    assert_eq!((twice.status, twice.code()), (409, "conflict"));
    assert_eq!(
        clerk
            .post(&format!("{path}/reject"), json!({}))
            .await
            .status,
        409
    );
    assert_eq!(clerk.delete(&path).await.status, 409);
    let invitation = invited["invitation"]["id"].as_str().unwrap();
    clerk
        .post(
            &format!("/__emu/invitations/{invitation}/accept"),
            json!({}),
        )
        .await
        .ok();
    let listed = clerk
        .get("/v1/waitlist_entries?status=completed")
        .await
        .ok();
    assert_eq!(
        (&listed["total_count"], &listed["data"][0]["id"]),
        (&json!(1), &entry["id"])
    );
    assert_eq!(
        clerk.events(),
        [
            "waitlistEntry.created",
            "waitlistEntry.updated",
            "user.created",
            "waitlistEntry.updated"
        ]
    );
}

#[tokio::test]
async fn entries_are_made_rejected_and_deleted() {
    let clerk = running().await;
    let both = json!([{"email_address": "a@example.com"}, {"email_address": "b@example.com"}]);
    let made = clerk.post("/v1/waitlist_entries/bulk", both).await.ok();
    let path = |place: usize| {
        format!(
            "/v1/waitlist_entries/{}",
            made[place]["id"].as_str().unwrap()
        )
    };
    assert_eq!(
        clerk
            .post(&format!("{}/reject", path(0)), json!({}))
            .await
            .ok()["status"],
        "rejected"
    );
    assert_eq!(clerk.delete(&path(1)).await.ok()["deleted"], true);
    let left = clerk.get("/v1/waitlist_entries?query=A@").await.ok();
    assert_eq!(
        (&left["total_count"], &left["data"][0]["status"]),
        (&json!(1), &json!("rejected"))
    );
    assert_eq!(
        clerk.events(),
        [
            "waitlistEntry.created",
            "waitlistEntry.created",
            "waitlistEntry.updated"
        ]
    );
    let bad = json!([{"email_address": "c@example.com"}, {"email_address": "c"}]);
    assert_eq!(
        clerk.post("/v1/waitlist_entries/bulk", bad).await.status,
        422
    );
    assert_eq!(
        clerk.get("/v1/waitlist_entries").await.ok()["total_count"],
        1
    );
    assert_eq!(
        clerk.get("/v1/waitlist_entries?status=maybe").await.status,
        422
    );
    assert_eq!(
        clerk.delete("/v1/waitlist_entries/wle_404").await.status,
        404
    );
}
