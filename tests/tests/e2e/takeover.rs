//! The replica that does the background work dies; another goes on with it.

use std::sync::Arc;
use std::time::Duration;

use domain::{Policies, Policy};
use e2e::{TestDatabase, Visitor, World, at_clerk, eventually, mirrored, settings, within};
use emulator::Caller;
use persistence::{Store, StoreSettings};
use serde_json::Value;

use crate::program::Running;

/// The lease of the dead one has to run out, which takes 25 seconds by itself.
const LEASE: Duration = Duration::from_secs(60);

// Replicas share a PostgreSQL.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_takes_over_from_one_that_was_killed() {
    let database: TestDatabase = e2e::migrated_postgres().await;
    let clerk = World::new_clerk().await;
    let own = [("RECONCILE_INTERVAL_SECONDS", "1")];
    let settings = settings(database.url(), &clerk, &own);
    let folder = tempfile::tempdir().unwrap();
    let health = async |address| {
        let health = Visitor::of(address).get("/health").await;
        health.expect_json(200)
    };
    let has_swept = |health: Value| health["last_sweep_at"].as_str().map(str::to_owned);

    let (holder, address) = Running::serve(folder.path(), &settings).await;
    eventually("a sweep", async || has_swept(health(address).await)).await;
    let (_other, address) = Running::serve(folder.path(), &settings).await;
    // The other has made none, and knows all the same.
    eventually("the other's sweep", async || {
        has_swept(health(address).await)
    })
    .await;
    assert_eq!(health(address).await["drift"], 0);

    holder.kill().await;
    // Nobody sends webhooks: only a sweep can tell of them.
    clerk.seed_users(3, false, &Caller::default());
    let store = StoreSettings {
        pool_size: 2,
        policy: Arc::new(Policies::new(Policy::built_in())),
    };
    let store = Store::open(&database.url().parse().unwrap(), store).unwrap();
    within(LEASE, "rows like Clerk's", async {
        while mirrored(&store).await != at_clerk(&clerk) {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    })
    .await;
}
