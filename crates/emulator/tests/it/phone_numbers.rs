use serde_json::json;

use crate::running::running;

#[tokio::test]
async fn numbers_come_go_and_one_can_take_the_place_of_all() {
    let clerk = running().await;
    let user = clerk.new_user("a@example.com").unwrap();
    let body = json!({"user_id": user.id, "phone_number": "+15555550100"});
    let first = clerk.post("/v1/phone_numbers", body.clone()).await.ok();
    assert_eq!(
        (&first["object"], &first["verification"]["strategy"]),
        (&json!("phone_number"), &json!("phone_code"))
    );
    let second = json!({"user_id": user.id, "phone_number": "+15555550101", "verified": true, "primary": true});
    let second = clerk.post("/v1/phone_numbers", second).await.ok();
    assert_eq!(
        clerk
            .user(&user.id)
            .unwrap()
            .primary_phone_number_id
            .as_deref(),
        second["id"].as_str()
    );
    let path = format!("/v1/phone_numbers/{}", first["id"].as_str().unwrap());
    let changed = clerk
        .patch(
            &path,
            json!({"verified": true, "reserved_for_second_factor": true}),
        )
        .await
        .ok();
    assert_eq!(
        (
            &changed["verification"]["status"],
            &changed["reserved_for_second_factor"]
        ),
        (&json!("verified"), &json!(true))
    );
    assert_eq!(clerk.get(&path).await.ok(), changed);
    assert_eq!(
        clerk.post("/v1/phone_numbers", body).await.code(),
        "form_identifier_exists"
    );
    let only = clerk
        .put(
            &format!("/v1/users/{}/phone_number", user.id),
            json!({"phone_number": "+15555550101"}),
        )
        .await
        .ok();
    assert_eq!(only["id"], second["id"]);
    assert_eq!(clerk.get(&path).await.status, 404);
    let path = format!("/v1/phone_numbers/{}", second["id"].as_str().unwrap());
    assert_eq!(clerk.delete(&path).await.ok()["deleted"], true);
    assert_eq!(clerk.user(&user.id).unwrap().primary_phone_number_id, None);
    for bad in ["5555550100", "+1", "+1555555010a", ""] {
        let body = json!({"user_id": user.id, "phone_number": bad});
        assert_eq!(
            clerk.post("/v1/phone_numbers", body).await.status,
            422,
            "{bad}"
        );
    }
    assert_eq!(
        clerk.events(),
        [["user.created"].as_slice(), &["user.updated"; 5]].concat()
    );
}
