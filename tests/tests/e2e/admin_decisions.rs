//! What admins decide about users holds at once, against whatever Clerk says, and is written down.

use e2e::{ME, PATIENCE, TestDatabase, Visitor, World, within};
use emulator::{Caller, SessionStatus, TokenRequest};
use reqwest::Method;
use serde_json::{Value, json};

use crate::admin_access::admin;

e2e::on_both! {
    a_role_holds_against_webhooks_until_it_is_given_back,
    a_tier_holds_against_webhooks_until_it_is_given_back,
    what_is_no_role_changes_nothing,
    the_last_admin_stays_one,
    a_closed_account_is_closed_to_the_next_request,
    revoked_sessions_are_over_here_and_at_clerk,
    one_session_is_ended_and_the_others_go_on,
    a_role_is_written_back_and_comes_back_without_effect,
    every_decision_is_in_the_audit_log,
}

fn of(user: &Visitor, what: &str) -> String {
    format!("/api/v1/admin/users/{}/{what}", user.user_id())
}

async fn decide(admin: &Visitor, user: &Visitor, what: &str, body: Value) -> e2e::Answer {
    let method = match what {
        "role" | "tier" => Method::PATCH,
        _ => Method::POST,
    };
    admin.submit(method, &of(user, what), &body).await
}

async fn me(user: &Visitor) -> Value {
    user.get(ME).await.expect_json(200)
}

async fn metadata(world: &World, user: &Visitor, public: Value) {
    let change = json!({ "public_metadata": public });
    world
        .clerk()
        .update_metadata(user.user_id(), change, false, &Caller::default())
        .unwrap();
    world.settled().await;
}

async fn a_role_holds_against_webhooks_until_it_is_given_back(database: TestDatabase) {
    let world = World::start(database).await;
    let (boss, ann) = (admin(&world, "boss").await, world.caller("ann").await);
    assert_eq!(me(&ann).await["role"], "solo");
    let body = json!({"role": "growth", "reason": "a good customer"});
    let shown = decide(&boss, &ann, "role", body).await.expect_json(200);
    let told = |field: &str| shown[field].as_str().unwrap().to_owned();
    assert_eq!(told("role"), "growth");
    assert_eq!(told("role_source"), "override");
    assert_eq!(told("role_override"), "growth");
    assert_eq!(me(&ann).await["role"], "growth");
    metadata(&world, &ann, json!({"role": "enterprise"})).await;
    assert_eq!(me(&ann).await["role"], "growth");
    // By our own id, too.
    let ours = told("id");
    let path = format!("/api/v1/admin/users/{ours}/role");
    let cleared = boss
        .submit(Method::PATCH, &path, &json!({"role": null}))
        .await;
    let cleared = cleared.expect_json(200);
    assert_eq!(cleared["role"], "enterprise");
    assert_eq!(cleared["role_override"], Value::Null);
    assert_eq!(me(&ann).await["role"], "enterprise");
}

async fn a_tier_holds_against_webhooks_until_it_is_given_back(database: TestDatabase) {
    let world = World::start(database).await;
    let (boss, ann) = (admin(&world, "boss").await, world.caller("ann").await);
    let body = json!({"tier": "paid", "reason": "goodwill"});
    let shown = decide(&boss, &ann, "tier", body).await.expect_json(200);
    assert_eq!(
        (&shown["tier"], &shown["tier_source"]),
        (&json!("paid"), &json!("override"))
    );
    metadata(&world, &ann, json!({"tier": "free"})).await;
    let now = me(&ann).await;
    assert_eq!(now["tier"], "paid");
    assert_eq!(now["limits"]["max_ai_messages"], 1000);
    let cleared = decide(&boss, &ann, "tier", json!({"tier": null})).await;
    assert_eq!(cleared.expect_json(200)["tier"], "free");
    assert_eq!(me(&ann).await["tier"], "free");
}

async fn what_is_no_role_changes_nothing(database: TestDatabase) {
    let world = World::start(database).await;
    let (boss, ann) = (admin(&world, "boss").await, world.caller("ann").await);
    let unknown = decide(&boss, &ann, "role", json!({"role": "emperor"})).await;
    let unknown = unknown.expect_problem(422, "role_unknown").json();
    let detail = unknown["detail"].as_str().unwrap();
    for known in ["solo", "growth", "enterprise", "admin"] {
        assert!(detail.contains(known), "{detail}");
    }
    let unknown = decide(&boss, &ann, "tier", json!({"tier": ""})).await;
    unknown.expect_problem(422, "tier_unknown");
    for body in [
        json!({}),
        json!({"role": 1}),
        json!({"role": ["growth"]}),
        json!({"role": "growth", "is_active": false}),
        json!({"role": "growth", "reason": "x".repeat(501)}),
        json!({"role": "growth", "reason": "a\nb"}),
        json!({"role": "growth", "reason": "a\0b"}),
        json!(["growth"]),
        json!("growth"),
    ] {
        let answer = decide(&boss, &ann, "role", body).await;
        answer.expect_problem(400, "body_invalid");
    }
    let unknown = boss
        .submit(
            Method::PATCH,
            "/api/v1/admin/users/user_none/role",
            &json!({"role": "growth"}),
        )
        .await;
    unknown.expect_problem(404, "user_not_found");
    let gone = world.caller("gone").await;
    world
        .clerk()
        .delete_user(gone.user_id(), &Caller::default())
        .unwrap();
    world.settled().await;
    for what in ["deactivate", "reactivate", "revoke-sessions", "resync"] {
        let answer = decide(&boss, &gone, what, json!({})).await;
        answer.expect_problem(409, "user_gone");
    }
    assert_eq!(me(&ann).await["role"], "solo");
    let lines = boss.get("/api/v1/admin/audit?action=user.role_set").await;
    assert_eq!(lines.expect_json(200)["items"], json!([]));
}

