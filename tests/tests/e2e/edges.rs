//! Who may send how much, from where, and from which pages.

use e2e::{Answer, ME, TestDatabase, Visitor, World};
use reqwest::Method;
use serde_json::json;

/// Each test has a server of its own on SQLite: nothing here reaches the database.
async fn world(own: &[(&str, &str)]) -> World {
    World::with(TestDatabase::sqlite(), own).await
}

fn is_refused(answer: Answer) {
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    let problem = answer.expect_problem(429, "rate_limited").json();
    assert!(problem["retry_at"].is_string(), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_counted_by_himself() {
    let world = world(&[("RATE_LIMIT_PER_USER", "1/minute:5")]).await;
    let (ann, bob) = (world.caller("ann").await, world.caller("bob").await);
    // By any route, and with any token of his.
    for path in [ME, "/api/v1/me/usage", ME, "/api/v1/listings", ME] {
        ann.get(path).await.expect(200);
    }
    is_refused(ann.get(ME).await);
    let request = emulator::TokenRequest::for_session(ann.session_id());
    let again = world.anonymous().bearer(&world.token(request));
    is_refused(again.get(ME).await);
    is_refused(again.with("x-forwarded-for", "198.51.100.7").get(ME).await);
    ann.get("/api/auth/verify").await.expect(200);
    bob.get(ME).await.expect(200);
    world.anonymous().get("/health/live").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_proves_to_be_nobody_is_counted_by_address() {
    let world = world(&[("RATE_LIMIT_PER_IP", "1/minute:6")]).await;
    let ann = world.caller("ann").await;
    let stranger = world.anonymous();
    let forged = stranger.clone().bearer("a.b.c");
    for _ in 0..2 {
        stranger.get(ME).await.expect_problem(401, "token_missing");
        forged.get(ME).await.expect_problem(401, "token_malformed");
        let unsigned = world.anonymous().ask(Method::POST, e2e::WEBHOOKS).await;
        unsigned.expect_problem(401, "header_missing");
    }
    is_refused(stranger.get(ME).await);
    // A proxy asks for everybody, and would take a 429 for a failure of ours.
    let verify = "/api/auth/verify";
    stranger
        .get(verify)
        .await
        .expect_problem(401, "token_missing");
    is_refused(forged.get("/api/v1/me/events?ticket=none").await);
    is_refused(stranger.ask(Method::POST, e2e::WEBHOOKS).await);
    // Nobody is believed who says that he comes from elsewhere.
    for claimed in ["198.51.100.7", "10.0.0.1, 198.51.100.8", "127.0.0.1", "::1"] {
        is_refused(
            stranger
                .clone()
                .with("x-forwarded-for", claimed)
                .get(ME)
                .await,
        );
    }
    // Whoever is somebody is not held for it, nor is what is for anybody.
    for _ in 0..10 {
        ann.get(ME).await.expect(200);
    }
    stranger.get("/health").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_trusted_proxy_its_word_counts() {
    let own = [
        ("RATE_LIMIT_PER_IP", "1/minute:2"),
        ("TRUSTED_PROXIES", "127.0.0.0/8, 10.0.0.0/8"),
    ];
    let world = world(&own).await;
    let from = |line: &str| -> Visitor { world.anonymous().with("x-forwarded-for", line) };
    let ask = async |line: &str| from(line).get(ME).await;
    for _ in 0..2 {
        ask("198.51.100.7").await.expect(401);
        ask("2001:db8:1:2:3::1").await.expect(401);
    }
    is_refused(ask("198.51.100.7").await);
    // What the client wrote before the proxy did is not his address, and a further proxy is looked through.
    is_refused(ask("203.0.113.1, 198.51.100.7").await);
    is_refused(ask("198.51.100.7, 10.1.2.3").await);
    // A subscriber's network is one.
    is_refused(ask("2001:db8:1:2:ffff::9").await);
    ask("2001:db8:1:3::1").await.expect(401);
    ask("198.51.100.8").await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_have_a_pace_once_they_are_authentic() {
    let world = world(&[("RATE_LIMIT_WEBHOOK", "1/minute:3")]).await;
    world.disconnect();
    let event = |number: u32| {
        let body = json!({
            "type": "email.created", "object": "event", "timestamp": 1_700_000_000_000_i64,
            "data": {"id": format!("ema_{number}"), "object": "email"},
        });
        body.to_string()
    };
    for number in 0..3 {
        world.send(world.signed(event(number))).await.expect(204);
    }
    is_refused(world.send(world.signed(event(3))).await);
    let unsigned = world.anonymous().ask(Method::POST, e2e::WEBHOOKS).await;
    unsigned.expect_problem(401, "header_missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_listed_origins_may_call_and_no_others() {
    let listed = "https://app.example.com";
    let world = world(&[(
        "CORS_ORIGINS",
        "https://app.example.com,http://localhost:3000",
    )])
    .await;
    let ann = world.caller("ann").await;
    let preflight = async |origin: &str| {
        let asking = world.anonymous().with("origin", origin);
        let asking = asking.with("access-control-request-method", "PATCH");
        let asking = asking.with(
            "access-control-request-headers",
            "authorization,content-type",
        );
        asking.ask(Method::OPTIONS, "/api/v1/me/preferences").await
    };
    let allowed = preflight(listed).await.expect(200);
    assert_eq!(allowed.header("access-control-allow-origin"), Some(listed));
    assert_eq!(
        allowed.header("access-control-allow-credentials"),
        Some("true")
    );
    for (header, wanted) in [
        ("access-control-allow-methods", "PATCH"),
        ("access-control-allow-headers", "authorization"),
        ("vary", "origin"),
    ] {
        let value = allowed.header(header).unwrap();
        assert!(value.contains(wanted), "{header}: {value}");
    }
    let answer = ann.clone().with("origin", listed).get(ME).await.expect(200);
    assert_eq!(answer.header("access-control-allow-origin"), Some(listed));
    // A page can read why it was refused.
    let refused = world.anonymous().with("origin", listed).get(ME).await;
    assert_eq!(refused.header("access-control-allow-origin"), Some(listed));
    refused.expect_problem(401, "token_missing");

    for other in [
        "https://app.example.com.evil.example",
        "https://evil.example",
        "http://app.example.com",
        "https://APP.example.com",
        "https://app.example.com:8443",
        "https://sub.app.example.com",
        "null",
        "*",
    ] {
        let told = preflight(other).await;
        assert_eq!(told.header("access-control-allow-origin"), None, "{other}");
        let answer = ann.clone().with("origin", other).get(ME).await.expect(200);
        assert_eq!(
            answer.header("access-control-allow-origin"),
            None,
            "{other}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_list_no_page_is_told_anything() {
    let world = world(&[]).await;
    let asking = world.anonymous().with("origin", "https://app.example.com");
    let asking = asking.with("access-control-request-method", "GET");
    let answer = asking.ask(Method::OPTIONS, ME).await;
    assert_eq!(answer.header("access-control-allow-origin"), None);
    answer.expect_problem(405, "method_not_allowed");
}
