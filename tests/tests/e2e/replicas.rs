//! Several servers on one database.

mod leaving;
mod pooler;
mod rolling;
mod together;

use domain::{Outcome, Policy};
use e2e::{ME, Message, TestDatabase, Visitor, World, new_message_id, sample};
use emulator::TokenRequest;
use persistence::{Store, StoreSettings};

// Databases without tables: both servers come to migrate them.
testdb::on_both! { two_servers_start_and_serve_at_once }

/// A look into the database beside the servers.
fn store(url: &str) -> Store {
    let settings = StoreSettings {
        pool_size: 2,
        policy: Policy::built_in().into(),
    };
    Store::open(&url.parse().unwrap(), settings).unwrap()
}

async fn two_servers_start_and_serve_at_once(database: TestDatabase) {
    let clerk = World::new_clerk().await;
    let start = || tokio::spawn(World::server_of(e2e::settings(database.url(), &clerk, &[])));
    let (one, other) = (start(), start());
    let (one, other) = (one.await.unwrap(), other.await.unwrap());

    let event = sample("user.created");
    let user_id = event.object_id();
    let (secret, now) = (clerk.webhook_secret(), chrono::Utc::now().timestamp());
    let message = Message::signed_at(&[&secret], &new_message_id(), now, event);
    let (at_one, at_other) = (Visitor::of(one.address()), Visitor::of(other.address()));
    let (first, second) =
        tokio::join!(at_one.send(message.clone()), at_other.send(message.clone()));
    first.expect(204);
    second.expect(204);
    let line = one
        .store()
        .deliveries
        .find(message.id())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((line.outcome, line.attempts), (Outcome::Applied, 2));

    let request = TokenRequest::for_user(&user_id).authorized_party(e2e::PARTY);
    let token = clerk.mint(request).unwrap();
    let me = at_one.clone().bearer(&token).get(ME).await.expect_json(200);
    assert_eq!(
        at_other
            .clone()
            .bearer(&token)
            .get(ME)
            .await
            .expect_json(200),
        me
    );

    // What one is told, the other knows soon.
    let deleted = sample("user.deleted").set("data.id", user_id);
    let message = Message::signed(&secret, deleted);
    at_other.send(message).await.expect(204);
    let at_one = at_one.bearer(&token);
    let gone = e2e::eventually("word of the other", async || {
        let answer = at_one.get(ME).await;
        (answer.status != 200).then_some(answer)
    })
    .await;
    gone.expect_problem(401, "user_deleted");
    one.shutdown().await;
    other.shutdown().await;
}
