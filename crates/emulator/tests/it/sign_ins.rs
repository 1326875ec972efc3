//! Sign-ins by password, code and ticket, and who may not.

use emulator::FrontendSettings;
use serde_json::{Value, json};

use crate::page::{Page, id};
use crate::running::running;

#[tokio::test]
async fn a_password_signs_in_and_a_wrong_one_does_not() {
    let clerk = running().await;
    let page = Page::open(&clerk).await;
    page.sign_up("a@example.com").await;
    let out = page.sign_out().await;
    assert_eq!(out["client"]["sessions"], json!([]));
    assert_eq!(clerk.events().last().unwrap(), "session.removed");

    let nobody = page
        .post("/client/sign_ins", &[("identifier", "b@example.com")])
        .await;
    assert_eq!(
        (nobody.status, nobody.code()),
        (422, "form_identifier_not_found")
    );
    let begun = page
        .post("/client/sign_ins", &[("identifier", "A@example.com")])
        .await
        .ok();
    let sign_in = &begun["response"];
    assert_eq!(sign_in["status"], "needs_first_factor");
    let strategies: Vec<&Value> = sign_in["supported_first_factors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|factor| &factor["strategy"])
        .collect();
    assert_eq!(
        strategies,
        ["password", "email_code", "reset_password_email_code"]
    );
    let attempt = format!("/client/sign_ins/{}/attempt_first_factor", id(sign_in));
    let wrong = [("strategy", "password"), ("password", "battery stable")];
    let wrong = page.post(&attempt, &wrong).await;
    assert_eq!(
        (wrong.status, wrong.code()),
        (422, "form_password_incorrect")
    );
    let right = [("strategy", "password"), ("password", "battery staple")];
    let done = page.post(&attempt, &right).await.ok();
    assert_eq!(done["response"]["status"], "complete");
    assert_eq!(done["client"]["sessions"].as_array().unwrap().len(), 1);
    let events = clerk.events();
    assert_eq!(
        events[events.len() - 2..],
        ["session.created", "user.updated"]
    );
    let user = &done["client"]["sessions"][0]["user"];
    assert!(user["last_sign_in_at"].as_i64() > user["created_at"].as_i64());

    // In one call, as some forms do.
    page.sign_out().await;
    let both = [
        ("identifier", "a@example.com"),
        ("password", "battery staple"),
    ];
    let done = page.post("/client/sign_ins", &both).await.ok();
    assert_eq!(done["response"]["status"], "complete");
}

#[tokio::test]
async fn a_code_signs_in_and_five_wrong_ones_end_the_attempt() {
    let clerk = running().await;
    let page = Page::open(&clerk).await;
    page.sign_up("a@example.com").await;
    page.sign_out().await;
    let path = page.begin_sign_in("a@example.com").await;
    let attempt = format!("{path}/attempt_first_factor");
    let code = |code| [("strategy", "email_code"), ("code", code)];
    let early = page.post(&attempt, &code("424242")).await;
    assert_eq!((early.status, early.code()), (400, "verification_missing"));
    let prepare = format!("{path}/prepare_first_factor");
    page.post(&prepare, &[("strategy", "email_code")])
        .await
        .ok();
    for _ in 0..4 {
        assert_eq!(
            page.post(&attempt, &code("1")).await.code(),
            "form_code_incorrect"
        );
    }
    for tried in ["1", "424242"] {
        let over = page.post(&attempt, &code(tried)).await;
        assert_eq!((over.status, over.code()), (429, "too_many_requests"));
    }
    page.post(&prepare, &[("strategy", "email_code")])
        .await
        .ok();
    let done = page.post(&attempt, &code("424242")).await.ok();
    assert_eq!(done["response"]["status"], "complete");
    let again = page.post(&attempt, &code("424242")).await;
    assert_eq!(again.status, 400);
}

#[tokio::test]
async fn five_wrong_passwords_end_the_attempt_and_a_hundred_lock_the_user() {
    let clerk = running().await;
    let page = Page::open(&clerk).await;
    page.sign_up("a@example.com").await;
    page.sign_out().await;
    let wrong = [("strategy", "password"), ("password", "battery stable")];
    for _ in 0..20 {
        let path = page.begin_sign_in("a@example.com").await;
        let attempt = format!("{path}/attempt_first_factor");
        for _ in 0..4 {
            assert_eq!(
                page.post(&attempt, &wrong).await.code(),
                "form_password_incorrect"
            );
        }
        assert_eq!(
            page.post(&attempt, &wrong).await.code(),
            "too_many_requests"
        );
        let right = [("strategy", "password"), ("password", "battery staple")];
        let over = page.post(&attempt, &right).await;
        assert!(over.status == 429 || over.code() == "user_locked");
    }
    let locked = page
        .post("/client/sign_ins", &[("identifier", "a@example.com")])
        .await;
    assert_eq!((locked.status, locked.code()), (403, "user_locked"));
    assert_eq!(clerk.events().last().unwrap(), "user.updated");
    let users = clerk.get("/v1/users").await.ok();
    assert_eq!(users[0]["locked"], true);
    clerk
        .post(&format!("/v1/users/{}/unlock", id(&users[0])), json!({}))
        .await
        .ok();
    page.begin_sign_in("a@example.com").await;
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_after_a_code() {
    let clerk = running().await;
    let page = Page::open(&clerk).await;
    page.sign_up("a@example.com").await;
    page.sign_out().await;
    let path = page.begin_sign_in("a@example.com").await;
    let strategy = ("strategy", "reset_password_email_code");
    let reset = format!("{path}/reset_password");
    let new = [("password", "another staple")];
    assert_eq!(page.post(&reset, &new).await.code(), "verification_missing");
    page.post(&format!("{path}/prepare_first_factor"), &[strategy])
        .await
        .ok();
    let attempt = format!("{path}/attempt_first_factor");
    let swapped = [("strategy", "email_code"), ("code", "424242")];
    assert_eq!(
        page.post(&attempt, &swapped).await.code(),
        "form_param_value_invalid"
    );
    let due = page
        .post(&attempt, &[strategy, ("code", "424242")])
        .await
        .ok();
    assert_eq!(due["response"]["status"], "needs_new_password");
    assert_eq!(due["client"]["sessions"], json!([]));
    let short = page.post(&reset, &[("password", "short")]).await;
    assert_eq!(short.code(), "form_password_length_too_short");
    let done = page.post(&reset, &new).await.ok();
    assert_eq!(done["response"]["status"], "complete");
    let user_id = id(&done["client"]["sessions"][0]["user"]);
    assert!(clerk.verify_password(user_id, "another staple").is_ok());
}

#[tokio::test]
async fn a_ticket_signs_in_once() {
    let clerk = running().await;
    let user = clerk.new_user("a@example.com").unwrap();
    let made = clerk
        .post("/v1/sign_in_tokens", json!({ "user_id": user.id }))
        .await
        .ok();
    assert_eq!(
        (&made["object"], &made["status"]),
        (&json!("sign_in_token"), &json!("pending"))
    );
    let ticket = made["token"].as_str().unwrap();
    let form = [("strategy", "ticket"), ("ticket", ticket)];
    let (first, second) = (Page::open(&clerk).await, Page::open(&clerk).await);
    let done = first.post("/client/sign_ins", &form).await.ok();
    assert_eq!(done["response"]["status"], "complete");
    assert_eq!(
        done["client"]["sessions"][0]["user"]["id"],
        user.id.as_str()
    );
    assert_eq!(
        second.post("/client/sign_ins", &form).await.code(),
        "sign_in_token_already_used_code"
    );
    let unknown = [("strategy", "ticket"), ("ticket", "ticket_404")];
    assert_eq!(
        second.post("/client/sign_ins", &unknown).await.code(),
        "ticket_invalid_code"
    );
    let other = clerk
        .post("/v1/sign_in_tokens", json!({ "user_id": user.id }))
        .await
        .ok();
    let revoke = format!("/v1/sign_in_tokens/{}/revoke", id(&other));
    assert_eq!(
        clerk.post(&revoke, json!({})).await.ok()["status"],
        "revoked"
    );
    assert_eq!(clerk.post(&revoke, json!({})).await.status, 404);
    let revoked = [
        ("strategy", "ticket"),
        ("ticket", other["token"].as_str().unwrap()),
    ];
    assert_eq!(
        second.post("/client/sign_ins", &revoked).await.code(),
        "sign_in_token_revoked_code"
    );
    for body in [
        json!({}),
        json!({ "user_id": "user_404" }),
        json!({ "user_id": user.id, "expires_in_seconds": 0 }),
    ] {
        let refused = clerk.post("/v1/sign_in_tokens", body).await;
        assert!(matches!(refused.status, 404 | 422));
    }
}

#[tokio::test]
async fn banned_users_do_not_sign_in() {
    let clerk = running().await;
    let page = Page::open(&clerk).await;
    let session = page.sign_up("a@example.com").await;
    let user_id = id(&page.get("/me").await.ok()["response"]).to_owned();
    let path = format!("/client/sessions/{session}/tokens");
    clerk
        .post(&format!("/v1/users/{user_id}/ban"), json!({}))
        .await
        .ok();
    let ended = page.post(&path, &[]).await;
    assert_eq!(
        (ended.status, ended.code()),
        (401, "authentication_invalid")
    );
    let refused = page
        .post("/client/sign_ins", &[("identifier", "a@example.com")])
        .await;
    assert_eq!((refused.status, refused.code()), (403, "user_banned"));
    let made = clerk
        .post("/v1/sign_in_tokens", json!({ "user_id": user_id }))
        .await
        .ok();
    let form = [
        ("strategy", "ticket"),
        ("ticket", made["token"].as_str().unwrap()),
    ];
    assert_eq!(
        page.post("/client/sign_ins", &form).await.code(),
        "user_banned"
    );
}

#[tokio::test]
async fn one_session_in_a_browser_unless_told() {
    let clerk = running().await;
    clerk.new_user("b@example.com").unwrap();
    let page = Page::open(&clerk).await;
    let first = page.sign_up("a@example.com").await;
    let second = [("identifier", "b@example.com")];
    let refused = page.post("/client/sign_ins", &second).await;
    assert_eq!((refused.status, refused.code()), (400, "session_exists"));
    clerk.set_frontend_settings(FrontendSettings {
        single_session: false,
        ..FrontendSettings::default()
    });
    let path = page.begin_sign_in("b@example.com").await;
    page.post(
        &format!("{path}/prepare_first_factor"),
        &[("strategy", "email_code")],
    )
    .await
    .ok();
    let code = [("strategy", "email_code"), ("code", "424242")];
    let done = page
        .post(&format!("{path}/attempt_first_factor"), &code)
        .await
        .ok();
    assert_eq!(done["client"]["sessions"].as_array().unwrap().len(), 2);
    let remove = format!("/client/sessions/{first}/remove");
    let left = page.post(&remove, &[]).await.ok();
    assert_eq!(left["response"]["status"], "removed");
    assert_eq!(left["client"]["sessions"].as_array().unwrap().len(), 1);
    let me = page.get("/me").await.ok();
    assert_eq!(
        me["response"]["email_addresses"][0]["email_address"],
        "b@example.com"
    );
}

#[tokio::test]
async fn a_code_proves_its_address_once_the_sign_in_is_told() {
    let clerk = running().await;
    let user = clerk.new_user("a@example.com").unwrap();
    let added = clerk
        .add_email(&user.id, "b@example.com", false, false, &Default::default())
        .unwrap();
    let page = Page::open(&clerk).await;
    let path = page.begin_sign_in("b@example.com").await;
    let form = [("strategy", "email_code"), ("email_address_id", &added.id)];
    page.post(&format!("{path}/prepare_first_factor"), &form)
        .await
        .ok();
    let status = || {
        let user = clerk.user(&user.id).unwrap();
        user.email_addresses[1].verification.clone().unwrap().status
    };
    assert_eq!(status(), "unverified");
    let form = [("strategy", "email_code"), ("code", "424242")];
    page.post(&format!("{path}/attempt_first_factor"), &form)
        .await
        .ok();
    assert_eq!(status(), "verified");
    assert_eq!(clerk.events().last().unwrap(), "user.updated");
}
