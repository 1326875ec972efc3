//! The chat: what is said, what counts, and what is kept.

use e2e::{Answer, TestDatabase, Visitor, Wire, World, eventually};
use emulator::{AssistantFaults, Caller, Chaos, SessionStatus};
use reqwest::Method;
use serde_json::{Value, json};

use super::open;

e2e::on_both! {
    an_answer_is_streamed_counted_and_kept,
    the_assistant_is_told_what_was_said_before,
    without_an_assistant_nothing_is_counted,
    what_fails_is_not_counted,
    whoever_leaves_in_the_middle_has_used_it_and_who_hears_nothing_has_not,
    the_months_messages_end,
    an_answer_ends_with_its_session,
    what_cannot_be_asked_is_refused,
}

const SEND: &str = "/api/v1/chat/send";
const MESSAGES: &str = "/api/v1/chat/messages";
const USAGE: &str = "/api/v1/me/usage";

/// A world with an assistant, and whatever else.
async fn chatting(database: TestDatabase, own: &[(&str, &str)]) -> World {
    let clerk = World::new_clerk().await;
    let url = format!("{}/assistant/v1", clerk.origin());
    let mut all = vec![
        ("INVITE_CODE_ENABLED", "false"),
        ("ASSISTANT_URL", url.as_str()),
        ("ASSISTANT_MODEL", "emulator"),
    ];
    all.extend(own);
    World::of(clerk, database, &all).await
}

fn faulty(world: &World, faults: AssistantFaults) {
    let chaos = Chaos {
        assistant: faults,
        ..Chaos::default()
    };
    world.clerk().set_chaos(chaos).unwrap();
}

async fn say(visitor: &Visitor, message: &str) -> Answer {
    visitor
        .submit(Method::POST, SEND, &json!({ "message": message }))
        .await
}

/// The events of a stream: a name and its data each.
fn events(answer: &Answer) -> Vec<(String, Value)> {
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    let blocks = text
        .split("\n\n")
        .filter(|block| block.starts_with("event: "));
    blocks
        .map(|block| {
            let (name, data) = block.split_once("\ndata: ").unwrap();
            let name = name.strip_prefix("event: ").unwrap();
            (name.to_owned(), serde_json::from_str(data).unwrap())
        })
        .collect()
}

fn last(answer: &Answer) -> (String, Value) {
    events(answer).pop().unwrap()
}

async fn used(visitor: &Visitor) -> (u64, u64) {
    let usage = visitor.get(USAGE).await.expect_json(200);
    let usage = &usage["features"]["ai_messages"];
    let (used, limit) = (
        usage["used"].as_u64().unwrap(),
        usage["limit"].as_u64().unwrap(),
    );
    (used, limit - usage["remaining"].as_u64().unwrap())
}

/// Role, text and whether it is partial, the oldest first.
async fn history(visitor: &Visitor) -> Vec<(String, String, bool)> {
    let page = visitor.get(MESSAGES).await.expect_json(200);
    let rows = page["items"].as_array().unwrap().iter().rev();
    rows.map(|row| {
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        (
            text("role"),
            text("content"),
            row["is_partial"].as_bool().unwrap(),
        )
    })
    .collect()
}

