//! What admins do besides deciding about users: replay, invites, resync, drift, the right to be forgotten and to know.

use e2e::{ME, TestDatabase, Visitor, World, sample};
use emulator::Caller;
use reqwest::Method;
use serde_json::{Value, json};

use crate::admin_access::admin;

e2e::on_both! {
    a_quarantined_delivery_is_listed_and_replayed,
    invites_are_made_shown_once_and_taken_back,
    a_user_is_read_anew_from_clerk,
    without_a_secret_key_clerk_is_not_asked,
    drift_is_what_the_last_sweep_found,
    a_person_is_exported_and_forgotten_in_two_steps,
    who_is_to_be_forgotten_is_forgotten_when_it_is_due,
}

const ADMIN: &str = "/api/v1/admin";

async fn post(admin: &Visitor, path: &str, body: Value) -> e2e::Answer {
    admin
        .submit(Method::POST, &format!("{ADMIN}/{path}"), &body)
        .await
}

async fn get(admin: &Visitor, path: &str) -> Value {
    admin.get(&format!("{ADMIN}/{path}")).await.expect_json(200)
}

async fn a_quarantined_delivery_is_listed_and_replayed(database: TestDatabase) {
    let world = World::start(database).await;
    let boss = admin(&world, "boss").await;
    let odd = sample("user.created").set("data.id", 7);
    let message = world.signed(odd);
    let svix_id = message.id().to_owned();
    world.send(message).await.expect(204);
    let list = get(&boss, "deliveries?outcome=quarantined").await;
    let [line] = &list["items"].as_array().unwrap()[..] else {
        panic!("one line: {list}");
    };
    assert_eq!(line["svix_id"], svix_id);
    assert_eq!(line["event_type"], "user.created");
    assert_eq!(line["attempts"], 1);
    assert!(line["reason"].is_string());
    let id = line["id"].as_str().unwrap();
    for id in [id, &svix_id] {
        let again = post(&boss, &format!("deliveries/{id}/replay"), json!({})).await;
        assert_eq!(again.expect_json(200)["outcome"], "quarantined");
    }
    // An ordinary one is made so once more.
    let applied = get(&boss, "deliveries?outcome=applied&event_type=user.created").await;
    let id = applied["items"][0]["id"].as_str().unwrap().to_owned();
    let again = post(
        &boss,
        &format!("deliveries/{id}/replay"),
        json!({"reason": "why"}),
    )
    .await;
    assert!(["applied", "stale"].contains(&again.expect_json(200)["outcome"].as_str().unwrap()));
    let lines = get(
        &boss,
        &format!("audit?action=delivery.replayed&subject_id={id}"),
    )
    .await;
    assert_eq!(lines["items"][0]["reason"], "why");
    assert_eq!(lines["items"][0]["before"], json!({"outcome": "applied"}));
    for unknown in ["msg_none", "00000000-0000-0000-0000-000000000000", "%00"] {
        let answer = post(&boss, &format!("deliveries/{unknown}/replay"), json!({})).await;
        answer.expect_problem(404, "delivery_not_found");
    }
    // A rejected message is in the list, and holds nothing to replay.
    let forged = world
        .signed(sample("user.created"))
        .replace("svix-signature", "v1,AAAA");
    world.send(forged).await.expect(401);
    let rejected = async {
        loop {
            let list = get(&boss, "deliveries?outcome=rejected").await;
            if let Some(line) = list["items"].get(0) {
                return line["id"].as_str().unwrap().to_owned();
            }
        }
    };
    let id = e2e::within(e2e::PATIENCE, "the rejected line", rejected).await;
    let answer = post(&boss, &format!("deliveries/{id}/replay"), json!({})).await;
    answer.expect_problem(404, "delivery_not_found");
}

