//! Three processes on one database: a session that is over is over everywhere, whatever else is broken.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use e2e::{
    ME, Tables, TestDatabase, Visitor, World, eventually, migrated_postgres, settings, within,
};
use emulator::{Caller, SessionStatus, TokenRequest};
use serde_json::json;
use testdb::TestRedis;
use tokio::task::JoinHandle;

use crate::program::{Running, run};

e2e::on_both! { what_a_command_repairs_the_service_sees }

/// How late a replica that was not told may learn it, whatever fails.
const BOUND: Duration = Duration::from_secs(2);

/// The replica that Clerk's webhooks reach, in this process, and two more, each a process.
struct Fleet {
    world: World,
    others: Vec<(Running, Visitor)>,
    _folder: tempfile::TempDir,
}

/// A person who is known on every replica.
struct Person {
    name: String,
    here: Visitor,
    elsewhere: Vec<Visitor>,
}

impl Fleet {
    async fn start(own: &[(&str, &str)]) -> Self {
        let world = World::with(migrated_postgres().await, own).await;
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(world.database().url(), world.clerk(), own);
        let mut others = Vec::new();
        for _ in 0..2 {
            let (server, address) = Running::serve(folder.path(), &settings).await;
            others.push((server, Visitor::of(address)));
        }
        Self {
            world,
            others,
            _folder: folder,
        }
    }

    /// Signs somebody up and has every replica remember him. His token's session is one that no ban ends, as one of
    /// which no event has told: whatever is to refuse it must do so by itself.
    async fn person(&self, name: &str, is_told: bool) -> Person {
        let caller = self.world.caller(name).await;
        let request = if is_told {
            TokenRequest::for_session(caller.session_id())
        } else {
            TokenRequest {
                session_id: Some(format!("sess_untold_{name}")),
                ..TokenRequest::for_user(caller.user_id())
            }
        };
        let token = self.world.token(request);
        let others = self.others.iter();
        let here = self.world.anonymous().bearer(&token);
        let person = Person {
            name: name.to_owned(),
            here: here.known_as(caller.user_id(), caller.session_id()),
            elsewhere: others
                .map(|(_, visitor)| visitor.clone().bearer(&token))
                .collect(),
        };
        for _ in 0..3 {
            for visitor in person.everywhere() {
                visitor.get(ME).await.expect(200);
            }
        }
        person
    }

    /// Ends sessions and users in every way, and sees each of them refused: with the next request where Clerk told of
    /// it, within the bound elsewhere.
    async fn ends_are_seen(&self, round: &str) {
        let (clerk, by) = (self.world.clerk(), Caller::default());
        let revoked = self.person(&format!("revoked{round}"), true).await;
        let deleted = self.person(&format!("deleted{round}"), false).await;
        let banned = self.person(&format!("banned{round}"), false).await;

        let session = revoked.here.session_id();
        clerk
            .end_session(session, SessionStatus::Revoked, &by)
            .unwrap();
        self.refused(&revoked, 401, "session_revoked").await;
        clerk.delete_user(deleted.here.user_id(), &by).unwrap();
        self.refused(&deleted, 401, "user_deleted").await;
        clerk.set_banned(banned.here.user_id(), true, &by).unwrap();
        self.refused(&banned, 403, "user_inactive").await;
    }

    async fn refused(&self, person: &Person, status: u16, code: &str) {
        self.world.settled().await;
        let looking = async {
            for visitor in &person.elsewhere {
                loop {
                    let answer = visitor.get(ME).await;
                    if answer.status != 200 {
                        answer.expect_problem(status, code);
                        break;
                    }
                }
            }
        };
        let answer = person.here.get(ME).await;
        answer.expect_problem(status, code);
        within(BOUND, &format!("{}: {code}", person.name), looking).await;
        // And stays so.
        for visitor in person.everywhere() {
            visitor.get(ME).await.expect_problem(status, code);
        }
    }
}

impl Person {
    fn everywhere(&self) -> impl Iterator<Item = &Visitor> {
        std::iter::once(&self.here).chain(&self.elsewhere)
    }
}

/// Somebody who goes on all the time, on every replica.
struct Bystander {
    stop: Arc<AtomicBool>,
    served: Arc<AtomicUsize>,
    asking: JoinHandle<()>,
}

