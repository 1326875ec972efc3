//! What attackers leave behind: one alert for a burst, and one line for each session of an impersonator.

use e2e::{ME, TestDatabase, Visitor, World, eventually};
use emulator::TokenRequest;
use serde_json::{Value, json};

use crate::admin_access::admin;

testdb::on_both! {
    many_forged_tokens_raise_one_alert,
    an_impersonator_is_written_down_once,
}

/// The lines of an action, the newest first, once there is one.
async fn lines(boss: &Visitor, action: &str) -> Vec<Value> {
    let path = format!("/api/v1/admin/audit?action={action}");
    eventually("a line", async || {
        let page = boss.get(&path).await.expect_json(200);
        let lines = page["items"].as_array().unwrap().clone();
        (!lines.is_empty()).then_some(lines)
    })
    .await
}

async fn many_forged_tokens_raise_one_alert(database: TestDatabase) {
    let world = World::start(database).await;
    let boss = admin(&world, "boss").await;
    let token = world.token(TokenRequest::for_user("user_ann"));
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    let forged = format!("{signed}.{first}{}", &signature[1..]);
    let forger = world.anonymous().bearer(&forged);
    for _ in 0..49 {
        forger
            .get(ME)
            .await
            .expect_problem(401, "signature_invalid");
    }
    let path = "/api/v1/admin/audit?action=security.alert";
    let none = boss.get(path).await.expect_json(200);
    assert_eq!(none["items"], json!([]));
    for _ in 0..150 {
        forger
            .get(ME)
            .await
            .expect_problem(401, "signature_invalid");
    }
    let [alert] = &lines(&boss, "security.alert").await[..] else {
        panic!("one alert");
    };
    assert_eq!(alert["actor"], "system");
    assert_eq!(alert["after"]["kind"], "forged_tokens");
    assert_eq!(alert["after"]["events"], 50);
}

async fn an_impersonator_is_written_down_once(database: TestDatabase) {
    let world = World::start(database).await;
    let boss = admin(&world, "boss").await;
    let ann = world.caller("ann").await;
    let token = world.token(
        TokenRequest::for_session(ann.session_id()).claim("act", json!({"sub": "user_support"})),
    );
    let support = world.anonymous().bearer(&token);
    for _ in 0..3 {
        support.get(ME).await.expect(200);
    }
    ann.get(ME).await.expect(200);
    let [line] = &lines(&boss, "session.impersonated").await[..] else {
        panic!("one line");
    };
    assert_eq!(line["actor"], ann.user_id());
    assert_eq!(line["impersonator"], "user_support");
    let session = json!({"kind": "session", "id": ann.session_id()});
    assert_eq!(line["subject"], session);
}
