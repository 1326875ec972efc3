//! A new version is rolled out: each replica is asked to end and started again in turn, while everybody goes on.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::{ClerkId, Outcome};
use e2e::{
    Answer, ME, Message, PATIENCE, Visitor, World, eventually, new_message_id, sample, settings,
    within,
};
use emulator::{Emulator, TokenRequest};
use testdb::TestRedis;
use tokio::task::JoinSet;

use crate::program::{Running, Settings};

const REPLICAS: usize = 3;
/// Every replica is restarted so often.
const ROUNDS: usize = 1;
/// Those who ask for themselves, and as many senders of webhooks.
const CLIENTS: usize = 6;
/// What is answered of either kind between two restarts, at least.
const ANSWERS: usize = 40;
/// How often the balancer looks who is ready; and how long, in seconds, a replica goes on for it to notice.
const PROBES: Duration = Duration::from_millis(50);
const DELAY: (&str, &str) = ("SHUTDOWN_DELAY_SECONDS", "1");

/// What stands before the replicas and gives each request to the next of them that says of itself that it is ready. What is
/// refused a connection goes to another, and nothing else is tried again: with any other failure the request may have had
/// its effect.
struct Balancer {
    replicas: Mutex<Vec<Replica>>,
    turn: AtomicUsize,
}

#[derive(Clone)]
struct Replica {
    visitor: Visitor,
    is_ready: bool,
}

impl Balancer {
    fn of(addresses: &[SocketAddr]) -> Self {
        let replicas = addresses.iter().copied().map(Replica::at);
        Self {
            replicas: Mutex::new(replicas.collect()),
            turn: AtomicUsize::new(0),
        }
    }

    fn replace(&self, place: usize, address: SocketAddr) {
        self.replicas.lock().unwrap()[place] = Replica::at(address);
    }

    /// Looks at every replica, again and again.
    async fn probe(self: Arc<Self>) {
        loop {
            for place in 0..REPLICAS {
                let visitor = self.replicas.lock().unwrap()[place].visitor.clone();
                let answer = visitor.try_get("/health/ready").await;
                self.replicas.lock().unwrap()[place].is_ready =
                    answer.is_ok_and(|answer| answer.status == 200);
            }
            tokio::time::sleep(PROBES).await;
        }
    }

    async fn ask(&self, request: &Request) -> Answer {
        within(PATIENCE, "a replica that takes the request", async {
            loop {
                let turn = self.turn.fetch_add(1, Ordering::Relaxed);
                let Replica { visitor, is_ready } =
                    self.replicas.lock().unwrap()[turn % REPLICAS].clone();
                if !is_ready {
                    continue;
                }
                let answer = match request {
                    Request::Me { token } => visitor.bearer(token).try_get(ME).await,
                    Request::Webhook(message) => visitor.try_send(message.clone()).await,
                };
                match answer {
                    Ok(answer) => return answer,
                    Err(error) if error.is_connect() => {}
                    Err(error) => panic!("a request was cut: {error:?}"),
                }
            }
        })
        .await
    }
}

impl Replica {
    fn at(address: SocketAddr) -> Self {
        Self {
            visitor: Visitor::of(address),
            is_ready: true,
        }
    }
}

enum Request {
    Me { token: String },
    Webhook(Message),
}

/// What everybody who goes on has seen.
#[derive(Default)]
struct Seen {
    enough: AtomicBool,
    asked: AtomicUsize,
    sent: AtomicUsize,
}

impl Seen {
    fn goes_on(&self) -> bool {
        !self.enough.load(Ordering::Relaxed)
    }

    /// Waits until as many more of either kind were answered.
    async fn more(&self) {
        let counts = || {
            (
                self.asked.load(Ordering::Relaxed),
                self.sent.load(Ordering::Relaxed),
            )
        };
        let before = counts();
        eventually("answers", async || {
            let (asked, sent) = counts();
            (asked >= before.0 + ANSWERS && sent >= before.1 + ANSWERS).then_some(())
        })
        .await;
    }
}

