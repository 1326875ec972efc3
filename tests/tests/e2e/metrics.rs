//! What Prometheus is told, and what it cannot be made to hold.

use std::collections::BTreeMap;

use e2e::{ME, Message, TestDatabase, World, new_message_id, sample};
use emulator::TokenRequest;
use reqwest::Method;

testdb::on_both! {
    everything_that_happens_is_counted,
    names_that_strangers_make_up_add_no_series,
    what_is_told_is_documented_and_the_other_way_round,
}

async fn text(world: &World) -> String {
    let address = world.metrics_address().unwrap();
    let answer = reqwest::get(format!("http://{address}/metrics")).await;
    let answer = answer.unwrap().error_for_status().unwrap();
    assert_eq!(
        answer.headers()["content-type"],
        "text/plain; version=0.0.4"
    );
    answer.text().await.unwrap()
}

/// Each sample's value, by its name with its labels.
async fn samples(world: &World) -> BTreeMap<String, f64> {
    let text = text(world).await;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let samples = lines.map(|line| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(name.starts_with("clerk_sync_"), "{line}");
        (name.to_owned(), value.parse().unwrap())
    });
    samples.collect()
}

fn is(samples: &BTreeMap<String, f64>, name: &str, value: f64) {
    let found = samples.get(name);
    assert_eq!(found, Some(&value), "{name} in {samples:#?}");
}

async fn watched(database: TestDatabase) -> World {
    let own = [
        ("METRICS_ADDR", "127.0.0.1:0"),
        ("RATE_LIMIT_PER_USER", "1/minute:3"),
    ];
    World::with(database, &own).await
}

