//! Each class of drift: counted, put right, and gone the second time.

use domain::{Listing, Mirrored, Write};
use serde_json::json;

use crate::fake_store::{deleted_at, thin};
use crate::objects::{as_event, id, name_of, now, object, profile, user};
use crate::world::World;

/// missing, extra, stale, differs
type Counts = (u64, u64, u64, u64);

fn check(world: &World, listing: Listing, expected: Counts) {
    let sum = expected.0 + expected.1 + expected.2 + expected.3;
    let before = world.store.write_calls();
    let counted = world.count();
    assert_eq!(world.store.write_calls(), before, "a count writes nothing");
    let repaired = world.repair();
    for report in [&counted, &repaired] {
        let kind = &report.kinds[&listing];
        let found = (kind.missing, kind.extra, kind.stale, kind.differs);
        assert_eq!(found, expected, "{report:?}");
    }
    assert_eq!((counted.drift, counted.repaired), (sum, 0));
    assert_eq!((repaired.drift, repaired.repaired), (0, sum));
    world.assert_in_step();
}

fn user_id(number: u32) -> domain::ClerkId {
    id(&name_of(Listing::Users, number))
}

#[test]
fn no_drift_writes_nothing() {
    let world = World::in_step(3, 10);
    world.assert_in_step();
    assert_eq!(world.store.write_calls(), 0);
    assert_eq!(world.clerk.finds(), 0);
}

#[test]
fn an_object_without_a_row_is_missing() {
    for &listing in Listing::ALL {
        let world = World::in_step(3, 10);
        for number in 10..14 {
            world.clerk.put(listing, object(listing, number, 1));
        }
        check(&world, listing, (4, 0, 0, 0));
    }
}

#[test]
fn a_row_of_an_older_version_is_stale() {
    for &listing in Listing::ALL {
        let world = World::in_step(3, 10);
        for number in [0, 4, 9] {
            world.clerk.put(listing, object(listing, number, 2));
        }
        check(&world, listing, (0, 0, 3, 0));
    }
}

#[test]
fn a_row_that_clerk_does_not_list_is_extra() {
    for &listing in Listing::ALL {
        let world = World::in_step(3, 10);
        for number in [0, 5] {
            world.clerk.remove(listing, &id(&name_of(listing, number)));
        }
        check(&world, listing, (0, 2, 0, 0));
        assert!(world.store.all(listing)[5].is_deleted());
    }
}

#[test]
fn a_row_changed_by_hand_differs() {
    let world = World::in_step(3, 10);
    world.store.tamper(Listing::Users, &user_id(3), |row| {
        let Mirrored::User(user, _) = row else {
            panic!()
        };
        user.first_name = Some("Somebody".to_owned());
    });
    let report = world.count();
    let fields = &report.kinds[&Listing::Users].fields;
    assert_eq!(json!(fields), json!({"first_name": 1}));
    check(&world, Listing::Users, (0, 0, 0, 1));
}

#[test]
fn forgotten_persons_are_no_drift_and_stay_forgotten() {
    let world = World::in_step(3, 10);
    for &listing in Listing::ALL {
        for number in [0, 5] {
            let id = id(&name_of(listing, number));
            let forget = |row: &mut Mirrored| *row = Mirrored::Forgotten(row.clerk_id().clone());
            world.store.tamper(listing, &id, forget);
        }
        // At Clerk one has changed since, and one is gone.
        world.clerk.put(listing, object(listing, 0, 9));
        world.clerk.remove(listing, &id(&name_of(listing, 5)));
    }
    world.assert_in_step();
    for &listing in Listing::ALL {
        let rows = world.store.all(listing);
        let is_forgotten = |row: &&Mirrored| matches!(row, Mirrored::Forgotten(_));
        assert_eq!(rows.iter().filter(is_forgotten).count(), 2, "{listing:?}");
    }
}

#[test]
fn a_row_ahead_of_clerk_differs() {
    let world = World::in_step(3, 10);
    world.store.hear(&as_event(object(Listing::Users, 3, 9)));
    check(&world, Listing::Users, (0, 0, 0, 1));
}

#[test]
fn deleted_here_and_alive_at_clerk_differs() {
    for &listing in Listing::ALL {
        let world = World::in_step(3, 10);
        let gone = id(&name_of(listing, 3));
        world
            .store
            .tamper(listing, &gone, |row| *deleted_at(row) = Some(now()));
        let fields = &world.count().kinds[&listing].fields;
        assert_eq!(json!(fields), json!({"deleted_at": 1}));
        check(&world, listing, (0, 0, 0, 1));
    }
}

#[test]
fn deleted_here_and_changed_at_clerk_differs_too() {
    let world = World::in_step(3, 10);
    let gone = |row: &mut Mirrored| *deleted_at(row) = Some(now());
    world.store.tamper(Listing::Users, &user_id(3), gone);
    world
        .clerk
        .put(Listing::Users, object(Listing::Users, 3, 2));
    check(&world, Listing::Users, (0, 0, 0, 1));
}

#[test]
fn an_object_that_is_listed_twice_counts_once() {
    let world = World::in_step(3, 10);
    world.clerk.repeat_itself();
    world
        .clerk
        .put(Listing::Users, object(Listing::Users, 2, 2));
    world
        .clerk
        .put(Listing::Users, object(Listing::Users, 10, 2));
    check(&world, Listing::Users, (1, 0, 1, 0));
}

