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

fn user(clerk: &Emulator, name: &str) -> User {
    clerk.new_user(&format!("{name}@example.com")).unwrap()
}

async fn organization(clerk: &Running, name: &str) -> String {
    let made = clerk.post("/v1/organizations", json!({"name": name})).await;
    made.ok()["id"].as_str().unwrap().to_owned()
}

fn ids(list: &Value) -> Vec<&str> {
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
async fn members_come_change_and_go() {
    let clerk = running().await;
    let id = organization(&clerk, "First").await;
    let (a, b) = (user(&clerk, "a"), user(&clerk, "b"));
    let path = format!("/v1/organizations/{id}/memberships");
    clerk
        .patch(
            &format!("/v1/organizations/{id}"),
            json!({"max_allowed_memberships": 2}),
        )
        .await
        .ok();
    let before = clerk.events().len();
    for user in [&a, &b] {
        let body = json!({"user_id": user.id, "role": "org:member", "public_metadata": {"n": 1}});
        clerk.post(&path, body).await.ok();
    }
    for (user_id, role, status, code) in [
        (
            a.id.as_str(),
            "org:member",
            400,
            "already_a_member_in_organization",
        ),
        ("user_404", "org:member", 404, "resource_not_found"),
        (a.id.as_str(), "admin", 422, "form_param_format_invalid"),
    ] {
        let answer = clerk
            .post(&path, json!({"user_id": user_id, "role": role}))
            .await;
        assert_eq!((answer.status, answer.code()), (status, code));
    }
    let third = user(&clerk, "c");
    let full = clerk
        .post(&path, json!({"user_id": third.id, "role": "org:member"}))
        .await;
    assert_eq!(
        (full.status, full.code()),
        (403, "organization_membership_quota_exceeded")
    );
    let one = format!("{path}/{}", a.id);
    let promoted = clerk.patch(&one, json!({"role": "org:admin"})).await.ok();
    assert_eq!(
        (&promoted["role"], &promoted["role_name"]),
        (&json!("org:admin"), &json!("Admin"))
    );
    assert!(promoted["updated_at"].as_i64() > promoted["created_at"].as_i64());
    let merged = clerk
        .patch(
            &format!("{one}/metadata"),
            json!({"public_metadata": {"n": null, "m": 2}}),
        )
        .await
        .ok();
    assert_eq!(merged["public_metadata"], json!({"m": 2}));
    let admins = clerk.get(&format!("{path}?role=org:admin")).await.ok();
    assert_eq!(
        (ids(&admins), &admins["total_count"]),
        (vec![merged["id"].as_str().unwrap()], &json!(1))
    );
    let found = clerk.get(&format!("{path}?query=B%40example")).await.ok();
    assert_eq!(
        found["data"][0]["public_user_data"]["identifier"],
        "b@example.com"
    );
    let ordered = clerk
        .get(&format!("{path}?order_by=-email_address"))
        .await
        .ok();
    assert_eq!(ordered["data"][0]["public_user_data"]["user_id"], b.id);
    let gone = clerk.delete(&one).await.ok();
    assert_eq!(gone["id"], merged["id"], "the whole object, not a deletion");
    assert!(gone.get("deleted").is_none());
    assert_eq!(clerk.delete(&one).await.status, 404);
    let left = clerk
        .get(&format!("/v1/users/{}/organization_memberships", a.id))
        .await
        .ok();
    assert_eq!(left["total_count"], 0);
    let changes: Vec<_> = clerk.events()[before..]
        .iter()
        .filter(|event| event.starts_with("organization"))
        .cloned()
        .collect();
    assert_eq!(
        changes,
        [
            "organizationMembership.created",
            "organizationMembership.created",
            "organizationMembership.updated",
            "organizationMembership.updated",
            "organizationMembership.deleted"
        ]
    );
}

#[tokio::test]
async fn all_memberships_of_the_instance_are_listed_in_pages() {
    let clerk = running().await;
    let seeded = json!({"users": 7, "organizations": 3, "memberships_per_user": 2});
    let made = clerk.post("/__emu/seed", seeded).await.ok();
    assert_eq!(made["memberships"], 14);
    let mut walked = Vec::new();
    loop {
        let offset = walked.len();
        let path =
            format!("/v1/organization_memberships?limit=5&offset={offset}&order_by=%2Bcreated_at");
        let page = clerk.get(&path).await.ok();
        assert_eq!(page["total_count"], 14);
        let page = page["data"].as_array().unwrap().clone();
        if page.is_empty() {
            break;
        }
        walked.extend(page);
    }
    let state = clerk.get("/__emu/state").await.ok();
    assert_eq!(state["organization_memberships"], json!(walked));
    let admins = walked.iter().filter(|it| it["role"] == "org:admin");
    assert_eq!(admins.count(), 3);
    let newest = clerk.get("/v1/organization_memberships?limit=1").await.ok();
    assert_eq!(newest["data"][0], walked[13]);
    let user_id = made["user_ids"][0].as_str().unwrap();
    clerk.delete(&format!("/v1/users/{user_id}")).await.ok();
    let all = clerk.get("/v1/organization_memberships").await.ok();
    assert_eq!(all["total_count"], 12);
    assert_eq!(clerk.events().last().unwrap(), "user.deleted");
}

#[tokio::test]
async fn invitations_are_sent_accepted_and_revoked() {
    let clerk = running().await;
    let id = organization(&clerk, "First").await;
    let (owner, known) = (user(&clerk, "owner"), user(&clerk, "known"));
    let path = format!("/v1/organizations/{id}/invitations");
    let mut invited = Vec::new();
    for address in ["known@example.com", "new@example.com", "never@example.com"] {
        let body = json!({"email_address": address, "role": "org:admin", "inviter_user_id": owner.id,
            "public_metadata": {"from": "fair"}});
        invited.push(clerk.post(&path, body).await.ok());
    }
    assert_eq!(invited[0]["public_inviter_data"]["user_id"], owner.id);
    assert_eq!(
        clerk.organization(&id).unwrap().pending_invitations_count,
        Some(3)
    );
    let twice = clerk
        .post(
            &path,
            json!({"email_address": "NEW@example.com", "role": "org:member"}),
        )
        .await;
    assert_eq!((twice.status, twice.code()), (400, "duplicate_record"));
    let before = clerk.events().len();
    let mut accepted = Vec::new();
    for invitation in &invited[..2] {
        let path = format!(
            "/__emu/invitations/{}/accept",
            invitation["id"].as_str().unwrap()
        );
        accepted.push(clerk.post(&path, json!({})).await.ok());
        assert_eq!(clerk.post(&path, json!({})).await.status, 400, "it is over");
    }
    assert_eq!(
        (&accepted[0]["status"], &accepted[0]["user_id"]),
        (&json!("accepted"), &json!(known.id))
    );
    assert_eq!(accepted[0]["public_organization_data"]["id"], id);
    let revoke = format!("{path}/{}/revoke", invited[2]["id"].as_str().unwrap());
    assert_eq!(
        clerk.post(&revoke, json!({})).await.ok()["status"],
        "revoked"
    );
    assert_eq!(
        clerk.events()[before..],
        [
            "organizationInvitation.accepted",
            "organizationMembership.created",
            "user.created",
            "organizationInvitation.accepted",
            "organizationMembership.created",
            "organizationInvitation.revoked"
        ]
    );
    let members = clerk
        .get(&format!("/v1/organizations/{id}/memberships"))
        .await
        .ok();
    assert_eq!(members["total_count"], 2);
    assert_eq!(
        members["data"][0]["public_metadata"],
        json!({"from": "fair"})
    );
    assert_eq!(members["data"][0]["role"], "org:admin");
    for (status, count) in [("pending", 0), ("accepted", 2), ("revoked", 1)] {
        let list = clerk.get(&format!("{path}?status={status}")).await.ok();
        assert_eq!(list["total_count"], count, "{status}");
    }
    let his = clerk
        .get(&format!("/v1/users/{}/organization_invitations", known.id))
        .await
        .ok();
    assert_eq!(ids(&his), [invited[0]["id"].as_str().unwrap()]);
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
