//! The process is told to end while it has a lot to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use e2e::{
    ME, Message, PARTY, TestDatabase, Visitor, WEBHOOKS, Wire, World, new_message_id, sample,
    settings,
};
use emulator::TokenRequest;
use futures_util::future::join_all;
use persistence::Store;
use tokio::task::JoinSet;

use crate::program::Running;

e2e::on_both! { told_to_stop_under_load_it_answers_what_it_has_begun }

const SENDERS: usize = 8;
/// Requests that have begun, and of which the rest comes only after the signal.
const BEGUN: usize = 20;

fn news(secret: &str) -> Message {
    let user_id = new_message_id().replace("msg_", "user_");
    Message::signed(secret, sample("user.created").set("data.id", user_id))
}

/// Sends until the door is closed; answers what was taken. An answer is whole or there is none.
async fn send(visitor: Visitor, secret: String, count: Arc<AtomicUsize>) -> Vec<Message> {
    let mut taken = Vec::new();
    loop {
        let message = news(&secret);
        match visitor.try_send(message.clone()).await {
            Ok(answer) => {
                answer.expect(204);
                count.fetch_add(1, Ordering::Relaxed);
                taken.push(message);
            }
            Err(error) => {
                assert!(!error.is_timeout() && !error.is_body(), "{error:?}");
                return taken;
            }
        }
    }
}

async fn told_to_stop_under_load_it_answers_what_it_has_begun(database: TestDatabase) {
    let clerk = World::new_clerk().await;
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(database.url(), &clerk, &[]);
    let (server, address) = Running::serve(folder.path(), &settings).await;
    let (secret, visitor) = (clerk.webhook_secret(), Visitor::of(address));
    let count = Arc::new(AtomicUsize::new(0));
    let mut senders = JoinSet::new();
    for _ in 0..SENDERS {
        senders.spawn(send(visitor.clone(), secret.clone(), Arc::clone(&count)));
    }
    let mut begun = Vec::new();
    for _ in 0..BEGUN {
        let message = news(&secret);
        let mut wire = Wire::to(address).await;
        wire.send(&message.head(WEBHOOKS, message.body().len()))
            .await;
        wire.send(b"expect: 100-continue\r\n\r\n").await;
        // Asked for the body, so the request is under way.
        wire.until("100 Continue").await;
        begun.push((wire, message));
    }
    e2e::eventually("a lot to do", async || {
        (count.load(Ordering::Relaxed) >= 100).then_some(())
    })
    .await;

    server.terminate();
    let mut taken: Vec<Message> = senders.join_all().await.into_iter().flatten().collect();
    let finished = begun.into_iter().map(|(mut wire, message)| async move {
        wire.send(message.body()).await;
        let answer = wire.rest().await;
        assert!(answer.contains("HTTP/1.1 204"), "{answer}");
        message
    });
    taken.extend(join_all(finished).await);
    server.ended().await;

    // It starts where it ended, and has everything.
    let again = World::new_server(database.url(), &clerk, &[]).await;
    assert!(taken.len() >= 100 + BEGUN);
    for message in taken {
        is_known(again.store(), &message).await;
    }
    let token = clerk.new_user("ann@example.com").unwrap().id;
    let token = TokenRequest::for_user(&token).authorized_party(PARTY);
    let ann = Visitor::of(again.address()).bearer(&clerk.mint(token).unwrap());
    ann.get(ME).await.expect(200);
    again.shutdown().await;
}

async fn is_known(store: &Store, message: &Message) {
    let line = store.deliveries.find(message.id()).await.unwrap();
    assert!(line.is_some(), "{} was answered and is lost", message.id());
}
