//! Nothing is believed that Clerk did not sign just now, and nothing else is written of it but that it came.

use domain::Outcome;
use e2e::{Message, Tables, TestDatabase, World, eventually, new_message_id, sample};

e2e::on_both! {
    tampered_messages_are_refused,
    old_and_future_messages_are_refused,
    one_right_signature_of_several_is_enough,
    every_configured_secret_counts,
    signatures_that_only_look_right_are_refused,
    headers_are_there_exactly_once,
    garbage_in_headers_is_named,
    the_unbranded_header_names_are_taken,
    a_refused_message_leaves_only_a_line,
}

/// Another secret than the service's.
const WRONG: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn body() -> Vec<u8> {
    sample("user.created").into()
}

fn seconds(offset: i64) -> i64 {
    chrono::Utc::now().timestamp() + offset
}

/// Expects the refusal under this code.
async fn refused(world: &World, message: Message, code: &str) {
    let what = format!("{message:?}");
    let answer = world.send(message).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (401, code),
        "{what}"
    );
}

async fn tampered_messages_are_refused(database: TestDatabase) {
    let world = World::start(database).await;
    let honest = world.signed(body());
    let mut flipped = honest.body().to_vec();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let spaced = [honest.body(), b" "].concat();
    let later = seconds(1).to_string();
    for message in [
        honest.clone().with_body(flipped),
        honest.clone().with_body(spaced),
        honest.clone().with_body(""),
        honest.clone().replace("svix-id", new_message_id()),
        honest
            .clone()
            .replace("svix-id", format!("{}x", honest.id())),
        honest.clone().replace("svix-timestamp", later),
        Message::signed(WRONG, body()),
        Message::signed("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", body()),
    ] {
        refused(&world, message, "signature_invalid").await;
    }
    // What was refused under this id does not stand in its way.
    let id = honest.id().to_owned();
    world.send(honest).await.expect(204);
    let line = world.delivery(&id).await.unwrap();
    assert_eq!((line.outcome, line.attempts), (Outcome::Applied, 1));
}

async fn old_and_future_messages_are_refused(database: TestDatabase) {
    let world = World::start(database).await;
    let secret = world.clerk().webhook_secret();
    let at = |timestamp| Message::signed_at(&[&secret], &new_message_id(), timestamp, body());
    for old in [seconds(-330), seconds(-86_400), 0] {
        refused(&world, at(old), "timestamp_expired").await;
    }
    for ahead in [seconds(330), seconds(86_400), i64::MAX] {
        refused(&world, at(ahead), "timestamp_in_future").await;
    }
    for near in [seconds(-270), seconds(270)] {
        world.send(at(near)).await.expect(204);
    }
    // The clock is told only to whoever knows the secret.
    let stranger = Message::signed_at(&[WRONG], &new_message_id(), seconds(-900), body());
    refused(&world, stranger, "signature_invalid").await;
}

async fn one_right_signature_of_several_is_enough(database: TestDatabase) {
    let world = World::start(database).await;
    let secret = world.clerk().webhook_secret();
    let by = |secrets: &[&str]| Message::signed_at(secrets, &new_message_id(), seconds(0), body());
    for secrets in [
        &[WRONG, &secret][..],
        &[&secret, WRONG],
        &[WRONG, WRONG, &secret],
    ] {
        world.send(by(secrets)).await.expect(204);
    }
    refused(&world, by(&[WRONG, WRONG]), "signature_invalid").await;
    let right = by(&[&secret]);
    let mixed = format!("v1a,AAAA v2,BBBB {} v1,", right.header("svix-signature"));
    world
        .send(right.replace("svix-signature", mixed))
        .await
        .expect(204);
}

async fn every_configured_secret_counts(database: TestDatabase) {
    let old = emulator::generate_webhook_secret();
    let new = emulator::generate_webhook_secret();
    let both = format!("{old}, {new}");
    let world = World::with(database, &[("CLERK_WEBHOOK_SECRET", &both)]).await;
    for secret in [&old, &new] {
        world
            .send(Message::signed(secret, body()))
            .await
            .expect(204);
    }
    refused(&world, Message::signed(WRONG, body()), "signature_invalid").await;
    refused(&world, world.signed(body()), "signature_invalid").await;
}

