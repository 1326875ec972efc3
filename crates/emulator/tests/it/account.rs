//! Sessions and the user's own account, as pages use them.

use emulator::{EmulatorConfig, FrontendSettings};
use reqwest::Method;
use serde_json::{Value, json};

use crate::page::{ORIGIN, Page, id, with};
use crate::running::{config, running, running_with};

#[tokio::test]
async fn touching_and_tokens_follow_the_organization() {
    let clerk = running().await;
    let page = Page::open(&clerk).await;
    let session = page.sign_up("a@example.com").await;
    let made = page.post("/organizations", &[("name", "Works")]).await.ok();
    let organization = id(&made["response"]).to_owned();
    let membership = &made["client"]["sessions"][0]["user"]["organization_memberships"][0];
    assert_eq!(membership["role"], "org:admin");
    assert_eq!(membership["organization"]["id"], organization.as_str());
    let events = clerk.events();
    assert_eq!(
        events[2..],
        ["organization.created", "organizationMembership.created"]
    );

    let touch = format!("/client/sessions/{session}/touch");
    let active = [("active_organization_id", organization.as_str())];
    let touched = page.post(&touch, &active).await.ok();
    assert_eq!(
        touched["response"]["last_active_organization_id"],
        organization.as_str()
    );
    assert_eq!(page.token(&session, &[]).await["o"]["rol"], "admin");
    // A tab that shows the personal account.
    let personal = page.token(&session, &[("organization_id", "")]).await;
    assert_eq!(personal.get("o"), None);
    assert_eq!(personal["azp"], ORIGIN);
    let left = page
        .post(&touch, &[("active_organization_id", "")])
        .await
        .ok();
    assert_eq!(left["response"]["last_active_organization_id"], Value::Null);
    assert_eq!(page.token(&session, &[]).await.get("o"), None);
    let path = format!("/client/sessions/{session}/tokens/other");
    let template = page.post(&path, &[]).await.ok();
    let claims = crate::tokens::part(template["jwt"].as_str().unwrap(), 1);
    assert_eq!(claims.get("sid"), None);
    let strange = page
        .post(&touch, &[("active_organization_id", "org_404")])
        .await;
    assert_eq!(strange.status, 404);
}

#[tokio::test]
async fn a_revoked_session_gives_no_tokens_and_leaves_the_client() {
    let clerk = running().await;
    let page = Page::open(&clerk).await;
    let session = page.sign_up("a@example.com").await;
    clerk
        .post(&format!("/v1/sessions/{session}/revoke"), json!({}))
        .await
        .ok();
    for path in ["tokens", "touch", "end"] {
        let over = page
            .post(&format!("/client/sessions/{session}/{path}"), &[])
            .await;
        assert_eq!((over.status, over.code()), (401, "authentication_invalid"));
    }
    assert_eq!(
        page.get("/client").await.ok()["response"]["sessions"],
        json!([])
    );
    assert_eq!(page.get("/me").await.status, 401);
}

