//! What the Frontend API does with foreign pages, wrong methods, bad bodies and unknown paths.

use emulator::EmulatorConfig;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::page::{ORIGIN, Page};
use crate::running::{Running, config, running, running_with};

fn call(clerk: &Running, method: Method, path: &str) -> RequestBuilder {
    clerk.request(method, &format!("/__clerk/v1{path}"))
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|it| it.to_str().unwrap())
}

#[tokio::test]
async fn pages_of_this_machine_may_read_and_others_may_not() {
    let clerk = running().await;
    for origin in [
        ORIGIN,
        "http://127.0.0.1:8080",
        "http://app.localhost",
        "https://localhost",
    ] {
        let request = call(&clerk, Method::GET, "/client").header("origin", origin);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(header(&answer, "access-control-allow-origin"), Some(origin));
        assert_eq!(
            header(&answer, "access-control-allow-credentials"),
            Some("true")
        );
        assert_eq!(
            header(&answer, "access-control-expose-headers"),
            Some("Authorization, Clerk-Db-Jwt")
        );
        assert_eq!(header(&answer, "cache-control"), Some("no-store"));
        assert_eq!(header(&answer, "vary"), Some("Origin"));
        assert_eq!(header(&answer, "content-type"), Some("application/json"));
    }
    for origin in [
        "https://evil.example",
        "null",
        "http://localhost.evil.example",
        "http://10.0.0.7",
    ] {
        for (method, path) in [
            (Method::POST, "/dev_browser"),
            (Method::POST, "/client/sign_ups"),
            (Method::GET, "/client"),
            (Method::OPTIONS, "/client"),
            (Method::GET, "/nothing"),
        ] {
            let request = call(&clerk, method, path).header("origin", origin);
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 403, "{origin} {path}");
            assert_eq!(header(&answer, "access-control-allow-origin"), None);
        }
    }
    let rebound = call(&clerk, Method::GET, "/client").header("host", "evil.example:4100");
    assert_eq!(Running::send(rebound).await.code(), "origin_invalid");
}

#[tokio::test]
async fn other_origins_may_be_told() {
    let clerk = running_with(EmulatorConfig {
        page_origins: vec!["https://app.example.test/".to_owned()],
        public_url: Some("http://emulator:4100".to_owned()),
        ..config()
    })
    .await;
    for origin in ["https://app.example.test", "http://emulator:4100"] {
        let request = call(&clerk, Method::GET, "/client").header("origin", origin);
        assert_eq!(Running::send(request).await.status, 200);
    }
    let request = call(&clerk, Method::GET, "/client").header("host", "emulator:4100");
    assert_eq!(Running::send(request).await.status, 200);
    let request = call(&clerk, Method::GET, "/client").header("origin", "http://app.example.test");
    assert_eq!(Running::send(request).await.status, 403);
}

#[tokio::test]
async fn browsers_are_answered_beforehand() {
    let clerk = running().await;
    let request = call(&clerk, Method::OPTIONS, "/me")
        .header("origin", ORIGIN)
        .header("access-control-request-method", "PATCH")
        .header("access-control-request-headers", "authorization");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 204);
    assert_eq!(header(&answer, "access-control-allow-origin"), Some(ORIGIN));
    assert_eq!(
        header(&answer, "access-control-allow-headers"),
        Some("authorization")
    );
    let methods = header(&answer, "access-control-allow-methods").unwrap();
    assert!(methods.contains("PATCH") && methods.contains("DELETE"));
}

#[tokio::test]
async fn the_true_method_is_in_the_query_of_a_post() {
    let clerk = running().await;
    let page = Page::open(&clerk).await;
    page.sign_up("a@example.com").await;
    let form = [("first_name", "New")];
    for path in [
        "/me?_method=PATCH",
        "/me/?_method=patch",
        "/me//?_method=PATCH",
    ] {
        let changed = page.post(path, &form).await.ok();
        assert_eq!(changed["response"]["first_name"], "New");
    }
    for path in [
        "/me?_method=TRACE",
        "/me?_method=GET",
        "/me?_method=PUT",
        "/me",
    ] {
        let refused = page.post(path, &form).await;
        assert_eq!(
            (refused.status, refused.code()),
            (405, "method_not_allowed"),
            "{path}"
        );
    }
    // A link must not delete anybody.
    let linked = page.get("/me?_method=DELETE").await.ok();
    assert_eq!(linked["response"]["object"], "user");
}

#[tokio::test]
async fn bad_bodies_are_explained() {
    let clerk = running().await;
    let page = Page::open(&clerk).await;
    let path = format!("/client/sign_ups?__clerk_db_jwt={}", page.dev_browser);
    let send = |kind: &'static str, body: Vec<u8>| {
        let request = call(&clerk, Method::POST, &path).header("content-type", kind);
        Running::send(request.body(body))
    };
    let json = send(
        "application/json",
        br#"{"email_address": "a@example.com"}"#.to_vec(),
    )
    .await;
    assert_eq!(json.ok()["response"]["email_address"], "a@example.com");
    for (kind, body) in [
        ("application/json", &b"{"[..]),
        ("application/json", b"[]"),
        ("text/plain", b"a=1"),
        ("multipart/form-data; boundary=x", b"--x--"),
        ("application/octet-stream", b"\xff\xfe"),
    ] {
        let refused = send(kind, body.to_vec()).await;
        assert_eq!(
            (refused.status, refused.code()),
            (400, "request_body_invalid"),
            "{kind}"
        );
    }
    let huge = send("application/x-www-form-urlencoded", vec![b'a'; 1_000_000]).await;
    assert_eq!((huge.status, huge.code()), (413, "request_body_too_large"));
    let typed = send("application/json", br#"{"email_address": 7}"#.to_vec()).await;
    assert_eq!(
        (typed.status, typed.code()),
        (422, "form_param_format_invalid")
    );
    let doubled = send(
        "application/x-www-form-urlencoded",
        b"code=1&code=2&=&&%00=%00".to_vec(),
    )
    .await;
    assert!(doubled.status < 500);
}

