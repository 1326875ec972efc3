use serde_json::json;

use crate::running::running;

#[tokio::test]
async fn a_domain_is_made_changed_verified_and_deleted_with_an_event_each() {
    let clerk = running().await;
    let made = clerk
        .post("/v1/organizations", json!({"name": "Works"}))
        .await
        .ok();
    let organization = made["id"].as_str().unwrap();
    let path = format!("/v1/organizations/{organization}/domains");
    let body = json!({"name": "Works.Example.com", "enrollment_mode": "automatic_invitation", "verified": false});
    let domain = clerk.post(&path, body).await.ok();
    assert_eq!(
        (&domain["object"], &domain["name"], &domain["verification"]),
        (
            &json!("organization_domain"),
            &json!("works.example.com"),
            &json!(null)
        )
    );
    assert_eq!(domain["public_organization_data"]["name"], "Works");
    let one = format!("{path}/{}", domain["id"].as_str().unwrap());
    let changed = clerk
        .patch(
            &one,
            json!({"verified": true, "enrollment_mode": "manual_invitation"}),
        )
        .await
        .ok();
    assert_eq!(
        (
            &changed["verification"]["status"],
            &changed["enrollment_mode"]
        ),
        (&json!("verified"), &json!("manual_invitation"))
    );
    let owned = clerk
        .post(&format!("{one}/verify_ownership"), json!({}))
        .await
        .ok();
    assert_eq!(
        owned["ownership_verification"]["strategy"],
        "manual_override"
    );
    assert_eq!(
        clerk
            .post(&format!("{one}/verify_ownership"), json!({}))
            .await
            .ok(),
        owned
    );
    let listed = clerk
        .get("/v1/organization_domains?query=WORKS&verified=true")
        .await
        .ok();
    assert_eq!(
        (&listed["total_count"], &listed["data"][0]),
        (&json!(1), &owned)
    );
    assert_eq!(
        clerk.get(&format!("{path}?verified=false")).await.ok()["total_count"],
        0
    );
    assert_eq!(
        clerk
            .get(&format!("{path}?enrollment_mode=-manual_invitation"))
            .await
            .ok()["total_count"],
        0
    );
    assert_eq!(clerk.delete(&one).await.ok()["deleted"], true);
    assert_eq!(clerk.delete(&one).await.status, 404);
    assert_eq!(
        clerk.events(),
        [
            "organization.created",
            "organizationDomain.created",
            "organizationDomain.updated",
            "organizationDomain.updated",
            "organizationDomain.deleted",
        ]
    );
}

#[tokio::test]
async fn a_domain_is_of_one_organization_and_goes_with_it() {
    let clerk = running().await;
    let mut paths = Vec::new();
    for name in ["A", "B"] {
        let made = clerk
            .post("/v1/organizations", json!({"name": name}))
            .await
            .ok();
        paths.push(format!(
            "/v1/organizations/{}",
            made["id"].as_str().unwrap()
        ));
    }
    let body = json!({"name": "example.com"});
    let domain = clerk
        .post(&format!("{}/domains", paths[0]), body.clone())
        .await
        .ok();
    let taken = clerk
        .post(&format!("{}/domains", paths[1]), body.clone())
        .await;
    assert_eq!(
        (taken.status, taken.code()),
        (422, "form_identifier_exists")
    );
    let strange = format!("{}/domains/{}", paths[1], domain["id"].as_str().unwrap());
    assert_eq!(
        clerk
            .patch(&strange, json!({"verified": false}))
            .await
            .status,
        404
    );
    for bad in [
        json!({}),
        json!({"name": "none"}),
        json!({"name": "a.com", "enrollment_mode": "later"}),
    ] {
        assert_eq!(
            clerk
                .post(&format!("{}/domains", paths[1]), bad.clone())
                .await
                .status,
            422,
            "{bad}"
        );
    }
    clerk.delete(&paths[0]).await.ok();
    clerk
        .post(&format!("{}/domains", paths[1]), body)
        .await
        .ok();
}