#[tokio::test]
async fn users_change_what_is_theirs_and_nothing_else() {
    let clerk = running().await;
    let page = Page::open(&clerk).await;
    page.sign_up("a@example.com").await;
    let form = [
        ("first_name", "New"),
        ("last_name", ""),
        ("unsafe_metadata", r#"{"a":1}"#),
        ("public_metadata", r#"{"role":"admin"}"#),
        ("private_metadata", r#"{"role":"admin"}"#),
        ("banned", "true"),
        ("external_id", "x"),
        ("created_at", "2020-01-01T00:00:00Z"),
        ("password", "another staple"),
        ("create_organizations_limit", "9"),
    ];
    let before = page.get("/me").await.ok();
    let changed = page.post("/me?_method=PATCH", &form).await.ok();
    let mut user = changed["response"].clone();
    assert_eq!(
        (&user["first_name"], &user["last_name"]),
        (&json!("New"), &Value::Null)
    );
    assert_eq!(user["unsafe_metadata"], json!({ "a": 1 }));
    for name in ["first_name", "unsafe_metadata", "updated_at"] {
        user[name] = before["response"][name].clone();
    }
    assert_eq!(user, before["response"]);
    let stored = clerk.get(&format!("/v1/users/{}", id(&user))).await.ok();
    assert_eq!(stored["private_metadata"], json!({}));
    assert!(clerk.verify_password(id(&user), "battery staple").is_ok());
    assert_eq!(clerk.events().last().unwrap(), "user.updated");
    let merged = [("unsafe_metadata", r#"{"b":2}"#)];
    let merged = page.post("/me/metadata?_method=PATCH", &merged).await.ok();
    assert_eq!(
        merged["response"]["unsafe_metadata"],
        json!({ "a": 1, "b": 2 })
    );
}

#[tokio::test]
async fn passwords_change_and_sign_others_out() {
    let clerk = running().await;
    let (page, other) = (Page::open(&clerk).await, Page::open(&clerk).await);
    page.sign_up("a@example.com").await;
    let both = [
        ("identifier", "a@example.com"),
        ("password", "battery staple"),
    ];
    other.post("/client/sign_ins", &both).await.ok();
    let change = |current, new| {
        [
            ("current_password", current),
            ("new_password", new),
            ("sign_out_of_other_sessions", "true"),
        ]
    };
    for (current, new, code) in [
        ("wrong", "another staple", "form_password_incorrect"),
        ("", "another staple", "form_password_incorrect"),
        ("battery staple", "short", "form_password_length_too_short"),
    ] {
        let refused = page
            .post("/me/change_password", &change(current, new))
            .await;
        assert_eq!(refused.code(), code);
    }
    let changed = change("battery staple", "another staple");
    page.post("/me/change_password", &changed).await.ok();
    assert_eq!(page.get("/me").await.status, 200);
    assert_eq!(other.get("/me").await.status, 401);
    assert_eq!(clerk.events().last().unwrap(), "session.revoked");
    let wrong = [("current_password", "battery staple")];
    let wrong = page.post("/me/remove_password", &wrong).await;
    assert_eq!(wrong.code(), "form_password_incorrect");
    let right = [("current_password", "another staple")];
    let removed = page.post("/me/remove_password", &right).await.ok();
    assert_eq!(removed["response"]["password_enabled"], false);
}

#[tokio::test]
async fn addresses_are_added_proven_made_primary_and_removed() {
    let clerk = running().await;
    let page = Page::open(&clerk).await;
    page.sign_up("a@example.com").await;
    clerk.new_user("taken@example.com").unwrap();
    let taken = [("email_address", "taken@example.com")];
    assert_eq!(
        page.post("/me/email_addresses/", &taken).await.code(),
        "form_identifier_exists"
    );
    let added = [("email_address", "b@example.com")];
    let added = page.post("/me/email_addresses/", &added).await.ok();
    let path = format!("/me/email_addresses/{}", id(&added["response"]));
    assert_eq!(added["response"]["verification"]["status"], "unverified");
    let primary = [("primary_email_address_id", id(&added["response"]))];
    let early = page.post("/me?_method=PATCH", &primary).await;
    assert_eq!(early.code(), "verification_missing");
    let attempt = format!("{path}/attempt_verification");
    assert_eq!(
        page.post(&attempt, &[("code", "424242")]).await.code(),
        "verification_missing"
    );
    let prepare = format!("{path}/prepare_verification");
    page.post(&prepare, &[("strategy", "email_code")])
        .await
        .ok();
    assert_eq!(
        page.post(&attempt, &[("code", "1")]).await.code(),
        "form_code_incorrect"
    );
    let proven = page.post(&attempt, &[("code", "424242")]).await.ok();
    assert_eq!(proven["response"]["verification"]["status"], "verified");
    let changed = page.post("/me?_method=PATCH", &primary).await.ok();
    assert_eq!(
        changed["response"]["primary_email_address_id"],
        added["response"]["id"]
    );
    let delete = format!("{path}?_method=DELETE");
    assert_eq!(
        page.post(&delete, &[]).await.ok()["response"]["deleted"],
        true
    );
    assert_eq!(page.post(&delete, &[]).await.status, 404);
    let only = page.get("/me/email_addresses").await.ok();
    let only = format!(
        "/me/email_addresses/{}?_method=DELETE",
        id(&only["response"][0])
    );
    assert_eq!(page.post(&only, &[]).await.status, 403);
    let stranger =
        clerk.with_users(|users| users.next_back().unwrap().email_addresses[0].id.clone());
    let strange = page.get(&format!("/me/email_addresses/{stranger}")).await;
    assert_eq!(strange.status, 404);
}

#[tokio::test]
async fn pictures_are_drawn_here_and_sessions_are_listed_and_ended() {
    let clerk = running().await;
    let (page, other) = (Page::open(&clerk).await, Page::open(&clerk).await);
    page.sign_up("a@example.com").await;
    let both = [
        ("identifier", "a@example.com"),
        ("password", "battery staple"),
    ];
    let second = other.post("/client/sign_ins", &both).await.ok();
    let second = second["response"]["created_session_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let listed = page.get("/me/sessions/active").await.ok();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_eq!(
        (&listed[0]["id"], &listed[0]["user"]),
        (&json!(second), &Value::Null)
    );
    assert_eq!(listed[0]["latest_activity"]["object"], "session_activity");
    let revoke = format!("/me/sessions/{second}/revoke");
    let revoked = page.post(&revoke, &[]).await.ok();
    assert_eq!(revoked["response"]["status"], "revoked");
    assert_eq!(other.get("/me").await.status, 401);
    let stranger = clerk.new_user("b@example.com").unwrap();
    let stranger = clerk.new_session(&stranger.id).unwrap();
    let strange = page
        .post(&format!("/me/sessions/{}/revoke", stranger.id), &[])
        .await;
    assert_eq!(strange.status, 404);

    let set = page.post("/me/profile_image", &[("file", "x")]).await.ok();
    let url = set["response"]["public_url"].as_str().unwrap().to_owned();
    assert!(url.starts_with(&clerk.origin()));
    assert_eq!(
        set["client"]["sessions"][0]["user"]["image_url"],
        url.as_str()
    );
    let drawn = clerk
        .request(Method::GET, &url[clerk.origin().len()..])
        .send()
        .await
        .unwrap();
    assert_eq!(drawn.headers()["content-type"], "image/svg+xml");
    assert!(drawn.text().await.unwrap().starts_with("<svg"));
    let unset = page
        .post("/me/profile_image?_method=DELETE", &[])
        .await
        .ok();
    assert_eq!(unset["client"]["sessions"][0]["user"]["has_image"], false);
}

#[tokio::test]
async fn users_delete_themselves_where_they_may() {
    let clerk = with(FrontendSettings {
        delete_self: false,
        ..FrontendSettings::default()
    })
    .await;
    let page = Page::open(&clerk).await;
    page.sign_up("a@example.com").await;
    let refused = page.post("/me?_method=DELETE", &[]).await;
    assert_eq!(
        (refused.status, refused.code()),
        (403, "authorization_invalid")
    );
    clerk.set_frontend_settings(FrontendSettings::default());
    let deleted = page.post("/me?_method=DELETE", &[]).await.ok();
    assert_eq!(deleted["response"]["deleted"], true);
    assert_eq!(deleted["client"]["sessions"], json!([]));
    assert_eq!(clerk.events().last().unwrap(), "user.deleted");
}

#[tokio::test]
async fn browsers_and_what_is_under_way_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let config = || EmulatorConfig {
        key_path: Some(folder.path().join("key.pem")),
        state_path: Some(folder.path().join("state.json")),
        ..config()
    };
    let first = running_with(config()).await;
    let page = Page::open(&first).await;
    let session = page.sign_up("a@example.com").await;
    let other = Page::open(&first).await;
    let path = other.begin_sign_in("a@example.com").await;
    let (dev_browser, others) = (page.dev_browser.clone(), other.dev_browser.clone());
    let picture = first.with_users(|users| users.next().unwrap().image_url.clone());
    assert!(picture.starts_with(&first.origin()));
    first.emulator.shutdown().await.unwrap();

    let second = running_with(config()).await;
    let page = Page::again(&second, dev_browser);
    assert_eq!(page.token(&session, &[]).await["sid"], session.as_str());
    let other = Page::again(&second, others);
    let form = [("strategy", "password"), ("password", "battery staple")];
    let done = other
        .post(&format!("{path}/attempt_first_factor"), &form)
        .await
        .ok();
    assert_eq!(done["response"]["status"], "complete");
    let moved = second.with_users(|users| users.next().unwrap().image_url.clone());
    assert!(moved.starts_with(&second.origin()), "{moved}");
}

#[tokio::test]
async fn a_seeded_run_gives_the_same_browsers_again() {
    let run = || async {
        let clerk = running_with(EmulatorConfig {
            seed: Some(5),
            public_url: Some("http://localhost:4100".to_owned()),
            ..config()
        })
        .await;
        let page = Page::open(&clerk).await;
        let session = page.sign_up("a@example.com").await;
        page.sign_out().await;
        page.begin_sign_in("a@example.com").await;
        (page.dev_browser.clone(), session, clerk.snapshot())
    };
    assert_eq!(run().await, run().await);
}

#[tokio::test]
async fn activity_is_kept_by_days_and_told() {
    let clerk = running().await;
    let user = clerk.new_user("a@example.com").unwrap();
    assert_eq!(user.last_active_at, None);
    let page = Page::open(&clerk).await;
    let made = clerk
        .post("/v1/sign_in_tokens", json!({ "user_id": user.id }))
        .await
        .ok();
    let form = [
        ("strategy", "ticket"),
        ("ticket", made["token"].as_str().unwrap()),
    ];
    let done = page.post("/client/sign_ins", &form).await.ok();
    let session = done["response"]["created_session_id"].as_str().unwrap();
    page.token(session, &[]).await;
    page.token(session, &[]).await;
    let active = clerk.user(&user.id).unwrap();
    assert_eq!(active.last_active_at.unwrap() % 86_400_000, 0);
    assert!(active.last_sign_in_at.unwrap() >= user.created_at);
    assert!(clerk.session(session).unwrap().last_active_at >= active.last_sign_in_at.unwrap());
    assert_eq!(
        clerk.events(),
        ["user.created", "session.created", "user.updated"]
    );
}