async fn everything_that_happens_is_counted(database: TestDatabase) {
    let world = watched(database).await;
    let ann = world.caller("ann").await;
    for _ in 0..3 {
        ann.get(ME).await.expect(200);
    }
    ann.get(ME).await.expect(429);
    let stranger = world.anonymous();
    stranger.get("/api/v1/auth/me").await.expect(401);
    stranger.get("/nowhere").await.expect(404);
    let expired = world.token(TokenRequest::for_user("user_bob").expires_in(-60));
    stranger.clone().bearer(&expired).get(ME).await.expect(401);
    let (secret, now) = (
        world.clerk().webhook_secret(),
        chrono::Utc::now().timestamp(),
    );
    let message = Message::signed_at(&[&secret], &new_message_id(), now, sample("user.created"));
    world.send(message.clone()).await.expect(204);
    world.send(message).await.expect(204);
    let unsigned = stranger.ask(Method::POST, e2e::WEBHOOKS).await;
    unsigned.expect(401);

    let samples = samples(&world).await;
    let me = |status| {
        format!(
            r#"clerk_sync_http_requests_total{{method="GET",route="/api/v1/auth/me",status="{status}"}}"#
        )
    };
    is(&samples, &me("2xx"), 3.0);
    is(&samples, &me("4xx"), 3.0);
    is(
        &samples,
        r#"clerk_sync_http_request_duration_seconds_count{method="GET",route="/api/v1/auth/me"}"#,
        6.0,
    );
    is(
        &samples,
        r#"clerk_sync_http_requests_total{method="other",route="(none)",status="4xx"}"#,
        1.0,
    );
    is(&samples, "clerk_sync_http_requests_in_flight", 0.0);
    is(
        &samples,
        r#"clerk_sync_authentications_total{outcome="accepted",reason="session"}"#,
        3.0,
    );
    for reason in ["token_missing", "token_expired", "rate_limited"] {
        let name =
            format!(r#"clerk_sync_authentications_total{{outcome="refused",reason="{reason}"}}"#);
        is(&samples, &name, 1.0);
    }
    is(
        &samples,
        r#"clerk_sync_problems_total{code="rate_limited"}"#,
        1.0,
    );
    is(
        &samples,
        r#"clerk_sync_quota_denials_total{quota="rate_limited"}"#,
        1.0,
    );
    is(
        &samples,
        r#"clerk_sync_quota_denials_total{quota="ai_message_limit_reached"}"#,
        0.0,
    );
    let delivered = |outcome| {
        format!(r#"clerk_sync_deliveries_total{{event_type="user.created",outcome="{outcome}"}}"#)
    };
    is(&samples, &delivered("duplicate"), 1.0);
    assert!(samples[&delivered("applied")] >= 1.0);
    is(
        &samples,
        r#"clerk_sync_webhook_rejections_total{reason="header_missing"}"#,
        1.0,
    );
    is(&samples, "clerk_sync_database_up", 1.0);
    is(&samples, "clerk_sync_migrations_pending", 0.0);
    is(&samples, "clerk_sync_quarantined_deliveries", 0.0);
    is(
        &samples,
        r#"clerk_sync_jwks_fetches_total{result="ok"}"#,
        1.0,
    );
    is(&samples, "clerk_sync_jwks_usable", 1.0);
    is(
        &samples,
        r#"clerk_sync_database_connections{state="max"}"#,
        5.0,
    );
    for name in [
        "clerk_sync_delivery_lag_seconds_count",
        "clerk_sync_last_event_age_seconds",
        "clerk_sync_feed_lag_seconds",
        "clerk_sync_upkeep_leader",
        "clerk_sync_cache_in_use",
        r#"clerk_sync_cache_lookups_total{cache="tokens",result="hit"}"#,
        r#"clerk_sync_security_alerts_total{kind="forged_tokens"}"#,
        "clerk_sync_process_start_time_seconds",
    ] {
        assert!(samples.contains_key(name), "{name}");
    }
    // The metrics are not among the service's own routes.
    stranger.get("/metrics").await.expect(404);
}

/// Where there is nothing to tell of, a family is left out.
const AT_TIMES: &[&str] = &[
    "clerk_sync_redis_up",
    "clerk_sync_legacy_tokens_total",
    "clerk_sync_clerk_clock_skew_seconds",
    "clerk_sync_drift_rows",
    "clerk_sync_last_sweep_age_seconds",
    "clerk_sync_last_sweep_stopped",
];

async fn what_is_told_is_documented_and_the_other_way_round(database: TestDatabase) {
    let world = watched(database).await;
    world.caller("ann").await.get(ME).await.expect(200);
    world.anonymous().get(ME).await.expect(401);
    let unsigned = world.anonymous().ask(Method::POST, e2e::WEBHOOKS).await;
    unsigned.expect(401);
    let told = text(&world).await;
    let types = told.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let told: BTreeMap<&str, &str> = types.map(|line| line.split_once(' ').unwrap()).collect();
    let document = include_str!("../../../docs/METRICS.md");
    let rows = document
        .lines()
        .filter(|line| line.starts_with("| `clerk_sync_"));
    let documented: BTreeMap<&str, &str> = rows
        .map(|row| {
            let mut cells = row.split('|').map(|cell| cell.trim().trim_matches('`'));
            (cells.nth(1).unwrap(), cells.next().unwrap())
        })
        .collect();
    for (name, kind) in &told {
        assert_eq!(documented.get(name), Some(kind), "{name}");
    }
    for name in documented.keys() {
        assert!(told.contains_key(name) || AT_TIMES.contains(name), "{name}");
    }
}

async fn names_that_strangers_make_up_add_no_series(database: TestDatabase) {
    let world = watched(database).await;
    let stranger = world.anonymous();
    let ask = async |number: usize| {
        stranger.get(&format!("/no/{number}")).await.expect(404);
        stranger
            .clone()
            .bearer(&format!("{number}.b.c"))
            .get(ME)
            .await
            .expect(401);
        let event = sample("user.created").set("type", format!("user.made_up_{number}"));
        world.deliver(event).await.expect(204);
    };
    ask(0).await;
    let before: Vec<String> = samples(&world).await.into_keys().collect();
    for number in 1..50 {
        ask(number).await;
    }
    let after: Vec<String> = samples(&world).await.into_keys().collect();
    assert_eq!(before, after);
}
