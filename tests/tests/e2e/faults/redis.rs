//! Redis is stopped, killed, hangs or is slow. Nobody notices but the operator.

use std::time::Duration;

use clerk_sync::Server;
use e2e::{ME, Proxy, TestDatabase, Visitor, World, eventually, migrated_postgres, sample};
use emulator::Caller;
use serde_json::json;
use testdb::TestRedis;

use super::{check_is, health};

/// Requests that are sent while Redis is not well.
const REQUESTS: usize = 40;

/// Two replicas on one PostgreSQL and one Redis.
struct Replicas {
    world: World,
    other: Server,
}

impl Replicas {
    async fn with(redis: &str) -> Self {
        let database: TestDatabase = migrated_postgres().await;
        let own = [("REDIS_URL", redis)];
        let world = World::with(database, &own).await;
        let other = World::new_server(world.database().url(), world.clerk(), &own).await;
        let replicas = Self { world, other };
        for replica in replicas.each() {
            check_is(&replica, "redis", "healthy").await;
        }
        replicas
    }

    fn each(&self) -> [Visitor; 2] {
        [self.world.anonymous(), Visitor::of(self.other.address())]
    }

    /// Whatever one replica is told, both know; and both go on serving.
    async fn work(&self, round: usize) {
        let world = &self.world;
        let caller = world.caller(&format!("ann{round}")).await;
        let elsewhere = Visitor::of(self.other.address()).bearer(&bearer(world, &caller));
        for _ in 0..REQUESTS {
            caller.get(ME).await.expect(200);
            elsewhere.get(ME).await.expect(200);
        }
        let grace = json!({"first_name": "Grace"});
        let clerk = world.clerk();
        clerk
            .update_user(caller.user_id(), grace, &Caller::default())
            .unwrap();
        world.settled().await;
        for visitor in [&caller, &elsewhere] {
            eventually("the new name", async || {
                let me = visitor.get(ME).await.expect_json(200);
                (me["first_name"] == "Grace").then_some(())
            })
            .await;
        }
        let gone = sample("user.deleted").set("data.id", caller.user_id());
        world.deliver(gone).await.expect(204);
        for visitor in [&caller, &elsewhere] {
            eventually("the end", async || {
                (visitor.get(ME).await.status == 401).then_some(())
            })
            .await;
        }
    }

    async fn are(&self, status: &str) {
        for replica in self.each() {
            check_is(&replica, "redis", status).await;
        }
    }

    /// Works on for a while without Redis, and says so all the time.
    async fn do_without(&self, round: usize) {
        self.are("degraded").await;
        self.work(round).await;
        for replica in self.each() {
            let told = health(&replica).await;
            assert_eq!(told["checks"]["redis"]["status"], "degraded", "{told}");
            assert_eq!(told["status"], "degraded", "{told}");
            replica.get("/health").await.expect(200);
            replica.get("/health/ready").await.expect(200);
        }
    }
}

fn bearer(world: &World, caller: &Visitor) -> String {
    world.token(emulator::TokenRequest::for_session(caller.session_id()))
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_killed_or_hanging_it_is_not_missed() {
    let mut redis = TestRedis::start().await;
    let replicas = Replicas::with(&redis.url()).await;
    replicas.work(0).await;
    redis.stop();
    replicas.do_without(1).await;
    redis.restart().await;
    replicas.are("healthy").await;
    replicas.work(2).await;

    redis.kill();
    replicas.do_without(3).await;
    redis.restart().await;
    replicas.are("healthy").await;

    redis.freeze();
    replicas.do_without(4).await;
    redis.thaw();
    replicas.are("healthy").await;
    replicas.work(5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_one_is_done_without() {
    let redis = TestRedis::start().await;
    let address = redis.url().rsplit('@').next().unwrap().to_owned();
    let proxy = Proxy::to(address.clone()).await;
    let url = redis.url().replace(&address, &proxy.address().to_string());
    let replicas = Replicas::with(&url).await;
    proxy.delay(Duration::from_millis(200));
    replicas.do_without(1).await;
    proxy.delay(Duration::ZERO);
    replicas.are("healthy").await;
    replicas.work(2).await;
}
