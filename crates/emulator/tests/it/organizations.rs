use emulator::{Caller, Emulator, User};
use serde_json::{Value, json};

use crate::running::{Running, running};
use crate::tokens::part;

/// What Clerk's description of an organization demands, and what its examples show.
const FIELDS: [&str; 14] = [
    "object",
    "id",
    "name",
    "slug",
    "image_url",
    "has_image",
    "max_allowed_memberships",
    "admin_delete_enabled",
    "public_metadata",
    "private_metadata",
    "created_at",
    "updated_at",
    "members_count",
    "pending_invitations_count",
];

pub(crate) fn user(clerk: &Emulator, name: &str) -> User {
    clerk.new_user(&format!("{name}@example.com")).unwrap()
}

pub(crate) async fn organization(clerk: &Running, name: &str) -> String {
    let made = clerk.post("/v1/organizations", json!({"name": name})).await;
    made.ok()["id"].as_str().unwrap().to_owned()
}

pub(crate) fn ids(list: &Value) -> Vec<&str> {
    let data = list["data"].as_array().unwrap();
    data.iter().map(|it| it["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_organization_is_made_with_its_creator_as_admin() {
    let clerk = running().await;
    let owner = user(&clerk, "owner");
    let body = json!({
        "name": "Sample Works", "created_by": owner.id, "max_allowed_memberships": 2,
        "public_metadata": {"region": "north"},
    });
    let made = clerk.post("/v1/organizations", body).await.ok();
    for field in FIELDS {
        assert!(!made[field].is_null(), "{field}: {made}");
    }
    assert_eq!(
        (&made["slug"], &made["members_count"], &made["created_by"]),
        (&json!("sample-works"), &json!(1), &json!(owner.id))
    );
    assert_eq!(
        clerk.events(),
        [
            "user.created",
            "organization.created",
            "organizationMembership.created"
        ]
    );
    let id = made["id"].as_str().unwrap();
    let members = clerk
        .get(&format!("/v1/organizations/{id}/memberships"))
        .await
        .ok();
    assert_eq!(members["total_count"], 1);
    let member = &members["data"][0];
    assert_eq!(
        (&member["role"], &member["public_user_data"]["user_id"]),
        (&json!("org:admin"), &json!(owner.id))
    );
    assert_eq!(member["organization"], made);
    let again = clerk
        .post("/v1/organizations", json!({"name": "Sample Works"}))
        .await
        .ok();
    assert_eq!(again["slug"], "sample-works-2");
    assert!(again.get("created_by").is_none());
}

#[tokio::test]
async fn organizations_are_found_listed_and_filtered() {
    let clerk = running().await;
    let (first, second) = (
        organization(&clerk, "First").await,
        organization(&clerk, "Other").await,
    );
    let someone = user(&clerk, "someone");
    let body = json!({"user_id": someone.id, "role": "org:member"});
    let path = format!("/v1/organizations/{first}/memberships");
    clerk.post(&path, body).await.ok();
    let list = |query: &str| {
        let path = format!("/v1/organizations?{query}");
        let clerk = &clerk;
        async move { clerk.get(&path).await }
    };
    assert_eq!(ids(&list("").await.ok()), [&second, &first]);
    assert_eq!(ids(&list("order_by=name").await.ok()), [&first, &second]);
    let most = list("order_by=-members_count&include_members_count=true")
        .await
        .ok();
    assert_eq!(ids(&most), [&first, &second]);
    assert_eq!(most["data"][0]["members_count"], 1);
    let page = list("limit=1&offset=1").await.ok();
    assert_eq!(
        (ids(&page), &page["total_count"]),
        (vec![first.as_str()], &json!(2))
    );
    assert!(page["data"][0].get("members_count").is_none());
    assert_eq!(ids(&list("query=THE").await.ok()), [&second]);
    assert_eq!(ids(&list(&format!("query={first}")).await.ok()), [&first]);
    let his = list(&format!("user_id={}", someone.id)).await.ok();
    assert_eq!(
        (ids(&his), &his["total_count"]),
        (vec![first.as_str()], &json!(1))
    );
    let users = clerk
        .get(&format!("/v1/users?organization_id={first}"))
        .await
        .ok();
    assert_eq!(users[0]["id"], someone.id);
    let by_slug = clerk.get("/v1/organizations/other").await.ok();
    assert_eq!(by_slug["id"], second);
    let unknown = clerk.get("/v1/organizations/org_404").await;
    assert_eq!(
        (unknown.status, unknown.code()),
        (404, "resource_not_found")
    );
    assert_eq!(list("order_by=shoe_size").await.status, 422);
}

#[tokio::test]
async fn an_organization_changes_and_says_so() {
    let clerk = running().await;
    let id = organization(&clerk, "First").await;
    organization(&clerk, "Taken").await;
    let path = format!("/v1/organizations/{id}");
    let before = clerk.organization(&id).unwrap();
    let body = json!({"name": "Renamed", "slug": "new-one", "max_allowed_memberships": 3});
    let changed = clerk.patch(&path, body).await.ok();
    assert_eq!(
        (&changed["name"], &changed["slug"]),
        (&json!("Renamed"), &json!("new-one"))
    );
    assert!(changed["updated_at"].as_i64().unwrap() > before.updated_at);
    assert!(clerk.organization("first").is_err(), "the old slug is free");
    for (slug, code) in [
        ("taken", "form_identifier_exists"),
        ("No Slug", "form_param_format_invalid"),
    ] {
        assert_eq!(clerk.patch(&path, json!({"slug": slug})).await.code(), code);
    }
    let metadata = format!("{path}/metadata");
    let one = json!({"public_metadata": {"a": {"x": 1, "y": 2}}, "private_metadata": {"p": 1}});
    clerk.patch(&metadata, one).await.ok();
    let two = json!({"public_metadata": {"a": {"y": null}, "b": 2}});
    let merged = clerk.patch(&metadata, two).await.ok();
    assert_eq!(merged["public_metadata"], json!({"a": {"x": 1}, "b": 2}));
    let replaced = clerk
        .put(&metadata, json!({"public_metadata": {}}))
        .await
        .ok();
    assert_eq!(
        (&replaced["public_metadata"], &replaced["private_metadata"]),
        (&json!({}), &json!({"p": 1}))
    );
    assert_eq!(clerk.events()[2..], ["organization.updated"; 4]);
    let last = clerk.deliveries().pop().unwrap();
    let event: Value = serde_json::from_str(last.payload.get()).unwrap();
    assert_eq!(event["data"], replaced);
}

#[tokio::test]
async fn a_deleted_organization_takes_its_memberships_along_without_events() {
    let clerk = running().await;
    let owner = user(&clerk, "owner");
    let body = json!({"name": "Short Lived", "created_by": owner.id});
    let made = clerk.post("/v1/organizations", body).await.ok();
    let id = made["id"].as_str().unwrap();
    let session = clerk
        .create_session_in(&owner.id, Some(id), &Caller::default())
        .unwrap();
    let invited = json!({"email_address": "new@example.com", "role": "org:member"});
    let path = format!("/v1/organizations/{id}/invitations");
    clerk.post(&path, invited).await.ok();
    let before = clerk.events().len();
    let deleted = clerk.delete(&format!("/v1/organizations/{id}")).await.ok();
    let expected =
        json!({"id": id, "object": "organization", "slug": "short-lived", "deleted": true});
    assert_eq!(deleted, expected);
    assert_eq!(clerk.events()[before..], ["organization.deleted"]);
    let all = clerk.get("/v1/organization_memberships").await.ok();
    assert_eq!(all, json!({"data": [], "total_count": 0}));
    let invitations = clerk.get("/v1/organization_invitations").await.ok();
    assert_eq!(invitations["total_count"], 0);
    assert_eq!(
        clerk
            .session(&session.id)
            .unwrap()
            .last_active_organization_id,
        None
    );
    assert_eq!(clerk.get(&path).await.status, 404);
    assert!(
        clerk
            .create_organization(json!({"name": "Short Lived"}), &Caller::default())
            .is_ok()
    );
}

#[tokio::test]
async fn tokens_carry_the_active_organization() {
    let clerk = running().await;
    let someone = user(&clerk, "someone");
    let id = organization(&clerk, "Sample Works").await;
    let path = format!("/v1/organizations/{id}/memberships");
    let member = json!({"user_id": someone.id, "role": "org:night_guard"});
    clerk.post(&path, member).await.ok();
    let session = clerk.new_session(&someone.id).unwrap();
    let activate = format!("/__emu/sessions/{}/organization", session.id);
    let claims = || {
        part(
            &clerk.session_token(&session.id, None, None, None).unwrap(),
            1,
        )
    };
    assert!(claims().get("o").is_none());
    let active = clerk
        .post(&activate, json!({"organization_id": id}))
        .await
        .ok();
    assert_eq!(active["last_active_organization_id"], id);
    let expected = json!({"id": id, "slg": "sample-works", "rol": "night_guard"});
    assert_eq!(claims()["o"], expected);
    let minted = clerk
        .mint(emulator::TokenRequest::for_user(&someone.id))
        .unwrap();
    assert_eq!(part(&minted, 1)["o"], expected);
    clerk
        .post(&activate, json!({"organization_id": null}))
        .await
        .ok();
    assert!(claims().get("o").is_none());
    let body = json!({"user_id": someone.id, "active_organization_id": id});
    let second = clerk.post("/v1/sessions", body).await.ok();
    assert_eq!(second["last_active_organization_id"], id);
    clerk.delete(&format!("{path}/{}", someone.id)).await.ok();
    let strange = clerk.post(&activate, json!({"organization_id": id})).await;
    assert_eq!(
        (strange.status, strange.code()),
        (404, "resource_not_found")
    );
    let left = clerk.session(second["id"].as_str().unwrap()).unwrap();
    assert_eq!(left.last_active_organization_id, None);
}

#[tokio::test]
async fn invitations_are_sent_together_or_not_at_all() {
    let clerk = running().await;
    let made = clerk
        .post("/v1/organizations", json!({"name": "Works"}))
        .await
        .ok();
    let path = format!(
        "/v1/organizations/{}/invitations",
        made["id"].as_str().unwrap()
    );
    let invite = |addresses: &[&str]| -> Value {
        addresses
            .iter()
            .map(|it| json!({"email_address": it, "role": "org:member"}))
            .collect()
    };
    for bad in [
        invite(&["a@example.com", "A@example.com"]),
        invite(&["a@example.com", "none"]),
        invite(&["x@example.com"; 11]),
    ] {
        let refused = clerk.post(&format!("{path}/bulk"), bad).await;
        assert!((400..=422).contains(&refused.status));
        assert_eq!(clerk.get(&path).await.ok()["total_count"], 0);
    }
    let sent = clerk
        .post(
            &format!("{path}/bulk"),
            invite(&["a@example.com", "b@example.com"]),
        )
        .await
        .ok();
    assert_eq!(
        (&sent["total_count"], &sent["data"][1]["email_address"]),
        (&json!(2), &json!("b@example.com"))
    );
    let first = format!("{path}/{}/revoke", sent["data"][0]["id"].as_str().unwrap());
    clerk.post(&first, json!({})).await.ok();
    let pending = clerk.get(&format!("{path}/pending")).await.ok();
    assert_eq!(
        (
            &pending["total_count"],
            &pending["data"][0]["email_address"]
        ),
        (&json!(1), &json!("b@example.com"))
    );
    assert_eq!(
        clerk.events(),
        [
            "organization.created",
            "organizationInvitation.created",
            "organizationInvitation.created",
            "organizationInvitation.revoked"
        ]
    );
}
