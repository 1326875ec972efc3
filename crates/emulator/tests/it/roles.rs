use serde_json::json;

use crate::running::running;

#[tokio::test]
async fn roles_are_clerks_two_and_those_in_use() {
    let clerk = running().await;
    let user = clerk.new_user("a@example.com").unwrap();
    let made = clerk
        .post("/v1/organizations", json!({"name": "Works"}))
        .await
        .ok();
    let path = format!(
        "/v1/organizations/{}/memberships",
        made["id"].as_str().unwrap()
    );
    clerk
        .post(&path, json!({"user_id": user.id, "role": "org:auditor"}))
        .await
        .ok();
    let roles = clerk.get("/v1/organization_roles").await.ok();
    let keys: Vec<_> = roles["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["key"].clone())
        .collect();
    assert_eq!(
        (keys, &roles["total_count"]),
        (
            vec![
                json!("org:admin"),
                json!("org:member"),
                json!("org:auditor")
            ],
            &json!(3)
        )
    );
    let admin = clerk.get("/v1/organization_roles/role_admin").await.ok();
    assert_eq!(admin, roles["data"][0]);
    assert_eq!(admin["permissions"][0]["object"], "permission");
    assert_eq!(
        clerk.get("/v1/organization_roles?query=audit").await.ok()["total_count"],
        1
    );
    assert_eq!(
        clerk.get("/v1/organization_roles/role_none").await.status,
        404
    );
    let by_key = clerk.get("/v1/organization_roles?order_by=-key").await.ok();
    assert_eq!(by_key["data"][0]["key"], "org:member");
}

#[tokio::test]
async fn permissions_are_clerks_own() {
    let clerk = running().await;
    let all = clerk
        .get("/v1/organization_permissions?limit=500")
        .await
        .ok();
    assert_eq!(all["total_count"], 8);
    let first = &all["data"][0];
    let path = format!(
        "/v1/organization_permissions/{}",
        first["id"].as_str().unwrap()
    );
    assert_eq!(&clerk.get(&path).await.ok(), first);
    assert_eq!(
        clerk
            .get("/v1/organization_permissions/perm_none")
            .await
            .status,
        404
    );
}