async fn signatures_that_only_look_right_are_refused(database: TestDatabase) {
    let world = World::start(database).await;
    let honest = world.signed(body());
    let right = honest.header("svix-signature").to_owned();
    let mac = right.strip_prefix("v1,").unwrap();
    let wrong = Message::signed(WRONG, body());
    let wrong = wrong.header("svix-signature");
    for signature in [
        "v1,".to_owned(),
        "v1".to_owned(),
        ",".to_owned(),
        "v1,=".to_owned(),
        "v1, ".to_owned() + "v1,",
        mac.to_owned(),
        format!(",{mac}"),
        format!("v2,{mac}"),
        format!("v1a,{mac}"),
        format!("V1,{mac}"),
        format!("v1,{}", &mac[..1]),
        format!("v1,{}", &mac[..4]),
        format!("v1,{}", &mac[..40]),
        format!("v1,{}", &mac[..mac.len() - 1]),
        format!("v1,{mac}{mac}"),
        format!("v1,{mac}AAAA"),
        format!("v1,{}", mac.to_lowercase()),
        format!("v1;{mac}"),
        format!("v1={mac}"),
        format!("{wrong},{right}"),
        format!("{wrong};{right}"),
        "v1,AAAA ".repeat(500),
        "v1,%00".to_owned(),
    ] {
        let message = honest.clone().replace("svix-signature", &signature);
        refused(&world, message, "signature_invalid").await;
    }
    world.send(honest).await.expect(204);
}

async fn headers_are_there_exactly_once(database: TestDatabase) {
    let world = World::start(database).await;
    for name in ["svix-id", "svix-timestamp", "svix-signature"] {
        let honest = world.signed(body());
        let value = honest.header(name).to_owned();
        refused(&world, honest.clone().without(name), "header_missing").await;
        refused(
            &world,
            honest.clone().with(name, &value),
            "header_duplicated",
        )
        .await;
        refused(
            &world,
            honest.clone().with(name, "other"),
            "header_duplicated",
        )
        .await;
        refused(&world, honest.clone().replace(name, ""), "header_invalid").await;
        // Half under one family's names and half under the other's is neither.
        let other = name.replace("svix-", "webhook-");
        let mixed = honest.without(name).with(&other, &value);
        refused(&world, mixed, "header_missing").await;
    }
    let nothing = world.signed(body());
    let nothing = nothing
        .without("svix-id")
        .without("svix-timestamp")
        .without("svix-signature");
    refused(&world, nothing, "header_missing").await;
}

async fn garbage_in_headers_is_named(database: TestDatabase) {
    let world = World::start(database).await;
    let honest = world.signed(body());
    let now = seconds(0);
    for timestamp in [
        "soon".to_owned(),
        "-1".to_owned(),
        format!("+{now}"),
        format!("0{now}"),
        format!("{now}.0"),
        format!("{now}e0"),
        format!("0x{now:x}"),
        "9".repeat(40),
        "٣".to_owned(),
    ] {
        let message = honest.clone().replace("svix-timestamp", &timestamp);
        refused(&world, message, "timestamp_invalid").await;
    }
    let bytes = honest.clone().replace("svix-signature", b"v1,\xff\xfe");
    refused(&world, bytes, "header_invalid").await;
    let bytes = honest.clone().replace("svix-id", b"msg_\xff\xfe");
    refused(&world, bytes, "signature_invalid").await;
    let long = honest.clone().replace("svix-id", "m".repeat(8000));
    refused(&world, long, "signature_invalid").await;
    world.send(honest).await.expect(204);
}

async fn the_unbranded_header_names_are_taken(database: TestDatabase) {
    let world = World::start(database).await;
    let message = world.signed(body());
    let id = message.id().to_owned();
    world.send(message.unbranded()).await.expect(204);
    let line = world.delivery(&id).await.unwrap();
    assert_eq!(line.outcome, Outcome::Applied);
    let tampered = world.signed(body()).with_body("{}").unbranded();
    refused(&world, tampered, "signature_invalid").await;
}

async fn a_refused_message_leaves_only_a_line(database: TestDatabase) {
    let world = World::start(database).await;
    let event = sample("user.created");
    let user_id = event.object_id();
    let forged = Message::signed(WRONG, event);
    let id = forged.id().to_owned();
    refused(&world, forged, "signature_invalid").await;
    if let Some(tables) = Tables::of(world.database()).await {
        eventually("the rejected line", async || {
            let rejected = "outcome = 'rejected' and reason like '%signature_invalid%'";
            let lines = tables.count("webhook_deliveries", rejected).await;
            (lines == 1).then_some(())
        })
        .await;
        let empty = "payload is null and payload_bytes is null and svix_id is null";
        assert_eq!(tables.count("webhook_deliveries", empty).await, 1);
        for table in ["users", "sessions", "clerk_objects", "changes"] {
            assert_eq!(tables.count(table, "true").await, 0, "{table}");
        }
    }
    assert_eq!(world.delivery(&id).await, None);
    assert_eq!(world.known(&user_id, "sess_none").await, None);
    let health = world.anonymous().get("/health").await.expect_json(200);
    assert!(health["last_event_at"].is_null(), "{health}");
}