async fn an_answer_is_streamed_counted_and_kept(database: TestDatabase) {
    let world = chatting(database, &[]).await;
    let (ann, bob) = (world.caller("ann").await, world.caller("bob").await);
    let answer = say(&ann, "Which is my largest position?").await.expect(200);
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    assert_eq!(answer.header("x-accel-buffering"), Some("no"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let all = events(&answer);
    let said: String = all
        .iter()
        .filter(|(name, _)| name == "delta")
        .map(|(_, data)| data["text"].as_str().unwrap())
        .collect();
    assert_eq!(said, "Message 1 was: Which is my largest position?");
    assert!(all.len() > 3, "piece by piece: {all:?}");
    let (name, done) = last(&answer);
    assert_eq!(name, "done");
    assert_eq!((&done["used"], &done["remaining"]), (&json!(1), &json!(99)));
    assert_eq!(used(&ann).await, (1, 1));
    assert_eq!(
        history(&ann).await,
        [
            (
                "user".to_owned(),
                "Which is my largest position?".to_owned(),
                false
            ),
            ("assistant".to_owned(), said, false),
        ]
    );
    let of_answer = format!("{MESSAGES}/{}", done["message_id"].as_str().unwrap());
    assert_eq!(
        ann.get(&of_answer).await.expect_json(200)["role"],
        "assistant"
    );

    bob.get(&of_answer)
        .await
        .expect_problem(404, "resource_not_found");
    assert_eq!(history(&bob).await, []);
    assert_eq!(used(&bob).await, (0, 0));
    ann.submit(Method::PATCH, &of_answer, &json!({"content": "other"}))
        .await
        .expect_problem(405, "method_not_allowed");
    ann.ask(Method::DELETE, &of_answer).await.expect(204);
    assert_eq!(history(&ann).await.len(), 1);
}

async fn the_assistant_is_told_what_was_said_before(database: TestDatabase) {
    let world = chatting(database, &[]).await;
    let (ann, bob) = (world.caller("ann").await, world.caller("bob").await);
    say(&ann, "one").await.expect(200);
    say(&ann, "two").await.expect(200);
    say(&bob, "his").await.expect(200);
    let texts: Vec<String> = history(&ann).await.into_iter().map(|line| line.1).collect();
    assert_eq!(
        texts,
        ["one", "Message 1 was: one", "two", "Message 3 was: two"]
    );
    // An admin's chat is his own too, unless he asks for everybody's.
    let admin = super::admin(&world).await;
    assert_eq!(history(&admin).await, []);
    assert_eq!(
        super::ids(&admin, "/api/v1/chat/messages?owner=all")
            .await
            .len(),
        6
    );
    let texts: Vec<String> = history(&bob).await.into_iter().map(|line| line.1).collect();
    assert_eq!(texts, ["his", "Message 1 was: his"]);
}

async fn without_an_assistant_nothing_is_counted(database: TestDatabase) {
    let world = open(database).await;
    let ann = world.caller("ann").await;
    say(&ann, "hello")
        .await
        .expect_problem(503, "assistant_not_configured");
    assert_eq!(used(&ann).await, (0, 0));
    assert_eq!(history(&ann).await, []);
}

async fn what_fails_is_not_counted(database: TestDatabase) {
    let world = chatting(database, &[]).await;
    let ann = world.caller("ann").await;
    let usual = AssistantFaults::default;
    for (faults, code) in [
        (
            AssistantFaults {
                status: Some(500),
                ..usual()
            },
            "assistant_unavailable",
        ),
        (
            AssistantFaults {
                status: Some(401),
                ..usual()
            },
            "assistant_refused",
        ),
        (
            AssistantFaults {
                status: Some(429),
                ..usual()
            },
            "assistant_busy",
        ),
        (
            AssistantFaults {
                garbage: true,
                ..usual()
            },
            "assistant_unavailable",
        ),
        (
            AssistantFaults {
                cut_after: Some(2),
                ..usual()
            },
            "assistant_unavailable",
        ),
        (
            AssistantFaults {
                garbage_after: Some(2),
                ..usual()
            },
            "assistant_unavailable",
        ),
    ] {
        faulty(&world, faults);
        let answer = say(&ann, "hello").await.expect(200);
        assert_eq!(last(&answer), ("error".to_owned(), json!({ "code": code })));
        assert_eq!(used(&ann).await, (0, 0), "{code}");
        assert_eq!(history(&ann).await, [], "{code}");
    }
    faulty(&world, usual());
    assert_eq!(last(&say(&ann, "hello").await).0, "done");
    assert_eq!(used(&ann).await, (1, 1));
}

/// A request for an answer, on a connection that can be cut.
async fn asking(world: &World, ann: &Visitor, message: &str) -> Wire {
    let bearer = crate::streams::bearer(world, ann.session_id());
    let body = json!({ "message": message }).to_string();
    let mut wire = Wire::to(world.address()).await;
    let request = format!(
        "POST {SEND} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n{bearer}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    wire.send(request.as_bytes()).await;
    wire
}

async fn whoever_leaves_in_the_middle_has_used_it_and_who_hears_nothing_has_not(
    database: TestDatabase,
) {
    let world = chatting(database, &[]).await;
    let ann = world.caller("ann").await;
    faulty(
        &world,
        AssistantFaults {
            hang: true,
            ..AssistantFaults::default()
        },
    );
    let mut wire = asking(&world, &ann, "hello").await;
    wire.until("text/event-stream").await;
    // Held while it is being answered.
    assert_eq!(used(&ann).await, (0, 1));
    drop(wire);
    let is_free = async || (used(&ann).await == (0, 0)).then_some(());
    eventually("what was held to be free", is_free).await;
    assert_eq!(history(&ann).await, []);

    faulty(
        &world,
        AssistantFaults {
            hang_after: Some(2),
            ..AssistantFaults::default()
        },
    );
    let mut wire = asking(&world, &ann, "hello").await;
    wire.until("event: delta").await;
    drop(wire);
    let is_kept = async || {
        let all = history(&ann).await;
        (all.len() == 2).then_some(all)
    };
    let all = eventually("the history", is_kept).await;
    let (role, text, is_partial) = &all[1];
    assert_eq!((role.as_str(), *is_partial), ("assistant", true));
    assert!(
        "Message 1 was: hello".starts_with(text.as_str()) && !text.is_empty(),
        "{text}"
    );
    assert_eq!(used(&ann).await, (1, 1));
}

async fn the_months_messages_end(database: TestDatabase) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.toml");
    let policy = super::POLICY.replace("ai_messages = 100 ", "ai_messages = 2 ");
    std::fs::write(&file, policy).unwrap();
    let world = chatting(database, &[("POLICY_FILE", file.to_str().unwrap())]).await;
    let ann = world.caller("ann").await;
    // At once: of five two are answered.
    let tries = (0..5).map(|_| say(&ann, "hello"));
    let answers = futures_util::future::join_all(tries).await;
    let answered = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(answered, 2);
    for answer in answers.into_iter().filter(|answer| answer.status != 200) {
        let problem = answer
            .expect_problem(429, "ai_message_limit_reached")
            .json();
        assert_eq!(problem["feature"], "ai_messages");
        assert!(problem["retry_at"].is_string());
    }
    assert_eq!(used(&ann).await, (2, 2));
    assert_eq!(history(&ann).await.len(), 4);
}

async fn an_answer_ends_with_its_session(database: TestDatabase) {
    let world = chatting(database, &[]).await;
    let ann = world.caller("ann").await;
    faulty(
        &world,
        AssistantFaults {
            hang_after: Some(1),
            ..AssistantFaults::default()
        },
    );
    let mut wire = asking(&world, &ann, "hello").await;
    wire.until("event: delta").await;
    let (status, by) = (SessionStatus::Revoked, Caller::default());
    world
        .clerk()
        .end_session(ann.session_id(), status, &by)
        .unwrap();
    let rest = wire.rest().await;
    assert!(
        rest.contains("event: error\ndata: {\"code\":\"session_revoked\"}"),
        "{rest}"
    );
}

async fn what_cannot_be_asked_is_refused(database: TestDatabase) {
    let world = chatting(database, &[]).await;
    let ann = world.caller("ann").await;
    for body in [
        json!({}),
        json!({"message": ""}),
        json!({"message": " \n"}),
        json!({"message": "a\u{0}"}),
        json!({"message": 1}),
        json!({"message": "a", "model": "dear"}),
        json!({"message": "x".repeat(100_001)}),
    ] {
        let answer = ann.submit(Method::POST, SEND, &body).await;
        answer.expect_problem(400, "body_invalid");
    }
    assert_eq!(used(&ann).await, (0, 0));
}
