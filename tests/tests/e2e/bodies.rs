//! Whatever an authentic message says, it is taken; whatever comes too large is not.

use domain::Outcome;
use e2e::{ME, TestDatabase, WEBHOOKS, Wire, World, fixture, fixture_types, sample};
use serde_json::{Value, json};

use crate::dice::Dice;

e2e::on_both! {
    a_body_may_be_as_large_as_the_limit,
    odd_bodies_are_quarantined,
    odd_contents_are_taken,
    mutated_events_are_taken,
}

const MIB: usize = 1024 * 1024;

/// A user's event, filled up with white space.
fn of_length(length: usize) -> Vec<u8> {
    let mut body: Vec<u8> = sample("user.created").into();
    body.resize(length, b' ');
    body
}

async fn a_body_may_be_as_large_as_the_limit(database: TestDatabase) {
    let world = World::start(database).await;
    let largest = world.signed(of_length(MIB));
    let id = largest.id().to_owned();
    world.send(largest).await.expect(204);
    assert_eq!(world.delivery(&id).await.unwrap().outcome, Outcome::Applied);
    let over = world.signed(of_length(MIB + 1));
    world.send(over).await.expect_problem(413, "body_too_large");

    // In pieces, without a length that tells beforehand.
    let message = world.signed(of_length(MIB + 1));
    let head = message.head(WEBHOOKS, 0);
    let head = String::from_utf8(head).unwrap();
    let head = head.replace("content-length: 0", "transfer-encoding: chunked");
    let mut bytes = format!("{head}connection: close\r\n\r\n").into_bytes();
    for piece in message.body().chunks(64 * 1024) {
        bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        bytes.extend_from_slice(piece);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    let status = Wire::to(world.address()).await.status_of(&bytes).await;
    assert_eq!(status, Some(413));
    world.send(world.signed(of_length(5000))).await.expect(204);
}

async fn odd_bodies_are_quarantined(database: TestDatabase) {
    let world = World::start(database).await;
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let deep_data = format!(r#"{{"type":"user.created","object":"event","data":{deep}}}"#);
    let cut = &fixture("user.created")[..400];
    for body in [
        &b""[..],
        b" ",
        b"{",
        b"not json",
        b"null",
        b"42",
        b"[]",
        b"{}",
        b"\xff\xfe\x00",
        b"\x00",
        br#"{"type":"user.created"}"#,
        br#"{"type":5,"data":{"id":"user_1"}}"#,
        br#"{"type":"user.created","data":[]}"#,
        br#"{"type":"user.created","data":{}}"#,
        br#"{"type":"user.created","data":{"id":7}}"#,
        br#"{"type":"user.created","data":{"id":""}}"#,
        br#"{"type":"session.created","data":{"id":[]}}"#,
        b"\xef\xbb\xbf{}",
        deep.as_bytes(),
        deep_data.as_bytes(),
        cut,
    ] {
        let message = world.signed(body);
        let id = message.id().to_owned();
        let shown = String::from_utf8_lossy(body)
            .chars()
            .take(80)
            .collect::<String>();
        let answer = world.send(message).await;
        assert_eq!(answer.status, 204, "{shown}: {answer:?}");
        let line = world.delivery(&id).await.unwrap();
        assert_eq!(line.outcome, Outcome::Quarantined, "{shown}: {line:?}");
        assert!(line.reason.is_some(), "{shown}");
    }
    world.anonymous().get("/health/ready").await.expect(200);
}

async fn odd_contents_are_taken(database: TestDatabase) {
    let world = World::start(database).await;
    let text = |event: e2e::Event| event.0.to_string();
    let surrogate = text(sample("user.created").set("data.first_name", "MARK"));
    let bodies = [
        text(sample("user.created").set("data.first_name", "a\0b")),
        text(sample("user.created").set("data.public_metadata", json!({"k\0": "\0"}))),
        text(sample("user.created").set("data.last_name", "n".repeat(10_000))),
        text(sample("user.created").set("data.updated_at", i64::MAX)),
        text(sample("user.created").set("data.updated_at", -1)),
        text(sample("user.created").set("data.email_addresses", Value::Null)),
        text(sample("user.created").set("data.never_seen", json!([{"a": 1}]))),
        text(sample("user.created").set("timestamp", "yesterday")),
        text(sample("organization.created").set("data.name", "o\0o")),
        text(sample("session.created").set("data.user", Value::Null)),
        text(sample("session.created").set("data.status", json!([]))),
        surrogate.replace("MARK", r"\ud800"),
        surrogate.replace("MARK", r"\udc00\ud800"),
        surrogate.replace("\"MARK\"", "1e999"),
        surrogate.replace("\"MARK\"", "123456789012345678901234567890"),
        surrogate.replacen('{', r#"{"type":"user.deleted","#, 1),
    ];
    for body in bodies {
        let message = world.signed(body.clone());
        let id = message.id().to_owned();
        let answer = world.send(message).await;
        assert_eq!(answer.status, 204, "{body}: {answer:?}");
        let line = world.delivery(&id).await;
        assert!(line.is_some(), "{body}");
    }
    world.caller("ann").await.get(ME).await.expect(200);
}

fn places(value: &Value, path: String, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                places(value, format!("{path}/{name}"), found);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                places(value, format!("{path}/{index}"), found);
            }
        }
        _ => {}
    }
    found.push(path);
}

/// Puts something else at some place of the event, up to three times.
fn mutated(mut event: Value, dice: &mut Dice) -> Value {
    let odd = [
        Value::Null,
        json!(true),
        json!(0),
        json!(-1),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(1.5e300),
        json!(""),
        json!("\0"),
        json!("user_\u{202e}\u{feff}"),
        json!("x".repeat(3000)),
        json!([]),
        json!([null, [[]]]),
        json!({}),
        json!({"id": {"id": {}}}),
        json!("1716883200"),
        json!("' or 1=1; --"),
    ];
    for _ in 0..=dice.roll(3) {
        let mut found = Vec::new();
        places(&event, String::new(), &mut found);
        let place = &found[dice.roll(found.len())];
        *event.pointer_mut(place).unwrap() = odd[dice.roll(odd.len())].clone();
    }
    event
}

async fn mutated_events_are_taken(database: TestDatabase) {
    let world = World::start(database).await;
    let types = fixture_types();
    let mut dice = Dice(2);
    for round in 0..300 {
        let event_type = &types[dice.roll(types.len())];
        let event = serde_json::from_slice(&fixture(event_type)).unwrap();
        let event = mutated(event, &mut dice);
        let message = world.signed(event.to_string());
        let id = message.id().to_owned();
        let answer = world.send(message).await;
        assert_eq!(answer.status, 204, "round {round}: {event}: {answer:?}");
        let line = world.delivery(&id).await.unwrap();
        assert_ne!(line.outcome, Outcome::Rejected, "round {round}: {event}");
    }
    world.anonymous().get("/health/ready").await.expect(200);
    world.caller("ann").await.get(ME).await.expect(200);
}