async fn asks(balancer: Arc<Balancer>, seen: Arc<Seen>, token: String) {
    let request = Request::Me { token };
    while seen.goes_on() {
        balancer.ask(&request).await.expect(200);
        seen.asked.fetch_add(1, Ordering::Relaxed);
    }
}

/// Sends webhooks about users of their own; answers which were acknowledged.
async fn sends(balancer: Arc<Balancer>, seen: Arc<Seen>, secret: String) -> Vec<(String, String)> {
    let mut acknowledged = Vec::new();
    while seen.goes_on() {
        let user_id = new_message_id().replace("msg_", "user_");
        let event = sample("user.created").set("data.id", user_id.as_str());
        let message = Message::signed(&secret, event);
        let request = Request::Webhook(message.clone());
        balancer.ask(&request).await.expect(204);
        seen.sent.fetch_add(1, Ordering::Relaxed);
        acknowledged.push((message.id().to_owned(), user_id));
    }
    acknowledged
}

async fn started(folder: &Path, settings: &Settings) -> (Running, SocketAddr) {
    let (replica, address) = Running::serve(folder, settings).await;
    // As a balancer looks before it sends anybody there.
    let probe = Visitor::of(address);
    eventually("a replica that is ready", async || {
        (probe.get("/health/ready").await.status == 200).then_some(())
    })
    .await;
    (replica, address)
}

async fn nobody_notices(clerk: Emulator, own: &[(&str, &str)]) {
    let database = e2e::migrated_postgres().await;
    let settings = settings(database.url(), &clerk, &[own, &[DELAY]].concat());
    let folder = tempfile::tempdir().unwrap();
    let (mut replicas, mut addresses) = (Vec::new(), Vec::new());
    for _ in 0..REPLICAS {
        let (replica, address) = started(folder.path(), &settings).await;
        replicas.push(Some(replica));
        addresses.push(address);
    }
    let (balancer, seen) = (
        Arc::new(Balancer::of(&addresses)),
        Arc::new(Seen::default()),
    );
    let (mut asking, mut sending) = (JoinSet::new(), JoinSet::new());
    let mut probing = JoinSet::new();
    probing.spawn(Arc::clone(&balancer).probe());
    for client in 0..CLIENTS {
        let request = TokenRequest {
            expires_in: Some(3600),
            ..TokenRequest::for_user(format!("user_{client}")).authorized_party(e2e::PARTY)
        };
        let token = clerk.mint(request).unwrap();
        asking.spawn(asks(Arc::clone(&balancer), Arc::clone(&seen), token));
        let secret = clerk.webhook_secret();
        sending.spawn(sends(Arc::clone(&balancer), Arc::clone(&seen), secret));
    }
    for place in (0..REPLICAS).cycle().take(REPLICAS * ROUNDS) {
        seen.more().await;
        // It ends well, having answered whatever it took.
        replicas[place].take().unwrap().stop().await;
        seen.more().await;
        let (replica, address) = started(folder.path(), &settings).await;
        replicas[place] = Some(replica);
        balancer.replace(place, address);
    }
    seen.more().await;
    seen.enough.store(true, Ordering::Relaxed);
    asking.join_all().await;
    let acknowledged = sending.join_all().await.concat();

    let store = super::store(database.url());
    let nobody = ClerkId::parse("sess_none").unwrap();
    for (message_id, user_id) in acknowledged {
        let line = store.deliveries.find(&message_id).await.unwrap();
        let line = line.unwrap_or_else(|| panic!("{message_id} was answered and is lost"));
        // None was sent twice, nor taken twice.
        assert_eq!(
            (line.outcome, line.attempts),
            (Outcome::Applied, 1),
            "{line:?}"
        );
        let id = ClerkId::parse(&user_id).unwrap();
        let known = store.users.caller(&id, &nobody).await.unwrap();
        assert!(known.is_some(), "{user_id} was acknowledged and is lost");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_notices_that_replicas_are_restarted() {
    nobody_notices(World::new_clerk().await, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_notices_that_replicas_are_restarted_with_redis() {
    let redis = TestRedis::start().await;
    nobody_notices(World::new_clerk().await, &[("REDIS_URL", &redis.url())]).await;
}