#[tokio::test]
async fn unknown_things_are_404_and_wrong_methods_405() {
    let clerk = running().await;
    let page = Page::open(&clerk).await;
    page.sign_up("a@example.com").await;
    for path in [
        "/nothing",
        "/client/sign_ups/sua_404",
        "/client/sign_ins/sia_404",
        "/client/sessions/sess_404",
        "/organizations/org_404",
        "/me/email_addresses/idn_404",
        "/client/sign_ins/%2e%2e%2f",
        "/../../etc/passwd",
    ] {
        let unknown = page.get(path).await;
        assert_eq!(
            (unknown.status, unknown.code()),
            (404, "resource_not_found"),
            "{path}"
        );
    }
    for path in [
        "/client/sign_ups/sua_404/attempt_verification",
        "/client/sessions/sess_404/tokens",
        "/client/sessions/sess_404/touch",
        "/client/sessions/sess_404/remove",
        "/me/sessions/sess_404/revoke",
        "/organizations/org_404/invitations",
        "/me/organization_invitations/orginv_404/accept",
    ] {
        let form = [
            ("code", "1"),
            ("email_address", "b@example.com"),
            ("role", "org:member"),
        ];
        let unknown = page.post(path, &form).await;
        assert_eq!(
            (unknown.status, unknown.code()),
            (404, "resource_not_found"),
            "{path}"
        );
    }
    let wrong = page.get("/dev_browser").await;
    assert_eq!((wrong.status, wrong.code()), (405, "method_not_allowed"));
}

#[tokio::test]
async fn everything_needs_somebody_signed_in_that_is_his() {
    let clerk = running().await;
    let page = Page::open(&clerk).await;
    for path in [
        "/me",
        "/me/email_addresses",
        "/me/sessions/active",
        "/me/organization_memberships",
        "/me/organization_invitations",
        "/me/organization_suggestions",
        "/organizations/org_1",
        "/organizations/org_1/memberships",
    ] {
        let refused = page.get(path).await;
        assert_eq!(
            (refused.status, refused.code()),
            (401, "authentication_invalid"),
            "{path}"
        );
    }
    for path in [
        "/me?_method=PATCH",
        "/me?_method=DELETE",
        "/me/change_password",
        "/me/profile_image",
        "/organizations",
        "/organizations/org_1?_method=DELETE",
    ] {
        let form = [("name", "x"), ("new_password", "battery staple")];
        let refused = page.post(path, &form).await;
        assert_eq!(
            (refused.status, refused.code()),
            (401, "authentication_invalid"),
            "{path}"
        );
    }
    let out = page.sign_out().await;
    assert_eq!(
        out,
        json!({ "response": Value::Null, "client": Value::Null })
    );
}

#[tokio::test]
async fn the_environment_is_bare_and_whole() {
    let clerk = running().await;
    let page = Page::open(&clerk).await;
    let environment = page.post("/environment?_method=PATCH", &[]).await.ok();
    assert_eq!(environment, page.get("/environment").await.ok());
    for name in [
        "auth_config",
        "display_config",
        "user_settings",
        "organization_settings",
        "commerce_settings",
        "api_keys_settings",
        "maintenance_mode",
    ] {
        assert!(environment.get(name).is_some(), "{name}");
    }
    let attributes = environment["user_settings"]["attributes"]
        .as_object()
        .unwrap();
    for name in [
        "email_address",
        "password",
        "username",
        "first_name",
        "phone_number",
        "passkey",
    ] {
        assert!(attributes[name]["enabled"].is_boolean(), "{name}");
    }
    assert_eq!(
        environment["display_config"]["captcha_public_key"],
        Value::Null
    );
    let keys = clerk.get("/__clerk/.well-known/jwks.json").await.ok();
    assert_eq!(keys, clerk.get("/__clerk/v1/jwks").await.ok());
}

#[tokio::test]
async fn the_switches_are_read_and_set_over_http() {
    let clerk = running().await;
    let before = clerk.get("/__emu/frontend").await.ok();
    assert_eq!(before["verify_at_sign_up"], true);
    let set = json!({ "verify_at_sign_up": false, "application_name": "Works" });
    let after = clerk.put("/__emu/frontend", set).await.ok();
    assert_eq!(
        (&after["verify_at_sign_up"], &after["password"]),
        (&json!(false), &json!(true))
    );
    let environment = clerk.get("/__clerk/v1/environment").await.ok();
    assert_eq!(environment["display_config"]["application_name"], "Works");
    for wrong in [
        json!({ "shoes": true }),
        json!({ "password": "yes" }),
        json!("x"),
    ] {
        assert_eq!(clerk.put("/__emu/frontend", wrong).await.status, 400);
    }
    assert_eq!(clerk.get("/__emu/frontend").await.ok(), after);
    clerk.put("/__emu/frontend", json!({})).await.ok();
    assert_eq!(clerk.get("/__emu/frontend").await.ok(), before);
}
