//! What webhooks tell during a sweep is no drift.

use domain::{Listing, Mirrored};

use crate::objects::{id, name_of, object};
use crate::world::World;

fn user_id(number: u32) -> domain::ClerkId {
    id(&name_of(Listing::Users, number))
}

/// Lets something happen at Clerk, its event included, between the first page's answer and its comparison.
fn after_first_page(change: impl FnOnce(&World) + Send + 'static) -> World {
    let world = World::in_step(4, 10);
    let there = world.clone();
    world.clerk.after_page(move || change(&there));
    world
}

#[test]
fn a_row_newer_than_its_page() {
    let world = after_first_page(|world| {
        world.change(Listing::Users, object(Listing::Users, 1, 5));
    });
    world.assert_in_step();
    assert_eq!(world.clerk.finds(), 1);
}

#[test]
fn a_row_deleted_since_its_page() {
    let world = after_first_page(|world| world.delete(Listing::Users, &user_id(1)));
    world.assert_in_step();
}

#[test]
fn rows_made_and_deleted_beyond_the_page() {
    let world = after_first_page(|world| {
        world.change(Listing::Users, object(Listing::Users, 10, 5));
        world.change(Listing::Users, object(Listing::Users, 11, 5));
        world.delete(Listing::Users, &user_id(11));
        world.delete(Listing::Users, &user_id(9));
    });
    world.assert_in_step();
}

#[test]
fn a_row_made_after_the_last_page() {
    let world = World::in_step(20, 10);
    let there = world.clone();
    world.clerk.after_page(move || {
        for number in 10..19 {
            there.change(Listing::Users, object(Listing::Users, number, 5));
        }
    });
    world.assert_in_step();
}

#[test]
fn an_event_that_comes_one_page_later() {
    let world = World::in_step(4, 10);
    world
        .clerk
        .put(Listing::Users, object(Listing::Users, 1, 5));
    world
        .clerk
        .put(Listing::Users, object(Listing::Users, 10, 5));
    let there = world.clone();
    world.clerk.after_page(|| {});
    world.clerk.after_page(move || {
        there.change(Listing::Users, object(Listing::Users, 1, 5));
        there.change(Listing::Users, object(Listing::Users, 10, 5));
    });
    world.assert_in_step();
}

#[test]
fn an_event_that_comes_while_clerk_is_asked() {
    let world = World::in_step(4, 10);
    world
        .store
        .hear(&crate::objects::as_event(object(Listing::Users, 1, 5)));
    let there = world.clone();
    world.clerk.after_find(move || {
        there.change(Listing::Users, object(Listing::Users, 1, 6));
    });
    world.assert_in_step();
    assert_eq!(world.clerk.finds(), 2);
}

#[test]
fn a_row_that_never_stands_still() {
    let world = World::in_step(4, 10);
    world
        .store
        .hear(&crate::objects::as_event(object(Listing::Users, 1, 5)));
    for version in 6..20 {
        let there = world.clone();
        world.clerk.after_find(move || {
            there.change(Listing::Users, object(Listing::Users, 1, version));
        });
    }
    world.assert_in_step();
    assert_eq!(world.clerk.finds(), 3);
}

#[test]
fn an_offset_that_slips_hides_a_neighbour_and_nothing_is_lost() {
    let world = World::in_step(4, 10);
    let there = world.clone();
    // The users' pages, then the first one of the organizations.
    for _ in 0..3 {
        world.clerk.after_page(|| {});
    }
    world
        .clerk
        .after_page(move || there.delete(Listing::Organizations, &id("org_000000")));
    world.assert_in_step();
    assert_eq!(
        world.clerk.finds(),
        2,
        "the deleted one, and the one that slipped out of sight"
    );
}

#[test]
fn a_slipped_neighbour_is_compared_all_the_same() {
    let world = World::in_step(4, 10);
    for _ in 0..3 {
        world.clerk.after_page(|| {});
    }
    let there = world.clone();
    world
        .clerk
        .after_page(move || there.delete(Listing::Organizations, &id("org_000000")));
    world
        .clerk
        .put(Listing::Organizations, object(Listing::Organizations, 4, 3));
    let report = world.repair();
    assert_eq!(report.kinds[&Listing::Organizations].stale, 1, "{report:?}");
    world.assert_in_step();
}

#[test]
fn gone_since_its_page_without_an_event_is_extra_once() {
    let world = World::in_step(4, 10);
    let there = world.clone();
    world
        .store
        .hear(&crate::objects::as_event(object(Listing::Users, 1, 5)));
    world
        .clerk
        .after_page(move || there.clerk.remove(Listing::Users, &user_id(1)));
    let report = world.repair();
    let users = &report.kinds[&Listing::Users];
    assert_eq!(
        (users.extra, report.drift, report.repaired),
        (1, 0, 1),
        "{report:?}"
    );
    assert!(
        world
            .store
            .row(Listing::Users, &user_id(1))
            .unwrap()
            .is_deleted()
    );
    world.assert_in_step();
}

#[test]
fn a_repair_never_undoes_what_an_event_told_meanwhile() {
    let world = World::in_step(4, 10);
    world.store.tamper(Listing::Users, &user_id(1), |row| {
        let Mirrored::User(user, _) = row else {
            panic!()
        };
        user.locked = true;
    });
    let there = world.clone();
    world.clerk.after_find(move || {
        there.change(Listing::Users, object(Listing::Users, 1, 6));
    });
    world.assert_in_step();
}

#[test]
fn an_event_right_after_the_repair_stays() {
    let world = World::in_step(4, 10);
    world
        .clerk
        .put(Listing::Users, object(Listing::Users, 1, 5));
    let there = world.clone();
    world.store.after_adopt(move || {
        there.change(Listing::Users, object(Listing::Users, 1, 6));
    });
    let report = world.repair();
    assert_eq!(report.drift, 0, "{report:?}");
    assert_eq!(world.store.write_calls(), 1);
    world.assert_in_step();
}
