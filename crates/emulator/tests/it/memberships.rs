use serde_json::json;

use crate::organizations::{ids, organization, user};
use crate::running::running;

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
