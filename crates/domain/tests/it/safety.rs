//! Absence means deletion only where nothing speaks against it.

use domain::{Listing, MaxAbsent, Mirrored, ReconcileOptions};
use serde_json::json;

use crate::objects::{as_event, id, name_of, now, object};
use crate::world::World;

fn live(world: &World, listing: Listing) -> usize {
    let rows = world.store.all(listing).into_iter();
    rows.filter(|row| !row.is_deleted()).count()
}

fn remove(world: &World, listing: Listing, numbers: std::ops::Range<u32>) {
    for number in numbers {
        world.clerk.remove(listing, &id(&name_of(listing, number)));
    }
}

#[test]
fn up_to_the_limit_rows_are_deleted() {
    let world = World::in_step(7, 100);
    remove(&world, Listing::Users, 20..30);
    let report = world.repair();
    assert_eq!((report.drift, report.repaired), (0, 10));
    assert_eq!(live(&world, Listing::Users), 90);
}

#[test]
fn beyond_the_limit_none_is() {
    let world = World::in_step(7, 100);
    remove(&world, Listing::Users, 20..31);
    remove(&world, Listing::Organizations, 0..1);
    world
        .clerk
        .put(Listing::Users, object(Listing::Users, 0, 3));
    let report = world.repair();
    let brake = json!({"users": {"absent": 11, "live": 100, "limit": 10}});
    assert_eq!(json!(report.brake), brake);
    assert!(report.stopped());
    assert_eq!(live(&world, Listing::Users), 100);
    // Everything else goes on.
    assert_eq!(report.kinds[&Listing::Users].extra, 11);
    assert_eq!((report.drift, report.repaired), (11, 2), "{report:?}");
    assert_eq!(live(&world, Listing::Organizations), 99);
    // Nobody was asked about users: 11 questions for nothing.
    assert_eq!(world.clerk.finds(), 1);
}

#[test]
fn a_count_shows_the_brake_and_was_not_stopped_by_it() {
    let world = World::in_step(7, 100);
    remove(&world, Listing::Users, 20..31);
    let report = world.count();
    assert_eq!(report.drift, 11);
    assert!(report.brake.is_some());
    assert!(!report.stopped());
}

#[test]
fn whoever_knows_better_may_release_the_brake() {
    let world = World::in_step(7, 100);
    remove(&world, Listing::Users, 0..100);
    let report = world.reconcile(&ReconcileOptions {
        repair: true,
        max_absent: MaxAbsent {
            percent: 100,
            at_least: 0,
        },
        ..ReconcileOptions::default()
    });
    assert_eq!((report.drift, report.repaired), (0, 100));
    assert_eq!(live(&world, Listing::Users), 0);
}

#[test]
fn an_instance_that_suddenly_lists_nothing_deletes_nothing() {
    let world = World::in_step(7, 100);
    for &listing in Listing::ALL {
        world.clerk.clear(listing);
    }
    let report = world.repair();
    assert!(report.stopped());
    assert_eq!(report.brake.map(|brake| brake.len()), Some(3));
    assert_eq!(world.store.write_calls(), 0);
}

#[test]
fn rows_made_since_the_sweep_began_do_not_pull_the_brake() {
    let world = World::in_step(200, 100);
    let there = world.clone();
    world.clerk.after_page(move || {
        for number in 100..150 {
            there.change(Listing::Users, object(Listing::Users, number, 2));
            let new = id(&name_of(Listing::Users, number));
            there.store.tamper(Listing::Users, &new, |row| {
                let Mirrored::User(user, _) = row else {
                    panic!()
                };
                user.created_at = now() + chrono::TimeDelta::seconds(1);
            });
        }
    });
    let report = world.count();
    assert_eq!(report.brake, None, "{report:?}");
    assert_eq!(report.kinds[&Listing::Users].extra, 0);
}