async fn the_last_admin_stays_one(database: TestDatabase) {
    let world = World::start(database).await;
    let (boss, ann) = (admin(&world, "boss").await, world.caller("ann").await);
    for (what, body) in [
        ("role", json!({"role": "solo"})),
        ("deactivate", json!({})),
        ("erasure", json!({})),
    ] {
        let answer = decide(&boss, &boss, what, body).await;
        answer.expect_problem(409, "last_admin");
    }
    let second = json!({"role": "admin"});
    decide(&boss, &ann, "role", second).await.expect(200);
    let leaves = json!({"role": "solo"});
    decide(&boss, &boss, "role", leaves).await.expect(200);
    let refused = boss.get("/api/v1/admin/users").await;
    refused.expect_problem(403, "role_required");
    ann.get("/api/v1/admin/users").await.expect(200);
}

async fn a_closed_account_is_closed_to_the_next_request(database: TestDatabase) {
    let world = World::start(database).await;
    let (boss, ann) = (admin(&world, "boss").await, world.caller("ann").await);
    for _ in 0..3 {
        me(&ann).await;
    }
    // Without a body.
    let closed = boss.ask(Method::POST, &of(&ann, "deactivate")).await;
    assert_eq!(closed.expect_json(200)["is_active"], false);
    ann.get(ME).await.expect_problem(403, "user_inactive");
    // Clerk knows nothing of it, and does not open it.
    metadata(&world, &ann, json!({"team": "blue"})).await;
    ann.get(ME).await.expect_problem(403, "user_inactive");
    let open = decide(&boss, &ann, "reactivate", json!({"reason": "paid up"})).await;
    assert_eq!(open.expect_json(200)["is_active"], true);
    ann.get(ME).await.expect(200);
}

async fn revoked_sessions_are_over_here_and_at_clerk(database: TestDatabase) {
    let world = World::start(database).await;
    let (boss, ann) = (admin(&world, "boss").await, world.caller("ann").await);
    // A session of which no webhook tells, so that nobody here can end it by name.
    world.disconnect();
    let untold = world.clerk().new_session(ann.user_id()).unwrap();
    world.connect();
    let token = world.token(TokenRequest::for_session(&untold.id));
    let elsewhere = world.anonymous().bearer(&token);
    for visitor in [&ann, &elsewhere] {
        visitor.get(ME).await.expect(200);
        visitor.get(ME).await.expect(200);
    }
    let shown = decide(&boss, &ann, "revoke-sessions", json!({})).await;
    assert!(shown.expect_json(200)["tokens_valid_after"].is_string());
    for visitor in [&ann, &elsewhere] {
        visitor.get(ME).await.expect_problem(401, "session_revoked");
    }
    let over = async {
        for id in [ann.session_id(), &untold.id] {
            while world.clerk().session(id).unwrap().status != SessionStatus::Revoked {
                tokio::task::yield_now().await;
            }
        }
    };
    within(PATIENCE, "the end at Clerk", over).await;
    boss.get(ME).await.expect(200);
}

