//! Organizations, as pages of their members use them.

use emulator::FrontendSettings;
use serde_json::Value;

use crate::page::{Page, id, with};
use crate::running::{Running, running};

/// Two people in one organization: an admin and a member.
async fn team<'a>(clerk: &'a Running) -> (Page<'a>, Page<'a>, String, [String; 2]) {
    let (admin, member) = (Page::open(clerk).await, Page::open(clerk).await);
    admin.sign_up("a@example.com").await;
    member.sign_up("b@example.com").await;
    let made = admin
        .post("/organizations", &[("name", "Works"), ("slug", "w")])
        .await
        .ok();
    let path = format!("/organizations/{}", id(&made["response"]));
    let form = [("email_address", "b@example.com"), ("role", "org:member")];
    let invited = admin.post(&format!("{path}/invitations"), &form).await.ok();
    let mine = member
        .get("/me/organization_invitations?status=pending")
        .await
        .ok();
    assert_eq!(mine["response"]["total_count"], 1);
    assert_eq!(
        mine["response"]["data"][0]["public_organization_data"]["slug"],
        "w"
    );
    let accept = format!(
        "/me/organization_invitations/{}/accept",
        id(&invited["response"])
    );
    assert_eq!(admin.post(&accept, &[]).await.status, 404);
    let accepted = member.post(&accept, &[]).await.ok();
    assert_eq!(accepted["response"]["status"], "accepted");
    let me = |page: Value| id(&page["response"]).to_owned();
    let ids = [
        me(admin.get("/me").await.ok()),
        me(member.get("/me").await.ok()),
    ];
    (admin, member, path, ids)
}

#[tokio::test]
async fn an_invited_user_joins_and_roles_change() {
    let clerk = running().await;
    let (admin, member, path, [admin_id, member_id]) = team(&clerk).await;
    let events = clerk.events();
    assert_eq!(
        events[events.len() - 2..],
        [
            "organizationInvitation.accepted",
            "organizationMembership.created"
        ]
    );
    let listed = member
        .get(&format!("{path}/memberships?query=B@EX"))
        .await
        .ok();
    assert_eq!(listed["response"]["total_count"], 1);
    assert_eq!(
        listed["response"]["data"][0]["public_user_data"]["user_id"],
        member_id.as_str()
    );
    let role = format!("{path}/memberships/{member_id}?_method=PATCH");
    let promoted = [("role", "org:admin")];
    let denied = member.post(&role, &promoted).await;
    assert_eq!(
        (denied.status, denied.code()),
        (403, "not_an_admin_in_organization")
    );
    let promoted = admin.post(&role, &promoted).await.ok();
    assert_eq!(promoted["response"]["role"], "org:admin");
    let own = format!("{path}/memberships/{admin_id}?_method=PATCH");
    admin.post(&own, &[("role", "org:member")]).await.ok();
    // Now the other one is the last admin.
    let demote = member.post(&role, &[("role", "org:member")]).await;
    assert_eq!(
        (demote.status, demote.code()),
        (400, "organization_minimum_permissions_needed")
    );
    let organization = path.rsplit('/').next().unwrap();
    let leave = format!("/me/organization_memberships/{organization}?_method=DELETE");
    assert_eq!(
        member.post(&leave, &[]).await.code(),
        "organization_minimum_permissions_needed"
    );
    let left = admin.post(&leave, &[]).await.ok();
    assert_eq!(left["response"]["deleted"], true);
    assert_eq!(admin.get(&path).await.status, 404);
    assert_eq!(
        clerk.events().last().unwrap(),
        "organizationMembership.deleted"
    );
}

