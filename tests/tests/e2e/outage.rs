//! The database goes away and comes back; nothing that Clerk was told is done is lost, and nobody restarts anything.

use std::time::Duration;

use e2e::{ME, Proxy, TestDatabase, Visitor, World, eventually, migrated_postgres, sample, within};
use emulator::Caller;
use serde_json::json;

/// Well before Svix gives up at 15 s. The promise is 5 s, on a machine that has nothing else to do.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

pub(crate) async fn behind_a_proxy() -> (World, Proxy) {
    behind_a_proxy_with(&[]).await
}

/// A world whose database can be taken away, with settings of the test's own.
pub(crate) async fn behind_a_proxy_with(own: &[(&str, &str)]) -> (World, Proxy) {
    let database: TestDatabase = migrated_postgres().await;
    let (scheme, rest) = database.url().split_once("://").unwrap();
    let (place, name) = rest.split_once('/').unwrap();
    let (user, host) = place.rsplit_once('@').unwrap();
    let proxy = Proxy::to(host.to_owned()).await;
    let url = format!("{scheme}://{user}@{}/{name}", proxy.address());
    let mut own = own.to_vec();
    own.push(("DATABASE_URL", &url));
    let world = World::with(database, &own).await;
    (world, proxy)
}

pub(crate) async fn everything_says_so(world: &World) {
    let visitor = world.anonymous();
    let answers = async {
        tokio::join!(
            world.deliver(sample("user.updated")),
            visitor.get("/health/live"),
            visitor.get("/health/ready"),
            visitor.get("/health"),
        )
    };
    let (taken, live, ready, health) = within(ANSWER_LIMIT, "answers", answers).await;
    taken.expect_problem(503, "store_unavailable");
    live.expect(200);
    ready.expect(503);
    assert_eq!(health.expect_json(503)["status"], "unhealthy");
}

/// A moment after the database has gone, nobody can know any more who is still let in: not even who was a moment ago.
pub(crate) async fn is_not_served_from_memory(caller: &Visitor) {
    eventually("a refusal", async || {
        (caller.get(ME).await.status != 200).then_some(())
    })
    .await;
    for _ in 0..3 {
        let answer = caller.get(ME).await;
        answer.expect_problem(503, "store_unavailable");
    }
}

pub(crate) async fn is_ready_again(world: &World) {
    let visitor = world.anonymous();
    eventually("readiness", async || {
        (visitor.get("/health/ready").await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_while_the_database_is_away() {
    let (world, proxy) = behind_a_proxy().await;
    let ann = world.caller("ann").await;
    let before = ann.get(ME).await.expect_json(200);
    for round in 0..3 {
        proxy.cut();
        everything_says_so(&world).await;
        is_not_served_from_memory(&ann).await;
        // Clerk goes on, and repeats what is not taken.
        let change = json!({"first_name": format!("Round {round}")});
        let by = Caller::default();
        world
            .clerk()
            .update_user(ann.user_id(), change, &by)
            .unwrap();
        let newcomers: Vec<_> = (0..5)
            .map(|number| world.newcomer(&format!("new{round}_{number}")))
            .collect();
        eventually("a refused webhook", async || {
            let deliveries = world.clerk().deliveries();
            deliveries
                .iter()
                .any(|it| {
                    it.attempts
                        .last()
                        .is_some_and(|last| last.status == Some(503))
                })
                .then_some(())
        })
        .await;

        proxy.restore();
        is_ready_again(&world).await;
        world.settled().await;
        let after = ann.get(ME).await.expect_json(200);
        assert_eq!(after["first_name"], format!("Round {round}"));
        assert_eq!(after["id"], before["id"]);
        for newcomer in newcomers {
            newcomer.get(ME).await.expect(200);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_hangs_is_away_too() {
    let (world, proxy) = behind_a_proxy().await;
    let ann = world.caller("ann").await;
    proxy.silence();
    everything_says_so(&world).await;
    is_not_served_from_memory(&ann).await;
    // What was on its way is lost, and connections of before stay silent for good.
    proxy.restore();
    is_ready_again(&world).await;
    ann.get(ME).await.expect(200);
    world.caller("bob").await.get(ME).await.expect(200);
}
