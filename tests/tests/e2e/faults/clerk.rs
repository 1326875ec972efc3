//! Clerk errs, hangs, or answers something that is no answer: its keys, and its Backend API.

use std::time::Duration;

use e2e::{ME, Proxy, TestDatabase, Visitor, World, at_clerk, eventually, mirrored, sample};
use emulator::{Caller, Chaos};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{check_is, health};
use crate::admin_access::admin;

/// What comes instead of the keys.
fn no_keys() -> Vec<ResponseTemplate> {
    let good = || ResponseTemplate::new(200);
    vec![
        ResponseTemplate::new(500),
        good().set_delay(Duration::from_secs(60)),
        good().set_body_bytes([0xff, 0x00, 0x7b]),
        good().set_body_string("<!doctype html><title>Checking your connection</title>"),
        good().set_body_string(r#"{"keys":[]}"#),
        good().set_body_bytes(vec![b' '; 18 << 20]),
    ]
}

/// What a key set answers, whatever it is asked.
async fn answer(host: &MockServer, answer: ResponseTemplate) {
    host.reset().await;
    Mock::given(any()).respond_with(answer).mount(host).await;
}

/// Nobody knows a key yet, and none is to be had: tokens wait, everything else works, and one good answer is enough.
async fn starts_without_keys(fault: ResponseTemplate) {
    let host = MockServer::start().await;
    answer(&host, fault).await;
    let url = host.uri();
    let world = World::with(TestDatabase::sqlite(), &[("CLERK_JWKS_URL", &url)]).await;
    let ann = world.caller("ann").await;
    ann.get(ME).await.expect_problem(503, "keys_unavailable");
    world.deliver(sample("user.created")).await.expect(204);
    let visitor = world.anonymous();
    visitor.get("/health/ready").await.expect(200);
    let told = visitor.get("/health").await.expect_json(200);
    assert_eq!(told["status"], "degraded", "{told}");
    assert_eq!(told["checks"]["clerk_keys"]["status"], "degraded", "{told}");

    let keys = reqwest::get(world.clerk().jwks_url()).await.unwrap();
    let keys = ResponseTemplate::new(200).set_body_bytes(keys.bytes().await.unwrap());
    answer(&host, keys).await;
    eventually("a token that counts", async || {
        let answer = ann.get(ME).await;
        if answer.status == 200 {
            return Some(());
        }
        answer.expect_problem(503, "keys_unavailable");
        None
    })
    .await;
    check_is(&visitor, "clerk_keys", "healthy").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_keys_tokens_wait_and_nothing_else_does() {
    join_all(no_keys().into_iter().map(starts_without_keys)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn known_keys_outlast_clerk() {
    let clerk = World::new_clerk().await;
    let proxy = Proxy::to(clerk.address().to_string()).await;
    let jwks = clerk.jwks_url();
    let url = jwks.replace(&clerk.address().to_string(), &proxy.address().to_string());
    assert_ne!(url, jwks);
    let world = World::of(clerk, TestDatabase::sqlite(), &[("CLERK_JWKS_URL", &url)]).await;
    world.caller("ann").await.get(ME).await.expect(200);
    for fault in [Proxy::cut, Proxy::silence] {
        fault(&proxy);
        // Tokens that have never been seen.
        let bob = world.newcomer(&format!("bob{:?}", proxy.address().port()));
        bob.get(ME).await.expect(200);
        world
            .clerk()
            .delete_user(bob.user_id(), &Caller::default())
            .unwrap();
        world.settled().await;
        bob.get(ME).await.expect_problem(401, "user_deleted");
        proxy.restore();
    }
}

/// The Backend API alone does so; keys and webhooks come as ever.
async fn the_backend_api_does(chaos: Chaos, status: u16, code: &str) {
    let own = [("RECONCILE_INTERVAL_SECONDS", "off")];
    let world = World::with(TestDatabase::sqlite(), &own).await;
    let boss = admin(&world, "boss").await;
    let ann = world.caller("ann").await;
    ann.get(ME).await.expect(200);
    let resync = format!("/api/v1/admin/users/{}/resync", ann.user_id());
    let why = json!({"reason": "a fault"});
    let ask = || boss.submit(Method::POST, &resync, &why);
    ask().await.expect(200);

    world.clerk().set_chaos(chaos).unwrap();
    ask().await.expect_problem(status, code);
    ann.get(ME).await.expect(200);
    world.deliver(sample("user.created")).await.expect(204);
    // Of somebody new there is what his token tells.
    world.disconnect();
    let newcomer = world.newcomer("newcomer");
    let me = newcomer.get(ME).await.expect_json(200);
    assert_eq!(me["email"], json!(null), "nobody waits for Clerk");
    world.anonymous().get("/health/ready").await.expect(200);
    world.anonymous().get("/health").await.expect(200);

    world.clerk().set_chaos(Chaos::default()).unwrap();
    ask().await.expect(200);
    eventually("Clerk's word", async || {
        let me = newcomer.get(ME).await.expect_json(200);
        (me["email"] == "newcomer@example.com").then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_api_that_errs_hangs_or_talks_nonsense_is_missed_by_nobody() {
    let errs = Chaos {
        error_5xx: 1.0,
        ..Chaos::default()
    };
    let hangs = Chaos {
        hang: 1.0,
        ..Chaos::default()
    };
    let limits = Chaos {
        rate_429: 1.0,
        retry_after: 2,
        ..Chaos::default()
    };
    let garbage = Chaos {
        garbage: 1.0,
        ..Chaos::default()
    };
    tokio::join!(
        the_backend_api_does(errs, 503, "clerk_unavailable"),
        the_backend_api_does(hangs, 503, "clerk_unavailable"),
        the_backend_api_does(limits, 503, "clerk_unavailable"),
        the_backend_api_does(garbage, 502, "clerk_refused"),
    );
}

async fn sweeps_go_on_after(chaos: Chaos) {
    let own = [("RECONCILE_INTERVAL_SECONDS", "1")];
    let world = World::with(TestDatabase::sqlite(), &own).await;
    let visitor: Visitor = world.anonymous();
    eventually("a sweep", async || {
        health(&visitor).await["last_sweep_at"].as_str().map(drop)
    })
    .await;
    world.disconnect();
    world.clerk().seed_users(3, false, &Caller::default());
    world.clerk().set_chaos(chaos).unwrap();
    check_is(&visitor, "sync", "degraded").await;
    visitor.get("/health/ready").await.expect(200);
    world.clerk().set_chaos(Chaos::default()).unwrap();
    check_is(&visitor, "sync", "healthy").await;
    eventually("rows like Clerk's", async || {
        (mirrored(world.store()).await == at_clerk(world.clerk())).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sweeps_that_break_off_are_said_and_made_again() {
    let errs = Chaos {
        error_5xx: 1.0,
        ..Chaos::default()
    };
    let garbage = Chaos {
        garbage: 1.0,
        ..Chaos::default()
    };
    tokio::join!(sweeps_go_on_after(errs), sweeps_go_on_after(garbage));
}
