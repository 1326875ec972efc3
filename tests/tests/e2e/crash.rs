//! Killed in the middle of its work, the service has everything that it answered 204.
//!
//! `CRASH_CYCLES` makes it go on for longer than a test of every day, such as
//! `CRASH_CYCLES=50 cargo xtask test -p e2e what_was_answered`; how long it took to come up is then worth reading, with
//! `--no-capture`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use domain::{ClerkId, Outcome, Policies, Policy};
use e2e::{Message, TestDatabase, Visitor, World, eventually, new_message_id, sample, settings};
use persistence::{Store, StoreSettings};
use tokio::task::JoinSet;

use crate::dice::Dice;
use crate::program::Running;

e2e::on_both! { what_was_answered_survives_a_kill }

/// Lives of the process that end under load.
const CYCLES: usize = 4;
const SENDERS: usize = 8;
/// Answers that each life of the process gives at least, and at most until the kill is decided.
const ANSWERS: (usize, usize) = (100, 300);
/// One kill in so many comes while the process is still on its way up; the first one does.
const EARLY: usize = 5;
/// How far on its way up it may come, in milliseconds.
const EARLY_MILLIS: usize = 400;

#[expect(
    clippy::disallowed_methods,
    reason = "a setting of this test, not of the product"
)]
fn cycles() -> usize {
    let asked = std::env::var("CRASH_CYCLES").ok();
    asked.map_or(CYCLES, |text| text.parse().expect("a number"))
}

/// A message about a user of its own, and that user's id.
fn news(secret: &str) -> (Message, String) {
    let user_id = new_message_id().replace("msg_", "user_");
    let event = sample("user.created").set("data.id", user_id.as_str());
    (Message::signed(secret, event), user_id)
}

/// Sends one message after another until the server is gone; answers what was acknowledged, and what was not.
async fn send_until_the_end(
    address: SocketAddr,
    secret: String,
    answers: Arc<AtomicUsize>,
) -> (Vec<(String, String)>, (Message, String)) {
    let clerk = Visitor::of(address);
    let mut acknowledged = Vec::new();
    loop {
        let (message, user_id) = news(&secret);
        match clerk.try_send(message.clone()).await {
            Ok(answer) => {
                answer.expect(204);
                answers.fetch_add(1, Ordering::Relaxed);
                acknowledged.push((message.id().to_owned(), user_id));
            }
            Err(_) => return (acknowledged, (message, user_id)),
        }
    }
}

async fn what_was_answered_survives_a_kill(database: TestDatabase) {
    let clerk = World::new_clerk().await;
    let settings = settings(database.url(), &clerk, &[]);
    let secret = clerk.webhook_secret();
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    let mut unanswered = Vec::new();
    let (cycles, mut dice, mut slowest) = (cycles(), Dice(17), Duration::ZERO);
    for cycle in 0..cycles {
        // One that dies on its way up must not stand in the way of the next. Of five kills one is such.
        if cycle % (EARLY - 1) == 0 {
            let early = Running::start(folder.path(), &["serve"], &settings);
            let moment = u64::try_from(dice.roll(EARLY_MILLIS)).unwrap();
            tokio::time::sleep(Duration::from_millis(moment)).await;
            early.kill().await;
        }
        let began = Instant::now();
        let (server, address) = Running::serve(folder.path(), &settings).await;
        slowest = slowest.max(began.elapsed());
        // Clerk repeats what was not answered, whether it had been taken or not.
        for (message, user_id) in unanswered.drain(..) {
            let id = Message::id(&message).to_owned();
            Visitor::of(address).send(message).await.expect(204);
            acknowledged.push((id, user_id));
        }
        let answers = Arc::new(AtomicUsize::new(0));
        let mut senders = JoinSet::new();
        for _ in 0..SENDERS {
            senders.spawn(send_until_the_end(
                address,
                secret.clone(),
                Arc::clone(&answers),
            ));
        }
        let enough = ANSWERS.0 + dice.roll(ANSWERS.1 - ANSWERS.0);
        eventually("enough answers", async || {
            (answers.load(Ordering::Relaxed) >= enough).then_some(())
        })
        .await;
        server.kill().await;
        for (more, last) in senders.join_all().await {
            acknowledged.extend(more);
            unanswered.push(last);
        }
    }

    let (_server, _) = Running::serve(folder.path(), &settings).await;
    let store_settings = StoreSettings {
        pool_size: 2,
        policy: Arc::new(Policies::new(Policy::built_in())),
    };
    let store = Store::open(&database.url().parse().unwrap(), store_settings).unwrap();
    assert!(acknowledged.len() >= cycles * ANSWERS.0);
    let nobody = ClerkId::parse("sess_none").unwrap();
    for (message_id, user_id) in acknowledged {
        let line = store.deliveries.find(&message_id).await.unwrap();
        let line = line.unwrap_or_else(|| panic!("{message_id} was answered and is lost"));
        assert_eq!(line.outcome, Outcome::Applied, "{line:?}");
        let id = ClerkId::parse(&user_id).unwrap();
        let known = store.users.caller(&id, &nobody).await.unwrap();
        assert!(known.is_some(), "{user_id} was acknowledged and is lost");
    }
}
