//! The bridge for tokens of a previous login.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use e2e::{Answer, ME, TestDatabase, Visitor, World};
use emulator::{Caller, TokenRequest};
use reqwest::Method;
use serde_json::{Value, json};

use crate::forward_auth::VERIFY;
use crate::streams::{EVENTS, TICKET, open};
use crate::workspace::made;

e2e::on_both! {
    a_legacy_token_stands_for_the_user_with_its_subject,
    nothing_else_passes_over_the_bridge,
    the_bridge_makes_nobody_and_admits_no_one_who_is_gone,
    without_the_bridge_there_are_no_legacy_tokens,
    after_its_sunset_the_bridge_is_closed,
    a_legacy_stream_ends_with_its_token,
}

const SECRET: &str = "the-secret-of-the-previous-login!";
const ISSUER: &str = "previous-login";

fn bridge(sunset: &str) -> [(&str, &str); 3] {
    [
        ("LEGACY_JWT_SECRET", SECRET),
        ("LEGACY_JWT_ISSUER", ISSUER),
        ("LEGACY_JWT_SUNSET", sunset),
    ]
}

const OPEN: &str = "2999-12-31";

fn minted(header: &Value, claims: &Value, secret: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", part(header), part(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = hmac::sign(&key, input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn claims(subject: &str, seconds: i64) -> Value {
    let now = Utc::now().timestamp();
    json!({"iss": ISSUER, "sub": subject, "iat": now - 60, "exp": now + seconds})
}

fn legacy(subject: &str) -> String {
    minted(&json!({"alg": "HS256"}), &claims(subject, 600), SECRET)
}

/// Somebody whom the previous login knew under this id.
async fn migrated(world: &World, name: &str, external_id: &str) -> Visitor {
    let caller = world.newcomer(name);
    let params = json!({"external_id": external_id});
    let clerk = world.clerk();
    clerk
        .update_user(caller.user_id(), params, &Caller::default())
        .unwrap();
    world.settled().await;
    caller
}

/// Expects the headers that tell clients to move on.
fn announced(answer: &Answer, year: &str) {
    let deprecation = answer.header("deprecation").unwrap();
    let since: i64 = deprecation.strip_prefix('@').unwrap().parse().unwrap();
    assert!(since <= Utc::now().timestamp());
    let sunset = answer.header("sunset").unwrap();
    assert!(
        sunset.contains(year) && sunset.ends_with(" GMT"),
        "{sunset}"
    );
}

async fn a_legacy_token_stands_for_the_user_with_its_subject(database: TestDatabase) {
    let mut own = bridge(OPEN).to_vec();
    own.push(("INVITE_CODE_ENABLED", "false"));
    let world = World::with(database, &own).await;
    let ann = migrated(&world, "ann", "old-7").await;
    let old = world.anonymous().bearer(&legacy("old-7"));
    made(&ann, "/api/v1/portfolios", &json!({"name": "Savings"})).await;
    let me = old.get(ME).await.expect(200);
    announced(&me, "2999");
    assert_eq!(me.json()["portfolio_count"], 1, "{}", me.json());
    assert_eq!(me.json(), ann.get(ME).await.expect_json(200));
    let passed = old.get(VERIFY).await.expect(200);
    announced(&passed, "2999");
    assert_eq!(passed.header("x-clerk-user-id"), Some(ann.user_id()));
    assert_eq!(passed.header("x-session-id"), Some(""));
    let refused = old.get(&format!("{VERIFY}?role=admin")).await;
    announced(&refused.expect_problem(403, "role_required"), "2999");
    // There is no session that a ticket could end with.
    let refused = old.ask(Method::POST, TICKET).await;
    announced(&refused.expect_problem(403, "session_required"), "2999");
    // Who comes by Clerk's token, or by none, is told nothing.
    for answer in [ann.get(ME).await, world.anonymous().get(ME).await] {
        assert_eq!(
            (answer.header("deprecation"), answer.header("sunset")),
            (None, None)
        );
    }
    let health = world.anonymous().get("/health").await.json();
    assert_eq!(health["legacy_tokens"]["accepted"], 4, "{health}");
    assert!(health["legacy_tokens"]["last_accepted_at"].is_string());
}

