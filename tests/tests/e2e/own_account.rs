//! What users may change of themselves, and what they see of their usage.

use std::num::NonZeroU32;

use chrono::{TimeDelta, Utc};
use domain::workspace::{Portfolio, Scope};
use domain::{Attribution, ReserveOutcome, SpendOutcome, UsageRequest};
use e2e::{ME, TestDatabase, Visitor, World, eventually};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

e2e::on_both! {
    preferences_are_patched_and_nothing_else_is,
    preferences_that_are_not_kept_are_named,
    parallel_patches_follow_one_another,
    what_is_used_shows_at_once_and_on_every_replica,
    portfolios_show_at_once_and_on_every_replica,
}

const PREFERENCES: &str = "/api/v1/me/preferences";
const USAGE: &str = "/api/v1/me/usage";
const SERVICE: &str = "an-example-service-token-of-32-characters";

async fn patch(visitor: &Visitor, patch: &Value) -> e2e::Answer {
    let kind = "application/merge-patch+json";
    let body = patch.to_string();
    visitor
        .submit_as(Method::PATCH, PREFERENCES, kind, body)
        .await
}

async fn preferences_are_patched_and_nothing_else_is(database: TestDatabase) {
    let world = World::start(database).await;
    let ann = world.caller("ann").await;
    let before = ann.get(ME).await.expect_json(200);
    assert_eq!(ann.get(PREFERENCES).await.expect_json(200), json!({}));
    let first = json!({"theme": "dark", "email": {"digest": true, "news": true}});
    assert_eq!(patch(&ann, &first).await.expect_json(200), first);
    let second = json!({"theme": null, "email": {"news": false}});
    let expected = json!({"email": {"digest": true, "news": false}});
    assert_eq!(patch(&ann, &second).await.expect_json(200), expected);
    assert_eq!(ann.get(PREFERENCES).await.expect_json(200), expected);
    let me = ann.get(ME).await.expect_json(200);
    assert_eq!(me["preferences"], expected);

    let greedy = json!({
        "email": null, "role": "admin", "tier": "paid", "invite_validated": true, "is_active": false,
        "limits": {"max_ai_messages": 9}, "preferences": {"x": 1}, "deactivated_at": "2026-01-01T00:00:00Z",
    });
    patch(&ann, &greedy).await.expect(200);
    let mut after = ann.get(ME).await.expect_json(200);
    assert_eq!(after["preferences"]["role"], "admin");
    // Everything else is as it was.
    after["preferences"] = json!({});
    assert_eq!(after, before);
    for other in ["/api/v1/auth/me", "/api/v1/me/usage"] {
        ann.submit(Method::PATCH, other, &greedy)
            .await
            .expect_problem(405, "method_not_allowed");
    }
}

async fn preferences_that_are_not_kept_are_named(database: TestDatabase) {
    let world = World::start(database).await;
    let ann = world.caller("ann").await;
    let nested = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!({ "a": inner }));
    for (wrong, status, code) in [
        (json!([]), 400, "preferences_invalid"),
        (json!(null), 400, "preferences_invalid"),
        (json!("a"), 400, "preferences_invalid"),
        (nested(9), 400, "preferences_invalid"),
        (nested(120), 400, "preferences_invalid"),
        (nested(200), 400, "body_invalid"),
        (json!({"a": "b\0"}), 400, "preferences_invalid"),
        (
            json!({"a": "x".repeat(17_000)}),
            413,
            "preferences_too_large",
        ),
        (json!({"a": "x".repeat(70_000)}), 413, "body_too_large"),
    ] {
        patch(&ann, &wrong).await.expect_problem(status, code);
    }
    for (kind, body, status, code) in [
        ("application/json", "{\"a\":", 400, "body_invalid"),
        ("application/json", "{\"a\":\"\u{fffd}", 400, "body_invalid"),
        ("application/json", "", 400, "body_invalid"),
        ("text/plain", "{}", 415, "unsupported_media_type"),
        (
            "application/x-www-form-urlencoded",
            "a=b",
            415,
            "unsupported_media_type",
        ),
    ] {
        let answer = ann.submit_as(Method::PATCH, PREFERENCES, kind, body).await;
        answer.expect_problem(status, code);
    }
    assert_eq!(ann.get(PREFERENCES).await.expect_json(200), json!({}));
}

async fn parallel_patches_follow_one_another(database: TestDatabase) {
    let world = World::start(database).await;
    let ann = world.caller("ann").await;
    let patches = (0..20).map(|number| {
        let ann = ann.clone();
        tokio::spawn(async move {
            let own = json!({ (format!("key{number}")): number });
            patch(&ann, &own).await.expect(200);
        })
    });
    for patch in patches.collect::<Vec<_>>() {
        patch.await.unwrap();
    }
    let kept = ann.get(PREFERENCES).await.expect_json(200);
    assert_eq!(kept.as_object().unwrap().len(), 20, "{kept}");
}

fn request(user_id: Uuid, amount: u32) -> UsageRequest {
    UsageRequest {
        user_id,
        feature: "ai_messages".to_owned(),
        amount: NonZeroU32::new(amount).unwrap(),
        limit: 100,
        at: Utc::now(),
    }
}

async fn used(visitor: &Visitor) -> (u64, u64) {
    let me = visitor.get(ME).await.expect_json(200);
    let limit = |name: &str| me["limits"][name].as_u64().unwrap();
    assert_eq!(limit("max_ai_messages"), 100);
    (limit("ai_messages_used"), limit("ai_messages_remaining"))
}

