//! `backfill` and `replay`, as processes beside the running service.

use chrono::{TimeDelta, Utc};
use domain::Outcome;
use e2e::{TestDatabase, World, at_clerk, eventually, mirrored, sample, settings};
use emulator::{Caller, Chaos, Seed};
use serde_json::json;

use crate::program::{Running, run};

e2e::on_both! {
    a_killed_backfill_goes_on_where_it_was,
    quarantined_deliveries_wait_until_they_may_be_applied,
    deliveries_are_replayed_by_time_and_kind,
}

async fn a_killed_backfill_goes_on_where_it_was(database: TestDatabase) {
    let world = World::start(database).await;
    let clerk = world.clerk();
    let seed = Seed {
        users: 1200,
        organizations: 5,
        ..Seed::default()
    };
    let seeded = clerk.seed(seed, true, &Caller::default()).unwrap();
    let slow = Chaos {
        slow_ms: 300,
        ..Chaos::default()
    };
    clerk.set_chaos(slow).unwrap();
    let (folder, settings) = (
        tempfile::tempdir().unwrap(),
        settings(world.database().url(), clerk, &[]),
    );
    let checkpoint = async || {
        let kept = world
            .store()
            .housekeeping
            .checkpoint("backfill:users")
            .await;
        kept.unwrap()
    };
    let backfill = Running::start(folder.path(), &["backfill"], &settings);
    eventually("a checkpoint", checkpoint).await;
    let silent = Chaos {
        hang: 1.0,
        ..Chaos::default()
    };
    clerk.set_chaos(silent).unwrap();
    backfill.kill().await;
    assert!(checkpoint().await.is_some());
    clerk.set_chaos(Chaos::default()).unwrap();
    // Webhooks come meanwhile.
    let grace = json!({"first_name": "Grace"});
    clerk
        .update_user(&seeded.user_ids[0], grace, &Caller::default())
        .unwrap();

    let again = async || run(folder.path(), &["backfill"], &settings).await.printed();
    let printed = again().await;
    let users = printed
        .lines()
        .find_map(|line| line.strip_prefix("users: "));
    let read: u32 = users.unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!((1..1200).contains(&read), "{printed}");
    assert!(checkpoint().await.is_none());
    world.settled().await;
    assert_eq!(mirrored(world.store()).await, at_clerk(clerk));
    assert_eq!(at_clerk(clerk).sizes(), [1200, 5, 1200]);

    let printed = again().await;
    let nothing_new = "users: 1200 read, 0 changed\norganizations: 5 read, 0 changed\nmemberships: 1200 read, 0 changed\n";
    assert_eq!(printed, nothing_new);
}

async fn quarantined_deliveries_wait_until_they_may_be_applied(database: TestDatabase) {
    let ours = ("CLERK_INSTANCE_ID", "ins_ours");
    let world = World::with(database, &[ours]).await;
    // About users of their own, so that neither is older than the other.
    let message = |instance: &str, user: &str| {
        let event = sample("user.created").set("instance_id", instance);
        world.signed(event.set("data.id", user))
    };
    let known = message("ins_ours", "user_known");
    let foreign = message("ins_theirs", "user_foreign");
    let (known_id, foreign_id) = (known.id().to_owned(), foreign.id().to_owned());
    world.send(known).await.expect(204);
    world.send(foreign).await.expect(204);
    let outcome = async |id: &str| world.delivery(id).await.unwrap().outcome;
    assert_eq!(outcome(&foreign_id).await, Outcome::Quarantined);

    let folder = tempfile::tempdir().unwrap();
    let replay = async |instance, arguments: &[&str]| {
        let own = [("CLERK_INSTANCE_ID", instance)];
        let settings = settings(world.database().url(), world.clerk(), &own);
        let arguments = [&["replay"], arguments].concat();
        run(folder.path(), &arguments, &settings).await
    };
    assert_eq!(
        replay("ins_ours", &["--quarantined"]).await.printed(),
        "1 quarantined\n"
    );
    assert_eq!(outcome(&foreign_id).await, Outcome::Quarantined);
    assert_eq!(
        replay("ins_ours", &["--id", &known_id]).await.printed(),
        "1 applied\n"
    );
    assert_eq!(
        replay("ins_theirs", &["--id", &foreign_id]).await.printed(),
        "1 applied\n"
    );
    assert_eq!(outcome(&foreign_id).await, Outcome::Applied);
    let none = replay("ins_ours", &["--quarantined"]).await.printed();
    assert_eq!(none, "no stored delivery fits\n");
    assert!(
        replay("ins_ours", &[])
            .await
            .complained()
            .contains("--quarantined")
    );
}

async fn deliveries_are_replayed_by_time_and_kind(database: TestDatabase) {
    let world = World::start(database).await;
    for user in ["user_1", "user_2"] {
        let event = sample("user.created").set("data.id", user);
        world.deliver(event).await.expect(204);
    }
    world
        .deliver(sample("organization.created"))
        .await
        .expect(204);
    let gone = sample("user.deleted").set("data.id", "user_3");
    world.deliver(gone).await.expect(204);
    let (folder, settings) = (
        tempfile::tempdir().unwrap(),
        settings(world.database().url(), world.clerk(), &[]),
    );
    let replay = async |arguments: &[&str]| {
        let arguments = [&["replay"], arguments].concat();
        run(folder.path(), &arguments, &settings).await
    };
    let printed = async |arguments: &[&str]| replay(arguments).await.printed();
    assert_eq!(printed(&["--kind", "organization"]).await, "1 applied\n");
    // A deletion that is in force is no stale one.
    assert_eq!(printed(&["--kind", "user"]).await, "3 applied\n");
    let (before, after) = (
        Utc::now() - TimeDelta::hours(1),
        Utc::now() + TimeDelta::hours(1),
    );
    assert_eq!(
        printed(&["--since", &before.to_rfc3339()]).await,
        "4 applied\n"
    );
    let later = printed(&["--since", &after.to_rfc3339(), "--kind", "user"]).await;
    assert_eq!(later, "no stored delivery fits\n");
    let unknown = replay(&["--kind", "unicorn"]).await.complained();
    assert!(unknown.contains("membership"), "{unknown}");
    assert!(
        world
            .known("user_3", "sess_none")
            .await
            .unwrap()
            .user
            .deleted_at
            .is_some()
    );
}
