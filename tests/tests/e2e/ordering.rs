//! Events arrive in any order, and more than once: the rows end the same.

use std::sync::Arc;

use domain::{Caller as Known, Outcome};
use e2e::{ME, Message, TestDatabase, World, sample, twin};
use emulator::{Caller, SessionStatus};
use serde_json::json;

use crate::dice::Dice;

e2e::on_both! {
    older_news_is_stale,
    nothing_resurrects_a_deleted_user,
    a_session_never_comes_back,
    a_shuffled_history_ends_like_the_true_one,
}

async fn outcome(world: &World, event: e2e::Event) -> Outcome {
    let message = world.signed(event);
    let id = message.id().to_owned();
    world.send(message).await.expect(204);
    world.delivery(&id).await.unwrap().outcome
}

async fn older_news_is_stale(database: TestDatabase) {
    let world = World::start(database).await;
    let newer = sample("user.updated").set("data.first_name", "New");
    let older = newer.clone().set("data.first_name", "Old").shifted(-1);
    let user_id = newer.object_id();
    let name = async || {
        world
            .known(&user_id, "sess_none")
            .await
            .unwrap()
            .user
            .first_name
            .clone()
    };

    assert_eq!(outcome(&world, newer.clone()).await, Outcome::Applied);
    assert_eq!(outcome(&world, older).await, Outcome::Stale);
    assert_eq!(name().await.as_deref(), Some("New"));
    // A late user.created is as old as what it says.
    let created = sample("user.created").set("data.first_name", "Born");
    assert_eq!(
        outcome(&world, created.shifted(-300_000)).await,
        Outcome::Stale
    );
    let newest = newer.set("data.first_name", "Newest").shifted(1);
    assert_eq!(outcome(&world, newest).await, Outcome::Applied);
    assert_eq!(name().await.as_deref(), Some("Newest"));
}

async fn nothing_resurrects_a_deleted_user(database: TestDatabase) {
    let world = World::start(database).await;
    let user_id = sample("user.created").object_id();
    assert_eq!(
        outcome(&world, sample("user.deleted")).await,
        Outcome::Applied
    );
    for late in [
        sample("user.created"),
        sample("user.updated"),
        sample("user.updated").shifted(3_600_000),
    ] {
        assert_eq!(outcome(&world, late).await, Outcome::Stale);
        let row = world.known(&user_id, "sess_none").await;
        assert!(row.is_none_or(|known| known.user.deleted_at.is_some()));
    }
}

async fn a_session_never_comes_back(database: TestDatabase) {
    let world = World::start(database).await;
    let ann = world.caller("ann").await;
    let about = |event_type: &str| {
        sample(event_type)
            .set("data.id", ann.session_id())
            .set("data.user_id", ann.user_id())
    };
    assert_eq!(
        outcome(&world, about("session.revoked")).await,
        Outcome::Applied
    );
    ann.get(ME).await.expect_problem(401, "session_revoked");
    for late in ["session.created", "session.pending"] {
        outcome(&world, about(late).shifted(3_600_000)).await;
        ann.get(ME).await.expect_problem(401, "session_revoked");
    }
}

/// What happened at Clerk, in order: message ids and bodies.
type History = Vec<(String, String)>;

/// Twenty people's comings and goings, about two hundred events, with the users and sessions that they are about.
async fn history() -> (History, Vec<(String, String)>) {
    let clerk = World::new_clerk().await;
    let by = Caller::default();
    let mut people = Vec::new();
    for number in 0..20 {
        let user = clerk
            .new_user(&format!("user{number}@example.com"))
            .unwrap();
        let session = clerk.new_session(&user.id).unwrap();
        people.push((user.id, session.id));
    }
    for round in 0..4 {
        for (number, (user_id, session_id)) in people.iter().enumerate() {
            let change =
                json!({"first_name": format!("Name {round}"), "last_name": number.to_string()});
            clerk.update_user(user_id, change, &by).unwrap();
            match (number + round) % 5 {
                0 => drop(
                    clerk
                        .end_session(session_id, SessionStatus::Ended, &by)
                        .unwrap(),
                ),
                1 => drop(clerk.new_session(user_id)),
                2 => drop(clerk.set_banned(user_id, round % 2 == 0, &by).unwrap()),
                3 => drop(
                    clerk
                        .update_metadata(
                            user_id,
                            json!({"public_metadata": {"role": "admin", "round": round}}),
                            false,
                            &by,
                        )
                        .unwrap(),
                ),
                _ => drop(clerk.set_locked(user_id, round % 2 == 1, &by).unwrap()),
            }
        }
    }
    for (user_id, _) in people.iter().step_by(6) {
        clerk.delete_user(user_id, &by).unwrap();
    }
    let told = clerk.deliveries().into_iter();
    let told = told.map(|delivery| (delivery.id, delivery.payload.get().to_owned()));
    (told.collect(), people)
}

fn message(world: &World, (id, body): &(String, String)) -> Message {
    let now = chrono::Utc::now().timestamp();
    Message::signed_at(&[&world.clerk().webhook_secret()], id, now, body.as_bytes())
}

/// The rows, but for what is the server's own: its id of the user.
async fn rows(world: &World, people: &[(String, String)]) -> Vec<Known> {
    let mut rows = Vec::new();
    for (user_id, session_id) in people {
        let mut known = world.known(user_id, session_id).await.unwrap();
        std::sync::Arc::make_mut(&mut known.user).id = uuid::Uuid::nil();
        rows.push(known);
    }
    rows
}

async fn a_shuffled_history_ends_like_the_true_one(database: TestDatabase) {
    let other = twin(&database).await;
    let (straight, mixed) = (World::start(database).await, World::start(other).await);
    let mixed = Arc::new(mixed);
    let (history, people) = history().await;
    assert!(history.len() >= 190, "{}", history.len());
    for told in &history {
        straight.send(message(&straight, told)).await.expect(204);
    }

    // Every other message twice, all in another order.
    let doubled = history.iter().step_by(2).cloned();
    let shuffled = Dice(1).shuffled(history.iter().cloned().chain(doubled).collect());
    let mut posting = tokio::task::JoinSet::new();
    for part in shuffled.chunks(shuffled.len().div_ceil(8)) {
        let (world, part) = (Arc::clone(&mixed), part.to_vec());
        posting.spawn(async move {
            for told in &part {
                world.send(message(&world, told)).await.expect(204);
            }
        });
    }
    posting.join_all().await;
    let expected = rows(&straight, &people).await;
    assert_eq!(rows(&mixed, &people).await, expected);
    assert!(expected.iter().any(|known| known.user.deleted_at.is_some()));
    assert!(expected.iter().any(|known| known.user.banned));

    // All of it again changes nothing.
    for told in &history {
        mixed.send(message(&mixed, told)).await.expect(204);
    }
    assert_eq!(rows(&mixed, &people).await, expected);
}