async fn invites_are_made_shown_once_and_taken_back(database: TestDatabase) {
    let world = World::start(database).await;
    let boss = admin(&world, "boss").await;
    let wanted = json!({"max_uses": 2, "expires_at": "2999-01-01T00:00:00Z", "note": "conference"});
    let made = post(&boss, "invites", wanted).await.expect_json(201);
    assert!(made["code"].as_str().unwrap().len() >= 28);
    assert_eq!((&made["uses"], &made["max_uses"]), (&json!(0), &json!(2)));
    let own = post(&boss, "invites", json!({"code": "Spring 2027"})).await;
    assert_eq!(own.expect_json(201)["code"], "Spring 2027");
    let taken = post(&boss, "invites", json!({"code": "spring-2027"})).await;
    taken.expect_problem(409, "invite_code_taken");
    // No body at all asks for nothing in particular.
    let plain = boss.ask(Method::POST, &format!("{ADMIN}/invites")).await;
    assert_eq!(plain.expect_json(201)["max_uses"], Value::Null);
    for wrong in [
        json!({"max_uses": 0}),
        json!({"max_uses": -1}),
        json!({"max_uses": 4_294_967_296_u64}),
        json!({"code": "abc"}),
        json!({"code": "x".repeat(129)}),
        json!({"expires_at": "2020-01-01T00:00:00Z"}),
        json!({"expires_at": "tomorrow"}),
        json!({"note": "x".repeat(501)}),
        json!({"uses": 7}),
    ] {
        let answer = post(&boss, "invites", wrong).await;
        answer.expect_problem(400, "body_invalid");
    }
    let list = get(&boss, "invites?limit=2").await;
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    assert!(!list.to_string().contains("Spring"), "{list}");
    let cursor = list["next_cursor"].as_str().unwrap();
    let rest = get(&boss, &format!("invites?limit=2&cursor={cursor}")).await;
    assert_eq!(rest["items"][0]["note"], "conference");
    assert_eq!(rest["next_cursor"], Value::Null);
    let path = format!("{ADMIN}/invites/{}", made["id"].as_str().unwrap());
    let revoked = boss.ask(Method::DELETE, &path).await.expect_json(200);
    assert!(revoked["revoked_at"].is_string());
    for unknown in ["1", "00000000-0000-0000-0000-000000000000"] {
        let path = format!("{ADMIN}/invites/{unknown}");
        let answer = boss.ask(Method::DELETE, &path).await;
        answer.expect_problem(404, "invite_not_found");
    }
    let lines = get(&boss, "audit?subject_kind=invite").await;
    assert_eq!(lines["items"].as_array().unwrap().len(), 4);
    assert!(!lines.to_string().contains("Spring"), "{lines}");
}

async fn a_user_is_read_anew_from_clerk(database: TestDatabase) {
    let world = World::start(database).await;
    let (boss, ann) = (admin(&world, "boss").await, world.caller("ann").await);
    // Clerk tells nobody.
    world.disconnect();
    let (clerk, by) = (world.clerk(), Caller::default());
    let change = json!({"first_name": "Grace"});
    clerk.update_user(ann.user_id(), change, &by).unwrap();
    let untold = world.newcomer("untold");
    assert_eq!(ann.get(ME).await.expect_json(200)["first_name"], "ann");
    let path = format!("users/{}/resync", ann.user_id());
    let shown = post(&boss, &path, json!({"reason": "why"})).await;
    assert_eq!(shown.expect_json(200)["first_name"], "Grace");
    assert_eq!(ann.get(ME).await.expect_json(200)["first_name"], "Grace");
    // Also somebody of whom nothing has told.
    let path = format!("users/{}/resync", untold.user_id());
    let shown = post(&boss, &path, json!({})).await.expect_json(200);
    assert_eq!(shown["email"], "untold@example.com");
    // Whom Clerk does not know stays as he is.
    clerk.delete_user(ann.user_id(), &by).unwrap();
    let path = format!("users/{}/resync", ann.user_id());
    let gone = post(&boss, &path, json!({})).await;
    gone.expect_problem(409, "user_absent_at_clerk");
    ann.get(ME).await.expect(200);
    let nobody = post(&boss, "users/user_none/resync", json!({})).await;
    nobody.expect_problem(409, "user_absent_at_clerk");
    let ours = "users/00000000-0000-0000-0000-000000000000/resync";
    post(&boss, ours, json!({}))
        .await
        .expect_problem(404, "user_not_found");
}

async fn without_a_secret_key_clerk_is_not_asked(database: TestDatabase) {
    let own = [("CLERK_SECRET_KEY", ""), ("ROLE_WRITE_BACK", "true")];
    let world = World::with(database, &own).await;
    let (boss, ann) = (admin(&world, "boss").await, world.caller("ann").await);
    let path = format!("users/{}/resync", ann.user_id());
    let answer = post(&boss, &path, json!({})).await;
    answer.expect_problem(409, "clerk_not_configured");
    // What is decided here holds here.
    let path = format!("users/{}/revoke-sessions", ann.user_id());
    post(&boss, &path, json!({})).await.expect(200);
    ann.get(ME).await.expect_problem(401, "session_revoked");
}

