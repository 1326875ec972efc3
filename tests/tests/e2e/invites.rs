//! Invite codes, from outside.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{Attribution, InviteCode, NewInvite};
use e2e::{Answer, ME, TestDatabase, Visitor, World};
use reqwest::Method;
use serde_json::{Value, json};

e2e::on_both! {
    a_code_validates_for_good,
    nobody_learns_why_a_code_is_refused,
    guesses_of_a_user_are_limited,
    guesses_from_an_address_are_limited,
    while_the_gate_is_open_everybody_counts_as_invited,
}

const VALIDATE: &str = "/api/v1/onboarding/validate-invite";

async fn gives(visitor: &Visitor, code: impl Into<Value>) -> Answer {
    let body = json!({ "invite_code": code.into() });
    visitor.submit(Method::POST, VALIDATE, &body).await
}

async fn is_validated(visitor: &Visitor) -> bool {
    let me = visitor.get(ME).await.expect_json(200);
    me["invite_validated"].as_bool().unwrap()
}

async fn a_code_validates_for_good(database: TestDatabase) {
    let world = World::with(database, &[("BETA_INVITE_CODE", "Beta-2026")]).await;
    let ann = world.caller("ann").await;
    assert!(!is_validated(&ann).await);
    let answer = gives(&ann, " beta 2026").await.expect_json(200);
    assert_eq!(answer, json!({"status": "validated"}));
    assert!(is_validated(&ann).await);
    // Whatever is given later, it is no try any more.
    let answer = gives(&ann, "anything else").await.expect_json(200);
    assert_eq!(answer, json!({"status": "validated"}));
    for (body, code) in [
        (json!({}), "body_invalid"),
        (json!({"invite_code": 1}), "body_invalid"),
        (
            json!({"invite_code": "x", "invite_validated_at": "2026-01-01T00:00:00Z"}),
            "body_invalid",
        ),
        (json!(["x"]), "body_invalid"),
    ] {
        let answer = ann.submit(Method::POST, VALIDATE, &body).await;
        answer.expect_problem(400, code);
    }
    ann.submit_as(Method::POST, VALIDATE, "text/plain", "x")
        .await
        .expect_problem(415, "unsupported_media_type");
    world
        .anonymous()
        .submit(Method::POST, VALIDATE, &json!({}))
        .await
        .expect_problem(401, "token_missing");
}

async fn nobody_learns_why_a_code_is_refused(database: TestDatabase) {
    let world = World::start(database).await;
    let now = Utc::now();
    let make = async |text: &str, expires_at| {
        let invite = NewInvite {
            code: Some(InviteCode::parse(text).unwrap()),
            max_uses: Some(1),
            expires_at,
            note: None,
        };
        let invites = &world.store().invites;
        invites
            .create(invite, Attribution::system(now))
            .await
            .unwrap();
    };
    make("used-up-code", None).await;
    make("expired-code", Some(now - TimeDelta::days(1))).await;
    gives(&world.caller("ann").await, "USED UP CODE")
        .await
        .expect(200);
    let bob = world.caller("bob").await;
    let mut answers = Vec::new();
    for code in [
        "used-up-code",
        "expired-code",
        "never-made",
        "x",
        "a\0b\ncd",
    ] {
        let answer = gives(&bob, code).await;
        let answer = answer.expect_problem(400, "invalid_invite_code");
        let mut body = answer.json();
        body["instance"] = Value::Null;
        answers.push(body);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert!(!is_validated(&bob).await);
}

async fn guesses_of_a_user_are_limited(database: TestDatabase) {
    let own = [
        ("BETA_INVITE_CODE", "Beta-2026"),
        ("INVITE_ATTEMPTS_PER_USER", "3"),
    ];
    let world = World::with(database, &own).await;
    let (ann, bob) = (world.caller("ann").await, world.caller("bob").await);
    for number in 0..3 {
        let answer = gives(&ann, format!("guess-{number}")).await;
        answer.expect_problem(400, "invalid_invite_code");
    }
    // Not even the right one is looked at now.
    let limited = gives(&ann, "Beta-2026").await;
    let limited = limited.expect_problem(429, "too_many_attempts");
    let wait: i64 = limited.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=3601).contains(&wait), "{wait}");
    let retry_at = limited.json()["retry_at"].as_str().unwrap().to_owned();
    let left = retry_at.parse::<DateTime<Utc>>().unwrap() - Utc::now();
    assert!(left > TimeDelta::zero() && left.num_seconds() <= wait);
    gives(&bob, "Beta-2026").await.expect(200);
}

async fn guesses_from_an_address_are_limited(database: TestDatabase) {
    let own = [("INVITE_ATTEMPTS_PER_IP", "4")];
    let world = World::with(database, &own).await;
    for number in 0..4 {
        let guesser = world.caller(&format!("guesser{number}")).await;
        // Nobody believes what a request says of its own origin.
        let guesser = guesser.with("x-forwarded-for", format!("192.0.2.{number}"));
        let answer = gives(&guesser, "wrong-code").await;
        answer.expect_problem(400, "invalid_invite_code");
    }
    let another = world.caller("another").await;
    gives(&another, "wrong-code")
        .await
        .expect_problem(429, "too_many_attempts");
}

async fn while_the_gate_is_open_everybody_counts_as_invited(database: TestDatabase) {
    let world = World::with(database, &[("INVITE_CODE_ENABLED", "false")]).await;
    let ann = world.caller("ann").await;
    assert!(is_validated(&ann).await);
    gives(&ann, "wrong-code")
        .await
        .expect_problem(400, "invalid_invite_code");
}
