//! Every event that Clerk sends is taken, and found again.

use domain::Outcome;
use e2e::{ME, Message, Tables, TestDatabase, World, fixture, fixture_types, sample};
use emulator::{Caller, EVENT_TYPES};

e2e::on_both! {
    every_published_event_is_taken_and_found_again,
    every_sample_of_the_emulator_is_applied,
    unknown_types_are_kept_and_ignored,
    the_same_message_again_is_a_duplicate,
    another_instances_event_is_quarantined,
}

async fn every_published_event_is_taken_and_found_again(database: TestDatabase) {
    let world = World::start(database).await;
    let types = fixture_types();
    assert_eq!(types, EVENT_TYPES);
    for event_type in &types {
        let message = world.signed(fixture(event_type));
        let id = message.id().to_owned();
        world.send(message).await.expect(204);
        let line = world.delivery(&id).await.unwrap();
        assert_eq!(line.event_type, *event_type);
        assert_eq!(line.svix_id.as_deref(), Some(id.as_str()));
        assert!(line.object_id.is_some(), "{event_type}");
        // The examples share their ids, and come in the order of the alphabet: some are older than what is known.
        let taken = matches!(line.outcome, Outcome::Applied | Outcome::Stale);
        assert!(taken, "{event_type}: {line:?}");
    }
    if let Some(tables) = Tables::of(world.database()).await {
        assert_eq!(tables.count("webhook_deliveries", "true").await, 46);
    }
}

async fn every_sample_of_the_emulator_is_applied(database: TestDatabase) {
    let world = World::start(database).await;
    for event_type in EVENT_TYPES {
        // Each about an object of its own, so that none is older than another.
        let own = format!("{}0{}", prefix(event_type), event_type.replace('.', "0"));
        let id = world
            .clerk()
            .emit_event(event_type, None, Some(&own), &Caller::default())
            .unwrap();
        world.settled().await;
        let line = world.delivery(&id).await.unwrap();
        assert_eq!(line.outcome, Outcome::Applied, "{event_type}: {line:?}");
        assert_eq!(line.object_id, Some(own));
    }
}

/// What ids of the event's objects begin with, up to the underscore.
fn prefix(event_type: &str) -> String {
    let id = sample(event_type).object_id();
    format!("{}_", id.rsplit_once('_').unwrap().0)
}

async fn unknown_types_are_kept_and_ignored(database: TestDatabase) {
    let world = World::start(database).await;
    for event_type in ["spaceship.launched", "user.exploded", "x", "päivä.created"] {
        let event = sample("user.created").set("type", event_type);
        let message = world.signed(event);
        let id = message.id().to_owned();
        world.send(message).await.expect(204);
        let line = world.delivery(&id).await.unwrap();
        assert_eq!(line.outcome, Outcome::Ignored, "{event_type}: {line:?}");
    }
    let user_id = sample("user.created").object_id();
    assert_eq!(world.known(&user_id, "sess_none").await, None);
}

async fn the_same_message_again_is_a_duplicate(database: TestDatabase) {
    let world = World::start(database).await;
    let ann = world.caller("ann").await;
    let known = world.clerk().deliveries();
    let created = known
        .iter()
        .find(|it| it.event_type == "user.created")
        .unwrap();
    let before = ann.get(ME).await.expect_json(200);
    for attempts in 2..=3 {
        world.clerk().replay(&created.id).unwrap();
        world.settled().await;
        let line = world.delivery(&created.id).await.unwrap();
        assert_eq!((line.outcome, line.attempts), (Outcome::Applied, attempts));
    }
    // The id decides, whatever the body says: Svix never changes it.
    let now = chrono::Utc::now().timestamp();
    let secret = world.clerk().webhook_secret();
    let deleted = sample("user.deleted").set("data.id", ann.user_id());
    let again = Message::signed_at(&[&secret], &created.id, now, deleted);
    world.send(again).await.expect(204);
    assert_eq!(ann.get(ME).await.expect_json(200), before);
}

async fn another_instances_event_is_quarantined(database: TestDatabase) {
    let own = [("CLERK_INSTANCE_ID", emulator::INSTANCE_ID)];
    let world = World::with(database, &own).await;
    world.caller("ann").await.get(ME).await.expect(200);
    let foreign = sample("user.created")
        .set("instance_id", "ins_other")
        .set("data.id", "user_foreign");
    let message = world.signed(foreign);
    let id = message.id().to_owned();
    world.send(message).await.expect(204);
    let line = world.delivery(&id).await.unwrap();
    assert_eq!(line.outcome, Outcome::Quarantined, "{line:?}");
    assert_eq!(world.known("user_foreign", "sess_none").await, None);
    assert_eq!(line.event_type, "user.created");
}