async fn nothing_else_passes_over_the_bridge(database: TestDatabase) {
    let world = World::with(database, &bridge(OPEN)).await;
    migrated(&world, "ann", "old-7").await;
    let good = legacy("old-7");
    let header = json!({"alg": "HS256"});
    let with = |name: &str, value: Value| {
        let mut claims = claims("old-7", 600);
        claims[name] = value;
        minted(&header, &claims, SECRET)
    };
    let (payload, _) = good.rsplit_once('.').unwrap();
    for (name, token, code) in [
        (
            "another secret",
            minted(&header, &claims("old-7", 600), &"x".repeat(32)),
            "signature_invalid",
        ),
        ("no signature", format!("{payload}."), "signature_invalid"),
        (
            "expired",
            minted(&header, &claims("old-7", -60), SECRET),
            "token_expired",
        ),
        ("no end", with("exp", Value::Null), "claims_invalid"),
        (
            "an end in words",
            with("exp", json!("tomorrow")),
            "claims_invalid",
        ),
        (
            "not yet",
            with("nbf", json!(99_999_999_999_i64)),
            "token_not_yet_valid",
        ),
        ("nobody", with("sub", Value::Null), "claims_invalid"),
        // Not addressed to the bridge, so Clerk's verifier judges, which knows one algorithm.
        (
            "another issuer",
            with("iss", json!("other")),
            "algorithm_not_allowed",
        ),
        (
            "Clerk's issuer",
            with("iss", json!(world.clerk().issuer())),
            "algorithm_not_allowed",
        ),
        (
            "HS512",
            minted(&json!({"alg": "HS512"}), &claims("old-7", 600), SECRET),
            "algorithm_not_allowed",
        ),
        (
            "none",
            minted(&json!({"alg": "none"}), &claims("old-7", 600), SECRET),
            "algorithm_not_allowed",
        ),
        (
            "our issuer under RS256",
            world.token(TokenRequest::for_user("old-7").claim("iss", ISSUER)),
            "issuer_mismatch",
        ),
    ] {
        let answer = world.anonymous().bearer(&token).get(ME).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (401, code),
            "{name}"
        );
    }
    // Nobody sets the cookie but Clerk.
    let cookie = world
        .anonymous()
        .with("cookie", format!("__session={good}"));
    let refused = cookie.get(ME).await;
    refused.expect_problem(401, "algorithm_not_allowed");
    world.anonymous().bearer(&good).get(ME).await.expect(200);
}

async fn the_bridge_makes_nobody_and_admits_no_one_who_is_gone(database: TestDatabase) {
    let world = World::with(database, &bridge(OPEN)).await;
    let (clerk, by) = (world.clerk(), Caller::default());
    let unknown = world.anonymous().bearer(&legacy("old-404"));
    unknown.get(ME).await.expect_problem(401, "user_unknown");
    let told = world.store().changes.after(0, 10).await.unwrap();
    assert!(told.is_empty(), "{told:?}");

    let (ann, bob) = (
        migrated(&world, "ann", "old-1").await,
        migrated(&world, "bob", "old-2").await,
    );
    // A subject is no Clerk id, and the id itself no subject.
    let confused = world.anonymous().bearer(&legacy(ann.user_id()));
    confused.get(ME).await.expect_problem(401, "user_unknown");
    clerk.set_banned(ann.user_id(), true, &by).unwrap();
    clerk.delete_user(bob.user_id(), &by).unwrap();
    world.settled().await;
    let old = |id: &str| world.anonymous().bearer(&legacy(id));
    old("old-1")
        .get(ME)
        .await
        .expect_problem(403, "user_inactive");
    old("old-2")
        .get(ME)
        .await
        .expect_problem(401, "user_deleted");
    // The id was given to somebody else meanwhile.
    let new = migrated(&world, "bea", "old-2").await;
    let me = old("old-2").get(ME).await.expect_json(200);
    assert_eq!(me["clerk_user_id"], new.user_id());
}

async fn without_the_bridge_there_are_no_legacy_tokens(database: TestDatabase) {
    let world = World::start(database).await;
    migrated(&world, "ann", "old-7").await;
    let answer = world.anonymous().bearer(&legacy("old-7")).get(ME).await;
    let answer = answer.expect_problem(401, "algorithm_not_allowed");
    assert_eq!(answer.header("sunset"), None);
}

async fn after_its_sunset_the_bridge_is_closed(database: TestDatabase) {
    let world = World::with(database, &bridge("2020-01-01")).await;
    let ann = migrated(&world, "ann", "old-7").await;
    let answer = world.anonymous().bearer(&legacy("old-7")).get(ME).await;
    announced(&answer.expect_problem(401, "legacy_token_retired"), "2020");
    ann.get(ME).await.expect(200);
}

async fn a_legacy_stream_ends_with_its_token(database: TestDatabase) {
    let world = World::with(database, &bridge(OPEN)).await;
    let ann = migrated(&world, "ann", "old-7").await;
    let short = minted(&json!({"alg": "HS256"}), &claims("old-7", 2), SECRET);
    let header = format!("authorization: Bearer {short}\r\n");
    let mut stream = open(&world, EVENTS, &header).await;
    stream.until(ann.user_id()).await;
    assert!(stream.rest().await.contains("stream_expired"));
    let header = format!("authorization: Bearer {}\r\n", legacy("old-7"));
    let mut stream = open(&world, EVENTS, &header).await;
    stream.until(ann.user_id()).await;
    let by = Caller::default();
    world.clerk().delete_user(ann.user_id(), &by).unwrap();
    assert!(stream.rest().await.contains("user_deleted"));
}
