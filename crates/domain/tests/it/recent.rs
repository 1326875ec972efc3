//! Sweeps of what has changed, and listings that there are none of.

use domain::{Listing, ReconcileOptions, ReconcileReport};

use crate::objects::{id, name_of, object, time_of};
use crate::world::World;

fn since(world: &World, version: i64) -> ReconcileReport {
    world.reconcile(&ReconcileOptions {
        repair: true,
        since: Some(time_of(version)),
        ..ReconcileOptions::default()
    })
}

#[test]
fn what_has_changed_is_found_and_put_right() {
    let world = World::in_step(3, 10);
    for number in [1, 7] {
        let changed = object(Listing::Users, number, 50);
        world.clerk.put(Listing::Users, changed);
    }
    for number in 10..15 {
        let new = object(Listing::Users, number, 60);
        world.clerk.put(Listing::Users, new);
    }
    let report = since(&world, 40);
    let users = &report.kinds[&Listing::Users];
    assert_eq!((users.missing, users.stale), (5, 2), "{report:?}");
    assert_eq!((report.drift, report.repaired), (0, 7));
    assert_eq!(report.since, Some(time_of(40)));
    assert!(!report.is_clean());
    assert!(since(&world, 40).is_clean());
    world.assert_in_step();
}

#[test]
fn the_last_change_at_clerk_is_known_whatever_it_was_about() {
    for listing in Listing::ALL.iter().copied() {
        let world = World::in_step(3, 10);
        world.clerk.put(listing, object(listing, 1, 50));
        let report = world.repair();
        assert_eq!(report.clerk_moved_at, Some(time_of(50)), "{listing:?}");
    }
}

#[test]
fn what_is_older_is_not_read() {
    let world = World::in_step(3, 30);
    let missed = object(Listing::Users, 20, 20);
    world.clerk.put(Listing::Users, missed);
    for (number, version) in [(0, 50), (1, 50), (2, 30), (3, 30)] {
        world.change(Listing::Users, object(Listing::Users, number, version));
    }
    let report = since(&world, 40);
    assert!(report.is_clean(), "{report:?}");
    assert_eq!(world.repair().kinds[&Listing::Users].stale, 1);
}

#[test]
fn absence_is_left_to_whole_sweeps() {
    let world = World::in_step(3, 10);
    world
        .clerk
        .remove(Listing::Users, &id(&name_of(Listing::Users, 4)));
    let report = since(&world, -10);
    assert!(report.is_clean(), "{report:?}");
    assert!(!world.store.all(Listing::Users)[4].is_deleted());
    assert_eq!(world.repair().kinds[&Listing::Users].extra, 1);
}

#[test]
fn a_listing_that_is_switched_off_is_no_error_and_deletes_nothing() {
    let world = World::in_step(3, 5);
    world.clerk.switch_off(Listing::Organizations);
    world
        .clerk
        .remove(Listing::Users, &id(&name_of(Listing::Users, 4)));
    let report = world.repair();
    assert!(!report.stopped(), "{report:?}");
    assert_eq!(report.switched_off[&Listing::Organizations], "off");
    assert_eq!(report.kinds[&Listing::Users].extra, 1);
    assert!(
        world
            .store
            .all(Listing::Organizations)
            .iter()
            .all(|row| !row.is_deleted())
    );
    let filled = world.backfill().unwrap();
    assert_eq!(filled.switched_off[&Listing::Organizations], "off");
}
