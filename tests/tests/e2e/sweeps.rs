//! `reconcile` from outside: the brake, sweeps of what has changed, an instance without organizations.

use e2e::{TestDatabase, World, at_clerk, mirrored, settings};
use emulator::{Caller, Chaos};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{Finished, run};

e2e::on_both! {
    the_brake_holds_until_it_is_told_otherwise,
    a_sweep_of_what_has_changed_repairs_and_deletes_nothing,
    an_instance_without_organizations_is_swept,
}

/// A service whose rows are Clerk's, and which hears nothing from now on.
async fn deaf(database: TestDatabase, users: usize) -> (World, Vec<String>, TempDir) {
    let world = World::start(database).await;
    let users = world.clerk().seed_users(users, false, &Caller::default());
    world.settled().await;
    let deaf = Chaos {
        drop: 1.0,
        ..Chaos::default()
    };
    world.clerk().set_chaos(deaf).unwrap();
    (world, users, tempfile::tempdir().unwrap())
}

async fn reconcile(
    world: &World,
    folder: &TempDir,
    own: &[(&str, &str)],
    arguments: &[&str],
) -> Finished {
    let settings = settings(world.database().url(), world.clerk(), own);
    let arguments = [&["reconcile"], arguments].concat();
    run(folder.path(), &arguments, &settings).await
}

async fn the_brake_holds_until_it_is_told_otherwise(database: TestDatabase) {
    let (world, users, folder) = deaf(database, 30).await;
    for user in &users[..12] {
        world.clerk().delete_user(user, &Caller::default()).unwrap();
    }
    let grace = json!({"first_name": "Grace"});
    let changed = world
        .clerk()
        .update_user(&users[20], grace, &Caller::default());
    changed.unwrap();
    let before = mirrored(world.store()).await;
    let swept = reconcile(&world, &folder, &[], &["--repair"]).await;
    assert_eq!(swept.code, Some(5), "{swept:?}");
    let brake =
        "brake: 12 of 30 users are not at Clerk, more than the 10 that one sweep may delete";
    assert!(swept.out.contains(brake), "{swept:?}");
    // Everything else is put right, and nobody is gone.
    let after = mirrored(world.store()).await;
    assert_eq!(after.sizes(), before.sizes());
    assert_ne!(after, before);
    // It is the report's business alone, not the process's: counting does no harm.
    let counted = reconcile(&world, &folder, &[], &[]).await;
    assert_eq!(counted.code, Some(3), "{counted:?}");
    let all = [("RECONCILE_MAX_ABSENT", "100")];
    let swept = reconcile(&world, &folder, &all, &["--repair"]).await;
    assert_eq!(swept.code, Some(0), "{swept:?}");
    assert_eq!(mirrored(world.store()).await, at_clerk(world.clerk()));
}

async fn a_sweep_of_what_has_changed_repairs_and_deletes_nothing(database: TestDatabase) {
    let (world, users, folder) = deaf(database, 20).await;
    let (clerk, by) = (world.clerk(), Caller::default());
    let grace = json!({"first_name": "Grace"});
    clerk.update_user(&users[3], grace, &by).unwrap();
    clerk.seed_users(2, false, &by);
    clerk.delete_user(&users[4], &by).unwrap();
    let since = chrono::Utc::now() + chrono::TimeDelta::hours(1);
    let later = reconcile(
        &world,
        &folder,
        &[],
        &["--json", "--since", &since.to_rfc3339()],
    )
    .await;
    assert_eq!(later.code, Some(3), "its first page is looked at anyway");
    let swept = reconcile(
        &world,
        &folder,
        &[],
        &["--repair", "--json", "--since", "1h"],
    )
    .await;
    assert_eq!(swept.code, Some(0), "{swept:?}");
    let report: Value = serde_json::from_str(&swept.out).unwrap();
    let users = &report["kinds"]["users"];
    assert_eq!(
        (&users["missing"], &users["stale"], &users["extra"]),
        (&json!(2), &json!(1), &json!(0))
    );
    let whole = reconcile(&world, &folder, &[], &["--repair", "--json"]).await;
    let report: Value = serde_json::from_str(&whole.out).unwrap();
    assert_eq!(report["kinds"]["users"]["extra"], 1, "{report}");
    assert_eq!(mirrored(world.store()).await, at_clerk(world.clerk()));
    let wrong = reconcile(&world, &folder, &[], &["--since", "yesterday"]).await;
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
}

async fn an_instance_without_organizations_is_swept(database: TestDatabase) {
    let (world, users, folder) = deaf(database, 5).await;
    let engines = json!({"name": "Engines", "created_by": users[0]});
    let (clerk, by) = (world.clerk(), Caller::default());
    clerk.create_organization(engines, &by).unwrap();
    let whole = reconcile(&world, &folder, &[], &["--repair"]).await;
    assert_eq!(whole.code, Some(0), "{whole:?}");
    let before = mirrored(world.store()).await;
    assert_eq!(before.sizes(), [5, 1, 1]);
    let off = Chaos {
        organizations_off: true,
        ..Chaos::default()
    };
    clerk.set_chaos(off).unwrap();
    let swept = reconcile(&world, &folder, &[], &["--repair"]).await;
    assert_eq!(swept.code, Some(0), "{swept:?}");
    for name in ["organizations", "memberships"] {
        let line = format!("{name} are switched off at Clerk, and were left alone");
        assert!(swept.out.contains(&line), "{swept:?}");
    }
    assert_eq!(mirrored(world.store()).await, before);
    let settings = settings(world.database().url(), clerk, &[]);
    let filled = run(folder.path(), &["backfill"], &settings).await.printed();
    assert!(
        filled.contains("organizations: 0 read, 0 changed"),
        "{filled}"
    );
}