impl Bystander {
    async fn of(fleet: &Fleet) -> Self {
        let person = fleet.person("bystander", true).await;
        let (stop, served) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicUsize::new(0)),
        );
        let (until, count) = (Arc::clone(&stop), Arc::clone(&served));
        let asking = tokio::spawn(async move {
            while !until.load(Ordering::Relaxed) {
                for visitor in person.everywhere() {
                    visitor.get(ME).await.expect(200);
                    count.fetch_add(1, Ordering::Relaxed);
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        Self {
            stop,
            served,
            asking,
        }
    }

    /// Was served all the time.
    async fn was_served(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.asking.await.unwrap();
        assert!(self.served.load(Ordering::Relaxed) > 0);
    }
}

async fn check(visitor: &Visitor, name: &str) -> String {
    let health = visitor.get("/health").await.expect_json(200);
    let status = &health["checks"][name]["status"];
    status.as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_everywhere() {
    let fleet = Fleet::start(&[]).await;
    let bystander = Bystander::of(&fleet).await;
    for round in ["0", "1"] {
        fleet.ends_are_seen(round).await;
    }
    bystander.was_served().await;
    for (_, visitor) in &fleet.others {
        assert_eq!(check(visitor, "caches").await, "healthy");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_everywhere_although_nobody_hears_the_other() {
    let fleet = Fleet::start(&[]).await;
    let bystander = Bystander::of(&fleet).await;
    let tables = Tables::of(fleet.world.database()).await.unwrap();
    for round in ["0", "1", "2"] {
        let ended = tables.end_connections("clerk-sync listen").await;
        assert!(ended <= 3, "one a replica");
        fleet.ends_are_seen(round).await;
    }
    // They listen again by themselves.
    eventually("three who listen", async || {
        let listening = tables.count("pg_stat_activity", LISTENING).await;
        (listening == 3).then_some(())
    })
    .await;
    bystander.was_served().await;
}

const LISTENING: &str = "application_name = 'clerk-sync listen' and datname = current_database()";

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_everywhere_with_redis_there_frozen_and_gone() {
    let mut redis = TestRedis::start().await;
    let url = redis.url();
    let fleet = Fleet::start(&[("REDIS_URL", &url)]).await;
    let visitors = || {
        let others = fleet.others.iter().map(|(_, visitor)| visitor.clone());
        others.chain([fleet.world.anonymous()])
    };
    let all_say = async |expected: &str| {
        for visitor in visitors() {
            eventually(expected, async || {
                (check(&visitor, "redis").await == expected).then_some(())
            })
            .await;
        }
    };
    all_say("healthy").await;
    let bystander = Bystander::of(&fleet).await;
    fleet.ends_are_seen("there").await;

    redis.freeze();
    fleet.ends_are_seen("frozen").await;
    all_say("degraded").await;
    redis.thaw();
    all_say("healthy").await;
    fleet.ends_are_seen("thawed").await;

    redis.kill();
    fleet.ends_are_seen("gone").await;
    all_say("degraded").await;
    for visitor in visitors() {
        visitor.get("/health/ready").await.expect(200);
    }
    redis.restart().await;
    all_say("healthy").await;
    fleet.ends_are_seen("back").await;
    bystander.was_served().await;
}

async fn what_a_command_repairs_the_service_sees(database: TestDatabase) {
    let world = World::start(database).await;
    let ann = world.caller("ann").await;
    assert_eq!(ann.get(ME).await.expect_json(200)["first_name"], "ann");
    // Clerk tells nobody.
    world.disconnect();
    let (change, by) = (json!({"first_name": "Grace"}), Caller::default());
    world
        .clerk()
        .update_user(ann.user_id(), change, &by)
        .unwrap();
    assert_eq!(ann.get(ME).await.expect_json(200)["first_name"], "ann");

    let folder = tempfile::tempdir().unwrap();
    let settings = settings(world.database().url(), world.clerk(), &[]);
    run(folder.path(), &["reconcile", "--repair"], &settings)
        .await
        .printed();
    within(BOUND, "the repaired name", async {
        while ann.get(ME).await.expect_json(200)["first_name"] != "Grace" {}
    })
    .await;
}