async fn drift_is_what_the_last_sweep_found(database: TestDatabase) {
    let world = World::with(database, &[("RECONCILE_INTERVAL_SECONDS", "1")]).await;
    let boss = admin(&world, "boss").await;
    let swept = async {
        loop {
            let drift = get(&boss, "drift").await;
            if drift["last_sweep_at"].is_string() {
                return drift;
            }
        }
    };
    let drift = e2e::within(e2e::PATIENCE, "a sweep", swept).await;
    assert_eq!(
        (&drift["drift"], &drift["stopped"]),
        (&json!(0), &json!(false))
    );
    assert!(drift["kinds"].is_object(), "{drift}");
    assert_eq!(drift["brake"], Value::Null);
}

async fn a_person_is_exported_and_forgotten_in_two_steps(database: TestDatabase) {
    let world = World::with(database, &[("ERASURE_HOLD_DAYS", "7")]).await;
    let (boss, ann) = (admin(&world, "boss").await, world.caller("ann").await);
    let of = |what: &str| format!("users/{}/{what}", ann.user_id());
    let held = post(&boss, &of("export"), json!({"reason": "asked for"})).await;
    assert!(
        held.expect_json(200)
            .to_string()
            .contains("ann@example.com")
    );
    let asked = post(&boss, &of("erasure"), json!({}))
        .await
        .expect_json(202);
    let time = |field: &str| {
        let text = asked[field].as_str().unwrap();
        chrono::DateTime::parse_from_rfc3339(text).unwrap()
    };
    assert_eq!((time("due_at") - time("requested_at")).num_days(), 7);
    ann.get(ME).await.expect_problem(403, "user_inactive");
    let again = post(&boss, &of("erasure"), json!({})).await;
    again.expect_problem(409, "erasure_already_requested");
    let open = post(&boss, &of("reactivate"), json!({})).await;
    open.expect_problem(409, "erasure_already_requested");
    ann.get(ME).await.expect_problem(403, "user_inactive");
    let path = format!("users/{}", ann.user_id());
    assert_eq!(get(&boss, &path).await["erasure"]["id"], asked["id"]);
    let path = format!("{ADMIN}/{}", of("erasure"));
    let cancelled = boss.ask(Method::DELETE, &path).await.expect_json(200);
    assert!(cancelled["cancelled_at"].is_string());
    let again = boss.ask(Method::DELETE, &path).await;
    again.expect_problem(404, "erasure_not_found");
    post(&boss, "users/user_none/erasure", json!({}))
        .await
        .expect_problem(404, "user_not_found");
    post(&boss, "users/user_none/export", json!({}))
        .await
        .expect_problem(404, "user_not_found");
}

async fn who_is_to_be_forgotten_is_forgotten_when_it_is_due(database: TestDatabase) {
    let own = [
        ("ERASURE_HOLD_DAYS", "0"),
        ("RECONCILE_INTERVAL_SECONDS", "1"),
        // Without a key nothing is swept, but the rounds are as short.
        ("CLERK_SECRET_KEY", ""),
    ];
    let world = World::with(database, &own).await;
    let (boss, ann) = (admin(&world, "boss").await, world.caller("ann").await);
    let path = format!("users/{}", ann.user_id());
    let asked = post(&boss, &format!("{path}/erasure"), json!({})).await;
    asked.expect(202);
    let forgotten = async {
        loop {
            let shown = get(&boss, &path).await;
            if shown["erasure"]["executed_at"].is_string() {
                return;
            }
        }
    };
    e2e::within(e2e::PATIENCE, "the deed", forgotten).await;
    let shown = get(&boss, &path).await;
    assert_eq!(
        (&shown["email"], &shown["full_name"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(shown["emails"], json!([]));
    let lines = get(&boss, "audit?action=user.erased").await;
    assert_eq!(lines["items"][0]["actor"], "system");
    let again = boss
        .ask(Method::DELETE, &format!("{ADMIN}/{path}/erasure"))
        .await;
    assert!([404, 409].contains(&again.status), "{again:?}");
}
