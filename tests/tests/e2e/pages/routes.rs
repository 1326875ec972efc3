//! What pages need and programs may use too: own addresses and sessions, figures, sweeps on demand.

use e2e::{TestDatabase, World, eventually, sample};
use reqwest::Method;
use serde_json::{Value, json};

use crate::admin_access::admin;

e2e::on_both! {
    everybody_sees_and_ends_his_own_sessions,
    everybody_sees_his_own_addresses,
    admins_see_how_much_goes_on,
    a_sweep_is_done_when_somebody_asks_for_it,
}

const SESSIONS: &str = "/api/v1/me/sessions";

fn ids(sessions: &Value) -> Vec<&str> {
    let items = sessions["items"].as_array().unwrap().iter();
    items
        .map(|item| item["clerk_session_id"].as_str().unwrap())
        .collect()
}

async fn everybody_sees_and_ends_his_own_sessions(database: TestDatabase) {
    let world = World::start(database).await;
    let (ann, bob) = (world.caller("ann").await, world.caller("bob").await);
    let other = world.clerk().new_session(ann.user_id()).unwrap();
    world.settled().await;
    let sessions = ann.get(SESSIONS).await.expect_json(200);
    assert_eq!(sessions["items"].as_array().unwrap().len(), 2);
    for item in sessions["items"].as_array().unwrap() {
        let is_current = item["clerk_session_id"] == ann.session_id();
        assert_eq!(item["is_current"], is_current, "{item}");
    }
    // Another's is not told from none.
    for id in [bob.session_id(), "sess_nobody", "no id"] {
        let path = format!("{SESSIONS}/{}", id.replace(' ', "%20"));
        let refused = ann.ask(Method::DELETE, &path).await;
        refused.expect_problem(404, "resource_not_found");
    }
    bob.get(e2e::ME).await.expect(200);

    let token = world.token(emulator::TokenRequest::for_session(&other.id));
    let elsewhere = world.anonymous().bearer(&token);
    elsewhere.get(e2e::ME).await.expect(200);
    let path = format!("{SESSIONS}/{}", other.id);
    ann.ask(Method::DELETE, &path).await.expect(204);
    elsewhere
        .get(e2e::ME)
        .await
        .expect_problem(401, "session_revoked");
    ann.ask(Method::DELETE, &path)
        .await
        .expect_problem(404, "resource_not_found");
    let sessions = ann.get(SESSIONS).await.expect_json(200);
    assert_eq!(ids(&sessions), [ann.session_id()]);
    // His own, by which he asks.
    let path = format!("{SESSIONS}/{}", ann.session_id());
    ann.ask(Method::DELETE, &path).await.expect(204);
    ann.get(e2e::ME)
        .await
        .expect_problem(401, "session_revoked");
    // Clerk hears of both.
    eventually("the sessions to be over at Clerk", async || {
        let alive = world
            .clerk()
            .sessions(|session| session.user_id == ann.user_id() && session.status.is_alive());
        alive.is_empty().then_some(())
    })
    .await;
}

async fn everybody_sees_his_own_addresses(database: TestDatabase) {
    let world = World::start(database).await;
    let ann = world.caller("ann").await;
    world.caller("bob").await;
    let emails = ann.get("/api/v1/me/emails").await.expect_json(200);
    let items = emails["items"].as_array().unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!(items[0]["email_address"], "ann@example.com");
    assert_eq!(
        (&items[0]["primary"], &items[0]["verified"]),
        (&json!(true), &json!(true))
    );
}

async fn admins_see_how_much_goes_on(database: TestDatabase) {
    let world = World::start(database).await;
    let boss = admin(&world, "boss").await;
    world.caller("ann").await;
    let mut broken = sample("user.created");
    broken = broken.set("data.id", json!(17));
    world.deliver(broken).await.expect(204);
    let told = boss
        .get("/api/v1/admin/activity?days=3")
        .await
        .expect_json(200);
    let totals = json!({"users": 2, "organizations": 0, "sessions": 2});
    assert_eq!(told["totals"], totals);
    let days = told["days"].as_array().unwrap();
    assert_eq!(days.len(), 3);
    let today = &days[2];
    assert_eq!(today["sign_ins"], 2, "{told}");
    assert_eq!(today["deliveries"]["quarantined"], 1, "{told}");
    assert!(
        today["deliveries"]["applied"].as_u64().unwrap() >= 4,
        "{told}"
    );
    assert_eq!(days[0]["deliveries"]["applied"], 0);
    for wrong in ["0", "91", "x", "-1"] {
        let refused = boss
            .get(&format!("/api/v1/admin/activity?days={wrong}"))
            .await;
        refused.expect_problem(400, "parameter_invalid");
    }
}

async fn a_sweep_is_done_when_somebody_asks_for_it(database: TestDatabase) {
    let world = World::start(database).await;
    let boss = admin(&world, "boss").await;
    world.disconnect();
    let missed = world.newcomer("missed");
    let path = "/api/v1/admin/drift/reconcile";
    let asked = boss
        .submit(Method::POST, path, &json!({"reason": "a look"}))
        .await;
    let asked = asked.expect_json(202);
    assert!(asked["asked_at"].is_string(), "{asked}");
    eventually("the sweep to be over", async || {
        let drift = boss.get("/api/v1/admin/drift").await.expect_json(200);
        let is_over = drift["last_sweep_at"].is_string() && drift["sweep"]["asked_at"].is_null();
        is_over.then_some(())
    })
    .await;
    let found = boss
        .get(&format!("/api/v1/admin/users/{}", missed.user_id()))
        .await;
    found.expect(200);
    let log = boss
        .get("/api/v1/admin/audit?action=reconcile.requested")
        .await;
    let log = log.expect_json(200);
    assert_eq!(log["items"][0]["actor"], boss.user_id());
    assert_eq!(log["items"][0]["reason"], "a look");
}