#[test]
fn no_more_go_than_the_brake_allows_whatever_their_age() {
    let world = World::in_step(200, 100);
    remove(&world, Listing::Users, 20..50);
    for number in 20..50 {
        let young = id(&name_of(Listing::Users, number));
        world.store.tamper(Listing::Users, &young, |row| {
            let Mirrored::User(user, _) = row else {
                panic!()
            };
            user.created_at = now() + chrono::TimeDelta::days(1);
        });
    }
    let report = world.repair();
    assert!(report.stopped());
    assert_eq!(report.repaired, 10);
    assert_eq!(live(&world, Listing::Users), 90);
}

#[test]
fn rows_gone_since_their_page_stand_behind_the_brake_too() {
    let world = World::in_step(7, 100);
    for number in 0..7 {
        world
            .store
            .hear(&as_event(object(Listing::Users, number, 5)));
    }
    remove(&world, Listing::Users, 90..98);
    let there = world.clone();
    world
        .clerk
        .after_page(move || remove(&there, Listing::Users, 0..6));
    let report = world.repair();
    assert_eq!(report.kinds[&Listing::Users].extra, 14, "{report:?}");
    assert!(report.stopped());
    assert_eq!(live(&world, Listing::Users), 100);
}

#[test]
fn after_a_failed_page_no_absence_is_judged() {
    for (failing, page) in [
        (Listing::Users, 0),
        (Listing::Users, 2),
        (Listing::Organizations, 1),
    ] {
        let world = World::in_step(7, 20);
        for &listing in Listing::ALL {
            remove(&world, listing, 4..5);
            world.clerk.put(listing, object(listing, 1, 3));
        }
        world.clerk.fail_from(Some((failing, page)));
        let report = world.repair();
        assert!(report.stopped());
        assert_eq!(report.failures.len(), 1);
        assert_eq!(report.failures[0].listing, failing);
        assert!(report.failures[0].reason.contains("503"), "{report:?}");
        for &listing in Listing::ALL {
            let kind = &report.kinds[&listing];
            let is_before = listing < failing;
            assert_eq!(kind.extra, u64::from(is_before), "{listing:?} {report:?}");
            assert_eq!(live(&world, listing), if is_before { 19 } else { 20 });
            // What was seen before the failure, and in other listings, is mended all the same.
            let was_read = listing != failing || page > 0;
            assert_eq!(kind.stale, u64::from(was_read), "{listing:?} {report:?}");
        }
        // Once Clerk is back, nothing is left that the next sweep would not mend.
        world.clerk.fail_from(None);
        assert_eq!(world.repair().drift, 0);
        world.assert_in_step();
    }
}

#[test]
fn where_clerk_cannot_be_asked_nothing_is_deleted() {
    let world = World::in_step(7, 20);
    remove(&world, Listing::Users, 4..5);
    world.clerk.fail_finds();
    let report = world.repair();
    assert!(report.stopped());
    assert_eq!(live(&world, Listing::Users), 20);
}

#[test]
fn what_clerk_has_and_we_cannot_read_is_not_absent() {
    let world = World::in_step(7, 20);
    // Listed as something odd, and then not listed at all.
    remove(&world, Listing::Users, 4..6);
    world.clerk.cannot_map(Listing::Users, Some("user_000004"));
    world.clerk.cannot_map(Listing::Users, None);
    world.clerk.garble_finds();
    let report = world.repair();
    assert!(!report.stopped(), "{report:?}");
    assert_eq!(report.unmappable.count, 3);
    assert_eq!(report.drift, 0);
    assert_eq!(live(&world, Listing::Users), 20);
}

#[test]
fn a_listing_that_leads_in_circles_is_a_failed_page() {
    let world = World::in_step(7, 20);
    world.clerk.run_in_circles();
    let report = world.repair();
    assert_eq!(report.failures.len(), 3);
    assert_eq!(world.store.write_calls(), 0);
}

#[test]
fn a_wide_mirror_is_walked_whole() {
    // More rows than are read at one time.
    let world = World::new(400);
    for number in 0..1_203 {
        world.change(Listing::Users, object(Listing::Users, number, 1));
    }
    remove(&world, Listing::Users, 0..1);
    remove(&world, Listing::Users, 499..501);
    remove(&world, Listing::Users, 1_202..1_203);
    let report = world.repair();
    assert_eq!((report.drift, report.repaired), (0, 4));
    world.assert_in_step();
}