#[test]
fn a_row_from_a_token_alone_is_stale() {
    let world = World::in_step(3, 10);
    let new = object(Listing::Users, 10, 1);
    world.clerk.put(Listing::Users, new.clone());
    thin(&world.store, &new);
    check(&world, Listing::Users, (0, 0, 1, 0));
}

#[test]
fn a_row_from_the_token_of_a_user_who_is_gone_is_extra() {
    let world = World::in_step(3, 10);
    thin(&world.store, &object(Listing::Users, 10, 1));
    check(&world, Listing::Users, (0, 1, 0, 0));
}

#[test]
fn a_version_that_somebody_turned_back_does_not_keep_the_row_from_repair() {
    let world = World::in_step(3, 10);
    world.store.tamper(Listing::Users, &user_id(3), |row| {
        let Mirrored::User(user, _) = row else {
            panic!()
        };
        user.version = 1;
        user.locked = true;
    });
    check(&world, Listing::Users, (0, 0, 1, 0));
}

#[test]
fn the_same_content_at_another_version_is_no_drift() {
    let world = World::in_step(3, 10);
    world.store.tamper(Listing::Users, &user_id(3), |row| {
        let Mirrored::User(user, _) = row else {
            panic!()
        };
        user.version = 1;
    });
    world.store.tamper(Listing::Users, &user_id(4), |row| {
        let Mirrored::User(user, _) = row else {
            panic!()
        };
        user.version += 1;
    });
    world.assert_in_step();
}

#[test]
fn another_primary_address_is_drift_and_another_order_is_none() {
    let world = World::in_step(3, 10);
    let name = name_of(Listing::Users, 3);
    let mut turned = profile(&name, 1);
    turned.emails.reverse();
    world.clerk.put(Listing::Users, user(turned.clone()));
    world.assert_in_step();
    for email in &mut turned.emails {
        email.primary = !email.primary;
    }
    world.clerk.put(Listing::Users, user(turned));
    let fields = &world.count().kinds[&Listing::Users].fields;
    assert_eq!(json!(fields), json!({"email": 1, "emails": 1}));
    check(&world, Listing::Users, (0, 0, 0, 1));
}

#[test]
fn an_empty_mirror_is_filled_without_a_question_for_each() {
    let world = World::new(5);
    for number in 0..50 {
        world
            .clerk
            .put(Listing::Users, object(Listing::Users, number, 1));
    }
    check(&world, Listing::Users, (50, 0, 0, 0));
    assert_eq!(world.clerk.finds(), 0);
}

#[test]
fn the_report_is_the_interface() {
    let world = World::in_step(3, 10);
    world
        .clerk
        .put(Listing::Users, object(Listing::Users, 10, 1));
    world
        .clerk
        .remove(Listing::Organizations, &id("org_000002"));
    let nothing = json!({"missing": 0, "extra": 0, "stale": 0, "differs": 0, "fields": {}});
    let mut missing = nothing.clone();
    missing["missing"] = json!(1);
    let mut extra = nothing.clone();
    extra["extra"] = json!(1);
    let report = json!(world.count());
    assert_eq!(report["drift"], 2);
    assert_eq!(report["repaired"], 0);
    assert_eq!(report["brake"], json!(null));
    let kinds = json!({"users": missing, "organizations": extra, "memberships": nothing});
    assert_eq!(report["kinds"], kinds);
}

#[test]
fn what_the_store_refuses_is_left_and_holds_up_nothing() {
    for refused in [user_id(3), user_id(5), user_id(7), user_id(11)] {
        let world = World::in_step(3, 10);
        for number in 10..13 {
            world
                .clerk
                .put(Listing::Users, object(Listing::Users, number, 1));
        }
        world.clerk.remove(Listing::Users, &user_id(5));
        world
            .clerk
            .put(Listing::Users, object(Listing::Users, 7, 2));
        let gone = |row: &mut Mirrored| *deleted_at(row) = Some(now());
        world.store.tamper(Listing::Users, &user_id(3), gone);
        world.store.refuse(refused);
        let report = world.repair();
        assert_eq!((report.drift, report.repaired), (1, 5), "{report:?}");
        assert!(!report.stopped());
    }
}

#[test]
fn only_the_listings_that_were_asked_for() {
    let world = World::in_step(3, 10);
    world
        .clerk
        .put(Listing::Users, object(Listing::Users, 10, 1));
    let report = world.reconcile(&domain::ReconcileOptions {
        listings: vec![Listing::Memberships],
        ..Default::default()
    });
    assert_eq!(report.drift, 0);
    assert_eq!(
        report.kinds.keys().collect::<Vec<_>>(),
        [&Listing::Memberships]
    );
}

#[test]
fn clerk_moved_when_its_newest_object_did() {
    let world = World::in_step(3, 10);
    world.change(
        Listing::Organizations,
        object(Listing::Organizations, 3, 77),
    );
    let newest = Some(crate::objects::time_of(77));
    assert_eq!(world.count().clerk_moved_at, newest);
    // A poisoned time is nobody's move.
    let Write::Organization(mut write) = object(Listing::Organizations, 4, 1) else {
        panic!()
    };
    write.profile.updated_at = now() + chrono::TimeDelta::days(400);
    world
        .clerk
        .put(Listing::Organizations, Write::Organization(write));
    assert_eq!(world.count().clerk_moved_at, newest);
}