#[tokio::test]
async fn members_read_and_admins_manage() {
    let clerk = running().await;
    let (admin, member, path, [_, member_id]) = team(&clerk).await;
    let invite = [("email_address", "c@example.com"), ("role", "org:member")];
    let many = [
        ("email_address", "d@example.com, e@example.com"),
        ("role", "org:member"),
    ];
    for (to, form) in [
        ("?_method=PATCH", &[("name", "Mine")][..]),
        ("?_method=DELETE", &[]),
        ("/invitations", &invite),
        ("/invitations/bulk", &many),
    ] {
        let denied = member.post(&format!("{path}{to}"), form).await;
        assert_eq!(
            (denied.status, denied.code()),
            (403, "not_an_admin_in_organization"),
            "{to}"
        );
    }
    for to in [
        "",
        "/memberships",
        "/roles",
        "/domains",
        "/membership_requests",
    ] {
        assert_eq!(member.get(&format!("{path}{to}")).await.status, 200, "{to}");
    }
    let stranger = Page::open(&clerk).await;
    stranger.sign_up("c@example.com").await;
    for to in ["", "/memberships", "/roles", "/invitations"] {
        assert_eq!(
            stranger.get(&format!("{path}{to}")).await.status,
            404,
            "{to}"
        );
    }
    let renamed = [
        ("name", "Renamed"),
        ("private_metadata", "{}"),
        ("max_allowed_memberships", "1"),
    ];
    let renamed = admin
        .post(&format!("{path}?_method=PATCH"), &renamed)
        .await
        .ok();
    assert_eq!(renamed["response"]["name"], "Renamed");
    assert_eq!(renamed["response"]["max_allowed_memberships"], 0);

    let sent = admin
        .post(&format!("{path}/invitations/bulk"), &many)
        .await
        .ok();
    assert_eq!(sent["response"].as_array().unwrap().len(), 2);
    let taken = [
        ("email_address", "f@example.com,d@example.com"),
        ("role", "org:member"),
    ];
    assert_eq!(
        admin
            .post(&format!("{path}/invitations/bulk"), &taken)
            .await
            .status,
        400
    );
    // Nobody was invited, not even for a moment.
    let all = admin.get(&format!("{path}/invitations")).await.ok();
    let invited = |address: &str| all["response"].to_string().contains(address);
    assert!(
        invited("d@example.com") && !invited("f@example.com"),
        "{all}"
    );
    let pending = format!("{path}/invitations?status=pending");
    assert_eq!(admin.get(&pending).await.ok()["response"]["total_count"], 2);
    let revoke = format!("{path}/invitations/{}/revoke", id(&sent["response"][0]));
    assert_eq!(
        admin.post(&revoke, &[]).await.ok()["response"]["status"],
        "revoked"
    );
    let other = Page::open(&clerk).await;
    other.sign_up("g@example.com").await;
    let theirs = other
        .post("/organizations", &[("name", "Other")])
        .await
        .ok();
    let invitation = id(&sent["response"][1]);
    let foreign = format!(
        "/organizations/{}/invitations/{invitation}/revoke",
        id(&theirs["response"])
    );
    assert_eq!(other.post(&foreign, &[]).await.status, 404);

    let remove = format!("{path}/memberships/{member_id}?_method=DELETE");
    admin.post(&remove, &[]).await.ok();
    assert_eq!(member.get(&path).await.status, 404);
    let deleted = admin
        .post(&format!("{path}?_method=DELETE"), &[])
        .await
        .ok();
    assert_eq!(deleted["response"]["deleted"], true);
    assert_eq!(clerk.events().last().unwrap(), "organization.deleted");
}

#[tokio::test]
async fn an_invitations_ticket_signs_up_without_a_code_and_joins() {
    let clerk = running().await;
    let admin = Page::open(&clerk).await;
    admin.sign_up("a@example.com").await;
    let made = admin
        .post("/organizations", &[("name", "Works")])
        .await
        .ok();
    let form = [("email_address", "b@example.com"), ("role", "org:member")];
    let path = format!("/organizations/{}/invitations", id(&made["response"]));
    let invited = admin.post(&path, &form).await.ok();
    let page = Page::open(&clerk).await;
    let form = [
        ("ticket", id(&invited["response"])),
        ("password", "battery staple"),
        ("email_address", "other@example.com"),
    ];
    let done = page.post("/client/sign_ups", &form).await.ok();
    assert_eq!(done["response"]["status"], "complete");
    assert_eq!(done["response"]["email_address"], "b@example.com");
    let session = &done["client"]["sessions"][0];
    assert_eq!(
        session["last_active_organization_id"],
        made["response"]["id"]
    );
    assert_eq!(
        page.post("/client/sign_ups", &form).await.code(),
        "session_exists"
    );
    let again = Page::open(&clerk).await;
    assert_eq!(
        again.post("/client/sign_ups", &form).await.code(),
        "ticket_invalid_code"
    );
}

#[tokio::test]
async fn without_organizations_there_are_none() {
    let clerk = with(FrontendSettings {
        organizations: false,
        ..FrontendSettings::default()
    })
    .await;
    let page = Page::open(&clerk).await;
    page.sign_up("a@example.com").await;
    let refused = page.post("/organizations", &[("name", "Works")]).await;
    assert_eq!(
        (refused.status, refused.code()),
        (403, "organization_not_enabled_in_instance")
    );
    let environment = page.get("/environment").await.ok();
    assert_eq!(environment["organization_settings"]["enabled"], false);
}
