//! Sign-ups, and browsers that are apart.

use emulator::FrontendSettings;
use reqwest::Method;
use serde_json::{Value, json};

use crate::page::{ORIGIN, Page, id, with};
use crate::running::{Running, running};

#[tokio::test]
async fn a_sign_up_by_form_makes_a_user_and_a_session() {
    let clerk = running().await;
    let page = Page::open(&clerk).await;
    assert_eq!(page.get("/client").await.ok(), json!({ "response": null }));
    let form = [
        ("email_address", "a@example.com"),
        ("password", "battery staple"),
        ("first_name", "Sam"),
        ("unsafe_metadata", r#"{"from":"form"}"#),
        ("public_metadata", r#"{"role":"admin"}"#),
    ];
    let begun = page.post("/client/sign_ups", &form).await.ok();
    let sign_up = &begun["response"];
    assert_eq!(sign_up["status"], "missing_requirements");
    assert_eq!(sign_up["missing_fields"], json!([]));
    assert_eq!(sign_up["unverified_fields"], json!(["email_address"]));
    // A strategy here would tell the form that a code was sent already.
    assert_eq!(sign_up["verifications"]["email_address"]["strategy"], "");
    assert_eq!(begun["client"]["sign_up"]["id"], sign_up["id"]);

    let path = format!("/client/sign_ups/{}", id(sign_up));
    let prepared = page
        .post(
            &format!("{path}/prepare_verification"),
            &[("strategy", "email_code")],
        )
        .await
        .ok();
    let verification = &prepared["response"]["verifications"]["email_address"];
    assert_eq!(verification["strategy"], "email_code");
    assert_eq!(verification["next_action"], "needs_attempt");
    let attempt = format!("{path}/attempt_verification");
    let wrong = page.post(&attempt, &[("code", "000000")]).await;
    assert_eq!((wrong.status, wrong.code()), (422, "form_code_incorrect"));
    assert_eq!(wrong.body["errors"][0]["meta"]["param_name"], "code");

    let done = page.post(&attempt, &[("code", "424242")]).await.ok();
    assert_eq!(done["response"]["status"], "complete");
    let session = &done["client"]["sessions"][0];
    assert_eq!(session["id"], done["response"]["created_session_id"]);
    assert_eq!(done["client"]["last_active_session_id"], session["id"]);
    assert_eq!(done["client"]["sign_up"], Value::Null);
    let user = &session["user"];
    assert_eq!(user["first_name"], "Sam");
    assert_eq!(user["unsafe_metadata"], json!({ "from": "form" }));
    assert_eq!(user["public_metadata"], json!({}));
    let verified = &user["email_addresses"][0]["verification"];
    assert_eq!(verified["object"], "verification_otp");
    assert_eq!(
        (&verified["status"], &verified["attempts"]),
        (&json!("verified"), &json!(2))
    );
    assert_eq!(clerk.events(), ["user.created", "session.created"]);

    let jwt = session["last_active_token"]["jwt"].as_str().unwrap();
    let claims = crate::tokens::part(jwt, 1);
    assert_eq!(
        (&claims["sid"], &claims["azp"]),
        (&session["id"], &json!(ORIGIN))
    );
    let uat = done["client"]["updated_at"].as_i64().unwrap() / 1000;
    assert!(claims["iat"].as_i64().unwrap() >= uat);
    let again = page.get("/client").await.ok();
    assert_eq!(again["response"]["sessions"][0]["id"], session["id"]);
}

#[tokio::test]
async fn nothing_private_ever_reaches_a_page() {
    let clerk = running().await;
    let page = Page::open(&clerk).await;
    page.sign_up("a@example.com").await;
    let me = page.get("/me").await.ok();
    let user_id = id(&me["response"]);
    let secret = json!({ "private_metadata": { "secret": "s3cret" } });
    clerk
        .patch(&format!("/v1/users/{user_id}/metadata"), secret.clone())
        .await
        .ok();
    let made = page.post("/organizations", &[("name", "Works")]).await.ok();
    let organization = id(&made["response"]).to_owned();
    let path = format!("/v1/organizations/{organization}");
    clerk
        .patch(&format!("{path}/metadata"), secret.clone())
        .await
        .ok();
    let membership = format!("{path}/memberships/{user_id}/metadata");
    clerk.patch(&membership, secret).await.ok();
    for path in [
        "/client".to_owned(),
        "/me".to_owned(),
        "/me/organization_memberships".to_owned(),
        "/me/sessions/active".to_owned(),
        format!("/organizations/{organization}"),
        format!("/organizations/{organization}/memberships"),
    ] {
        let answer = page.get(&path).await.ok().to_string();
        assert!(
            !answer.contains("s3cret") && !answer.contains("private_metadata"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_switches_change_what_a_sign_up_needs() {
    let clerk = with(FrontendSettings {
        verify_at_sign_up: false,
        ..FrontendSettings::default()
    })
    .await;
    let page = Page::open(&clerk).await;
    let form = [("email_address", "a@example.com")];
    let begun = page.post("/client/sign_ups", &form).await.ok();
    assert_eq!(begun["response"]["missing_fields"], json!(["password"]));
    let path = format!("/client/sign_ups/{}?_method=PATCH", id(&begun["response"]));
    let done = page
        .post(&path, &[("password", "battery staple")])
        .await
        .ok();
    assert_eq!(done["response"]["status"], "complete");
    let environment = page.post("/environment?_method=PATCH", &[]).await.ok();
    let email = &environment["user_settings"]["attributes"]["email_address"];
    assert_eq!(email["verify_at_sign_up"], false);

    clerk.set_frontend_settings(FrontendSettings {
        sign_up: false,
        ..FrontendSettings::default()
    });
    let other = Page::open(&clerk).await;
    let refused = other.post("/client/sign_ups", &form).await;
    assert_eq!(
        (refused.status, refused.code()),
        (403, "sign_up_mode_restricted")
    );
}

#[tokio::test]
async fn what_is_taken_or_malformed_names_the_parameter() {
    let clerk = running().await;
    clerk.new_user("a@example.com").unwrap();
    let page = Page::open(&clerk).await;
    for (form, code, param) in [
        (
            [("email_address", "a@example.com")],
            "form_identifier_exists",
            "email_address",
        ),
        (
            [("email_address", "nonsense")],
            "form_param_format_invalid",
            "email_address",
        ),
        (
            [("password", "short")],
            "form_password_length_too_short",
            "password",
        ),
        (
            [("unsafe_metadata", "[1]")],
            "form_param_format_invalid",
            "unsafe_metadata",
        ),
        ([("strategy", "ticket")], "form_param_missing", "ticket"),
    ] {
        let path = if param == "ticket" {
            "/client/sign_ins"
        } else {
            "/client/sign_ups"
        };
        let refused = page.post(path, &form).await;
        assert_eq!((refused.status, refused.code()), (422, code));
        assert_eq!(refused.body["errors"][0]["meta"]["param_name"], param);
    }
}

#[tokio::test]
async fn browsers_are_apart() {
    let clerk = running().await;
    let (first, second) = (Page::open(&clerk).await, Page::open(&clerk).await);
    let session = first.sign_up("a@example.com").await;
    assert_eq!(
        second.get("/client").await.ok(),
        json!({ "response": null })
    );
    let strange = second
        .post(&format!("/client/sessions/{session}/tokens"), &[])
        .await;
    assert_eq!(
        (strange.status, strange.code()),
        (404, "resource_not_found")
    );
    let out = second.get("/me").await;
    assert_eq!((out.status, out.code()), (401, "authentication_invalid"));
}

#[tokio::test]
async fn an_unknown_development_browser_is_told_so_everywhere() {
    let clerk = running().await;
    for (method, path) in [
        (Method::GET, "/client"),
        (Method::POST, "/client/sign_ups"),
        (Method::GET, "/me"),
        (Method::POST, "/client/sessions/sess_1/tokens"),
    ] {
        let path = format!("/__clerk/v1{path}?__clerk_db_jwt=dvb_404");
        let answer = Running::send(clerk.request(method, &path)).await;
        assert_eq!(
            (answer.status, answer.code()),
            (401, "dev_browser_unauthenticated")
        );
    }
}

#[tokio::test]
async fn an_invitation_to_sign_up_needs_no_code_and_brings_its_metadata() {
    let clerk = with(FrontendSettings {
        sign_up: false,
        ..FrontendSettings::default()
    })
    .await;
    let page = Page::open(&clerk).await;
    let waiting = [("email_address", "b@example.com")];
    let entry = page.post("/waitlist", &waiting).await.ok();
    assert_eq!(entry["response"]["object"], "waitlist");
    let body = json!({ "email_address": "a@example.com", "public_metadata": { "plan": "x" } });
    let invited = clerk.post("/v1/invitations", body).await.ok();
    let form = [
        ("strategy", "ticket"),
        ("ticket", id(&invited)),
        ("password", "battery staple"),
    ];
    let done = page.post("/client/sign_ups", &form).await.ok();
    let user = &done["client"]["sessions"][0]["user"];
    assert_eq!(user["public_metadata"], json!({ "plan": "x" }));
    let verification = &user["email_addresses"][0]["verification"];
    assert_eq!(verification["object"], "verification_ticket");
    let listed = clerk.get("/v1/invitations?status=accepted").await.ok();
    assert!(listed.to_string().contains(id(&invited)));
    let other = Page::open(&clerk).await;
    let again = other.post("/client/sign_ups", &form).await;
    assert_eq!((again.status, again.code()), (400, "ticket_invalid_code"));
}