async fn one_session_is_ended_and_the_others_go_on(database: TestDatabase) {
    let world = World::start(database).await;
    let (boss, ann) = (admin(&world, "boss").await, world.caller("ann").await);
    let second = world.clerk().new_session(ann.user_id()).unwrap();
    world.settled().await;
    let token = world.token(TokenRequest::for_session(&second.id));
    let elsewhere = world.anonymous().bearer(&token);
    elsewhere.get(ME).await.expect(200);
    let path = format!("/api/v1/admin/sessions/{}/revoke", ann.session_id());
    let ended = boss
        .submit(Method::POST, &path, &json!({"reason": "lost phone"}))
        .await;
    assert_eq!(ended.expect_json(200)["status"], "revoked");
    ann.get(ME).await.expect_problem(401, "session_revoked");
    elsewhere.get(ME).await.expect(200);
    let over = async {
        while world.clerk().session(ann.session_id()).unwrap().status != SessionStatus::Revoked {
            tokio::task::yield_now().await;
        }
    };
    within(PATIENCE, "the end at Clerk", over).await;
    let path = format!("/api/v1/admin/sessions?user_id={}", ann.user_id());
    let sessions = boss.get(&path).await.expect_json(200);
    let mut states: Vec<&str> = sessions["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|session| session["status"].as_str().unwrap())
        .collect();
    states.sort_unstable();
    assert_eq!(states, ["active", "revoked"]);
}

async fn a_role_is_written_back_and_comes_back_without_effect(database: TestDatabase) {
    let world = World::with(database, &[("ROLE_WRITE_BACK", "true")]).await;
    let (boss, ann) = (admin(&world, "boss").await, world.caller("ann").await);
    let at_clerk = || world.clerk().user(ann.user_id()).unwrap().public_metadata;
    let written = async |expected: Value| {
        let written = async {
            while json!(at_clerk()) != expected {
                tokio::task::yield_now().await;
            }
        };
        within(PATIENCE, "the role at Clerk", written).await;
        world.settled().await;
    };
    metadata(&world, &ann, json!({"team": "blue"})).await;
    let given = json!({"role": "growth"});
    decide(&boss, &ann, "role", given).await.expect(200);
    written(json!({"team": "blue", "role": "growth"})).await;
    let path = format!("/api/v1/admin/users/{}", ann.user_id());
    let shown = boss.get(&path).await.expect_json(200);
    assert_eq!(shown["role_source"], "override");
    assert_eq!(shown["public_metadata"]["role"], "growth");
    let back = json!({"role": null});
    decide(&boss, &ann, "role", back).await.expect(200);
    written(json!({"team": "blue"})).await;
    assert_eq!(me(&ann).await["role"], "solo");

    // What somebody else has written there since stays.
    let given = json!({"role": "growth"});
    decide(&boss, &ann, "role", given).await.expect(200);
    written(json!({"team": "blue", "role": "growth"})).await;
    metadata(&world, &ann, json!({"role": "enterprise"})).await;
    decide(&boss, &ann, "role", json!({"role": null}))
        .await
        .expect(200);
    assert_eq!(me(&ann).await["role"], "enterprise");
    let lines = async {
        loop {
            let path = "/api/v1/admin/audit?action=user.written_back";
            let lines = boss.get(path).await.expect_json(200);
            if lines["items"].as_array().unwrap().len() == 3 {
                return lines;
            }
        }
    };
    let lines = within(PATIENCE, "three lines", lines).await;
    let line = &lines["items"][0];
    assert_eq!(line["actor"], boss.user_id());
    assert_eq!(
        line["after"],
        json!({"public_metadata": {"role": "growth"}})
    );
}

async fn every_decision_is_in_the_audit_log(database: TestDatabase) {
    let world = World::start(database).await;
    let (boss, ann) = (admin(&world, "boss").await, world.caller("ann").await);
    // Support acts as the admin.
    let request =
        TokenRequest::for_session(boss.session_id()).claim("act", json!({"sub": "user_support"}));
    let support = world
        .anonymous()
        .bearer(&world.token(request))
        .with("x-request-id", "req-4711");
    for (what, body, action) in [
        (
            "role",
            json!({"role": "growth", "reason": "why"}),
            "user.role_set",
        ),
        (
            "role",
            json!({"role": null, "reason": "why"}),
            "user.role_cleared",
        ),
        (
            "tier",
            json!({"tier": "paid", "reason": "why"}),
            "user.tier_set",
        ),
        (
            "tier",
            json!({"tier": null, "reason": "why"}),
            "user.tier_cleared",
        ),
        ("deactivate", json!({"reason": "why"}), "user.deactivated"),
        ("reactivate", json!({"reason": "why"}), "user.reactivated"),
        (
            "revoke-sessions",
            json!({"reason": "why"}),
            "user.tokens_revoked",
        ),
        ("resync", json!({"reason": "why"}), "user.resynced"),
        ("export", json!({"reason": "why"}), "user.exported"),
    ] {
        decide(&support, &ann, what, body).await.expect(200);
        let path = format!(
            "/api/v1/admin/audit?action={action}&subject_id={}",
            ann.user_id()
        );
        let lines = boss.get(&path).await.expect_json(200);
        let [line] = &lines["items"].as_array().unwrap()[..] else {
            panic!("one line: {lines}");
        };
        assert_eq!(line["actor"], boss.user_id());
        assert_eq!(line["impersonator"], "user_support");
        assert_eq!(line["reason"], "why");
        assert_eq!(line["request_id"], "req-4711");
        assert_eq!(
            line["subject"],
            json!({"kind": "user", "id": ann.user_id()})
        );
    }
    let path = format!("/api/v1/admin/users/{}", ann.user_id());
    let history = boss.get(&path).await.expect_json(200)["history"].clone();
    assert_eq!(history.as_array().unwrap().len(), 9);
    assert_eq!(history[8]["after"]["role"], "growth");
    assert_eq!(history[8]["before"]["role"], "solo");
    // What was so already is no decision.
    decide(&boss, &ann, "role", json!({"role": null}))
        .await
        .expect(200);
    let again = boss.get(&path).await.expect_json(200)["history"].clone();
    assert_eq!(again, history);
}
