//! PostgreSQL is stopped, killed, slow, or has no connection left. What was answered is kept, and nobody restarts the
//! service.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use e2e::{ME, Message, TestDatabase, World, eventually, new_message_id, sample};
use futures_util::future::join_all;
use testdb::TestPostgres;
use tokio::task::JoinSet;
use tokio_postgres::{Client, NoTls};

use super::{is_away, is_kept, taken_at_last};
use crate::outage::{
    behind_a_proxy, everything_says_so, is_not_served_from_memory, is_ready_again,
};

const SENDERS: usize = 4;

/// A service on a PostgreSQL of its own. The other database is not used.
async fn on(postgres: &TestPostgres) -> World {
    let own = [("DATABASE_URL", postgres.url())];
    let own = own.each_ref().map(|(name, url)| (*name, url.as_str()));
    World::with(TestDatabase::sqlite(), &own).await
}

/// A message about a user of its own.
fn news(world: &World) -> Message {
    let user_id = new_message_id().replace("msg_", "user_");
    world.signed(sample("user.created").set("data.id", user_id))
}

/// Sends message after message until told to stop, each until it is taken; answers them all.
async fn send_until(
    world: Arc<World>,
    stop: Arc<AtomicBool>,
    count: Arc<AtomicUsize>,
) -> Vec<Message> {
    let visitor = world.anonymous();
    let mut taken = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let message = news(&world);
        taken_at_last(&visitor, &message).await;
        count.fetch_add(1, Ordering::Relaxed);
        taken.push(message);
    }
    taken
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_survives_a_stop_and_a_kill() {
    let mut postgres = TestPostgres::start("").await;
    let world = Arc::new(on(&postgres).await);
    let ann = world.caller("ann").await;
    let before = ann.get(ME).await.expect_json(200);
    let (stop, count) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let mut senders = JoinSet::new();
    for _ in 0..SENDERS {
        senders.spawn(send_until(
            Arc::clone(&world),
            Arc::clone(&stop),
            Arc::clone(&count),
        ));
    }
    let under_load = async || {
        let so_far = count.load(Ordering::Relaxed);
        eventually("messages that are taken", async || {
            (count.load(Ordering::Relaxed) >= so_far + 50).then_some(())
        })
        .await;
    };
    for end in [TestPostgres::stop, TestPostgres::kill, TestPostgres::kill] {
        under_load().await;
        end(&mut postgres);
        everything_says_so(&world).await;
        is_not_served_from_memory(&ann).await;
        postgres.start_again().await;
        is_ready_again(&world).await;
        assert_eq!(ann.get(ME).await.expect_json(200)["id"], before["id"]);
    }
    under_load().await;
    stop.store(true, Ordering::Relaxed);
    for message in senders.join_all().await.into_iter().flatten() {
        is_kept(&world, &message).await;
    }
}

/// Takes every connection that there is, and those of the service too.
async fn take_all(postgres: &TestPostgres) -> Vec<Client> {
    let mut held: Vec<Client> = Vec::new();
    let connect = async || {
        let (client, connection) = tokio_postgres::connect(&postgres.url(), NoTls).await.ok()?;
        tokio::spawn(connection);
        Some(client)
    };
    held.extend(connect().await);
    eventually("a full server", async || {
        while let Some(client) = connect().await {
            held.push(client);
        }
        let end = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'clerk-sync'";
        held[0].query(end, &[]).await.unwrap().is_empty().then_some(())
    })
    .await;
    held
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_free_connection_it_waits_for_one() {
    let postgres = TestPostgres::start("max_connections = 20").await;
    let world = on(&postgres).await;
    let ann = world.caller("ann").await;
    ann.get(ME).await.expect(200);
    let held = take_all(&postgres).await;
    everything_says_so(&world).await;
    is_not_served_from_memory(&ann).await;
    let message = news(&world);
    is_away(world.send(message.clone()).await);

    drop(held);
    is_ready_again(&world).await;
    world.send(message.clone()).await.expect(204);
    is_kept(&world, &message).await;
    ann.get(ME).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_one_makes_answers_slow_and_a_very_slow_one_is_away() {
    let (world, proxy) = behind_a_proxy().await;
    let ann = world.caller("ann").await;
    proxy.delay(Duration::from_millis(100));
    let slow = news(&world);
    world.send(slow.clone()).await.expect(204);
    ann.get(ME).await.expect(200);
    world.anonymous().get("/health/ready").await.expect(200);

    proxy.delay(Duration::from_secs(6));
    let late = news(&world);
    let refused = world.send(late.clone());
    let (refused, ()) = tokio::join!(refused, everything_says_so(&world));
    is_away(refused);
    is_away(ann.get(ME).await);

    proxy.delay(Duration::ZERO);
    is_ready_again(&world).await;
    // Whether it had been written or not when its sender was told to come again.
    taken_at_last(&world.anonymous(), &late).await;
    for message in [&slow, &late] {
        is_kept(&world, message).await;
    }
    // The pool is as large as before.
    for answer in join_all((0..40).map(|_| ann.get(ME))).await {
        answer.expect(200);
    }
}
