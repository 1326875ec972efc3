//! Webhooks are lost, doubled and overtaken; the sweep finds what that left and puts it right.

use e2e::{PATIENCE, TestDatabase, World, at_clerk, eventually, mirrored, settings, within};
use emulator::{Caller, Chaos};
use serde_json::{Value, json};

use crate::dice::Dice;
use crate::program::run;

e2e::on_both! {
    a_sweep_tells_the_true_drift_and_repairs_it,
    the_service_heals_itself_when_no_event_comes,
}

/// People come, change, join, leave and go.
fn live(world: &World) {
    let (clerk, by) = (world.clerk(), Caller::default());
    let mut dice = Dice(3);
    let users = clerk.seed_users(40, false, &by);
    let organizations: Vec<String> = (0..6)
        .map(|number| {
            let params = json!({"name": format!("Guild {number}"), "created_by": users[number]});
            clerk.create_organization(params, &by).unwrap().id
        })
        .collect();
    for user in &users[6..] {
        let organization = &organizations[dice.roll(organizations.len())];
        let params = json!({"user_id": user, "role": "org:member"});
        clerk.create_membership(organization, params, &by).unwrap();
        clerk
            .update_user(user, json!({"last_name": "Changed"}), &by)
            .unwrap();
        if dice.roll(3) == 0 {
            let role = json!({"role": "org:admin"});
            clerk
                .update_membership(organization, user, role, &by)
                .unwrap();
        }
        if dice.roll(6) == 0 {
            clerk.delete_membership(organization, user, &by).unwrap();
        }
        if dice.roll(6) == 0 {
            clerk.delete_user(user, &by).unwrap();
        }
    }
    for organization in &organizations[..3] {
        let name = json!({"name": "Renamed"});
        clerk.update_organization(organization, name, &by).unwrap();
    }
    clerk.delete_organization(&organizations[5], &by).unwrap();
}

async fn feed_length(world: &World) -> usize {
    world.store().changes.after(0, 10_000).await.unwrap().len()
}

async fn a_sweep_tells_the_true_drift_and_repairs_it(database: TestDatabase) {
    let world = World::start(database).await;
    let chaos = Chaos {
        seed: 11,
        drop: 0.3,
        duplicate: 0.3,
        reorder: 0.3,
        reorder_ms: 200,
        ..Chaos::default()
    };
    world.clerk().set_chaos(chaos).unwrap();
    live(&world);
    let lost = within(PATIENCE, "all webhooks", world.clerk().undelivered()).await;
    assert!(!lost.is_empty());
    let theirs = at_clerk(world.clerk());
    let drift = mirrored(world.store()).await.differences(&theirs);
    assert!(drift > 0);

    let (folder, settings) = (
        tempfile::tempdir().unwrap(),
        settings(world.database().url(), world.clerk(), &[]),
    );
    let sweep = async |arguments: &[&str]| {
        let swept = run(folder.path(), arguments, &settings).await;
        let report: Value =
            serde_json::from_str(&swept.out).unwrap_or_else(|_| panic!("{swept:?}"));
        (swept.code, report)
    };
    let before = feed_length(&world).await;
    let (code, report) = sweep(&["reconcile", "--json"]).await;
    assert_eq!(
        (code, &report["drift"]),
        (Some(3), &json!(drift)),
        "{report}"
    );
    assert_eq!(report["repaired"], 0);
    assert_eq!(feed_length(&world).await, before);

    let (code, report) = sweep(&["reconcile", "--repair", "--json"]).await;
    assert_eq!((code, &report["drift"]), (Some(0), &json!(0)), "{report}");
    assert!(report["repaired"].as_u64().is_some_and(|rows| rows > 0));
    assert_eq!(mirrored(world.store()).await, theirs);

    let repaired = feed_length(&world).await;
    assert!(repaired > before);
    let (code, report) = sweep(&["reconcile", "--repair", "--json"]).await;
    assert_eq!(
        (code, &report["repaired"]),
        (Some(0), &json!(0)),
        "{report}"
    );
    assert_eq!(feed_length(&world).await, repaired);
}

async fn the_service_heals_itself_when_no_event_comes(database: TestDatabase) {
    let world = World::with(database, &[("RECONCILE_INTERVAL_SECONDS", "1")]).await;
    let deaf = Chaos {
        drop: 1.0,
        ..Chaos::default()
    };
    world.clerk().set_chaos(deaf).unwrap();
    live(&world);
    let theirs = at_clerk(world.clerk());
    assert!(theirs.sizes().iter().all(|size| *size > 0));
    eventually("rows like Clerk's", async || {
        (mirrored(world.store()).await == theirs).then_some(())
    })
    .await;
}