async fn what_is_used_shows_at_once_and_on_every_replica(database: TestDatabase) {
    let services = format!("follower={SERVICE}");
    let world = World::with(database, &[("SERVICE_TOKENS", &services)]).await;
    let replica = World::new_server(world.database().url(), world.clerk(), &[]).await;
    let ann = world.caller("ann").await;
    let token = world.token(emulator::TokenRequest::for_session(ann.session_id()));
    let ann_elsewhere = Visitor::of(replica.address()).bearer(&token);
    for visitor in [&ann, &ann_elsewhere] {
        assert_eq!(used(visitor).await, (0, 100));
    }
    let me = ann.get(ME).await.expect_json(200);
    let id: Uuid = me["id"].as_str().unwrap().parse().unwrap();
    let meter = &world.store().usage;
    let spent = meter.spend(request(id, 5)).await.unwrap();
    assert!(matches!(spent, SpendOutcome::Spent(_)));
    assert_eq!(used(&ann).await, (5, 95), "at once where it was used");
    eventually("the count elsewhere", async || {
        (used(&ann_elsewhere).await == (5, 95)).then_some(())
    })
    .await;

    let until = Utc::now() + TimeDelta::minutes(10);
    let held = meter.reserve(request(id, 1), until).await.unwrap();
    let ReserveOutcome::Reserved { reservation, .. } = held else {
        panic!("there is room");
    };
    assert_eq!(used(&ann).await, (5, 95), "what is held is not used yet");
    let usage = ann.get(USAGE).await.expect_json(200);
    let of_it = &usage["features"]["ai_messages"];
    assert_eq!(
        (&of_it["used"], &of_it["limit"], &of_it["remaining"]),
        (&json!(5), &json!(100), &json!(94))
    );
    assert!(
        of_it["resets_at"]
            .as_str()
            .unwrap()
            .ends_with("-01T00:00:00Z")
    );
    assert!(meter.commit(reservation).await.unwrap());
    assert_eq!(used(&ann).await, (6, 94));
    assert_eq!(
        ann.get("/api/me/usage").await.json()["features"]["ai_messages"]["used"],
        6
    );

    let feed = world.anonymous().bearer(SERVICE);
    let feed = feed
        .get("/api/v1/changes?limit=1000")
        .await
        .expect_json(200);
    let items = feed["items"].as_array().unwrap();
    let counts: Vec<&Value> = items
        .iter()
        .filter(|item| item["kind"] == "usage" && item["id"] == ann.user_id())
        .map(|item| &item["data"]["used"])
        .collect();
    assert_eq!(counts, [5, 6]);
    replica.shutdown().await;
}

async fn portfolios(visitor: &Visitor) -> (Value, Value) {
    let me = visitor.get(ME).await.expect_json(200);
    (me["portfolio_id"].clone(), me["portfolio_count"].clone())
}

async fn portfolios_show_at_once_and_on_every_replica(database: TestDatabase) {
    let services = format!("follower={SERVICE}");
    let world = World::with(database, &[("SERVICE_TOKENS", &services)]).await;
    let replica = World::new_server(world.database().url(), world.clerk(), &[]).await;
    let ann = world.caller("ann").await;
    let token = world.token(emulator::TokenRequest::for_session(ann.session_id()));
    let ann_elsewhere = Visitor::of(replica.address()).bearer(&token);
    for visitor in [&ann, &ann_elsewhere] {
        assert_eq!(portfolios(visitor).await, (json!(null), json!(0)));
    }
    let me = ann.get(ME).await.expect_json(200);
    let herself = Scope {
        user_id: me["id"].as_str().unwrap().parse().unwrap(),
        organization_id: None,
        is_admin: false,
        claims: json!({}),
        by: Attribution::system(Utc::now()),
    };
    let port = &world.store().workspace.portfolios;
    let shown = async |expected: (Value, Value)| {
        assert_eq!(portfolios(&ann).await, expected, "at once where it was");
        eventually("the same elsewhere", async || {
            (portfolios(&ann_elsewhere).await == expected).then_some(())
        })
        .await;
    };
    let mut made = Vec::new();
    for count in 1..=2 {
        let portfolio = Portfolio {
            name: "Retirement".to_owned(),
            description: None,
        };
        let new = port.create(&herself, portfolio, Some(2)).await.unwrap();
        made.push(new.done().unwrap().id);
        shown((json!(made[0]), json!(count))).await;
    }
    assert!(port.delete(&herself, made[0]).await.unwrap());
    shown((json!(made[1]), json!(1))).await;

    let feed = world.anonymous().bearer(SERVICE);
    let feed = feed.get("/api/v1/changes?limit=1000").await;
    let feed = feed.expect_json(200);
    let lines: Vec<&Value> = (feed["items"].as_array().unwrap().iter())
        .filter(|item| item["kind"] == "portfolios" && item["id"] == ann.user_id())
        .map(|item| &item["data"])
        .collect();
    let line = |id: Uuid, count: u32| json!({"portfolio_id": id, "portfolio_count": count});
    let expected = [line(made[0], 1), line(made[0], 2), line(made[1], 1)];
    assert_eq!(lines, expected.iter().collect::<Vec<_>>());
    replica.shutdown().await;
}
