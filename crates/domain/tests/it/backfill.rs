use domain::{DirectoryError, Listing, SyncError};
use proptest::prelude::*;

use crate::objects::{as_event, id, name_of, object};
use crate::world::World;

fn filled(page_size: usize, count: u32) -> World {
    let world = World::new(page_size);
    for &listing in Listing::ALL {
        for number in 0..count {
            world.clerk.put(listing, object(listing, number, 1));
        }
    }
    world
}

#[test]
fn everything_that_clerk_lists_becomes_rows() {
    let world = filled(3, 7);
    let report = world.backfill().unwrap();
    for &listing in Listing::ALL {
        let read = report.listings[&listing];
        assert_eq!(
            (read.read, read.changed, read.pages, read.resumed),
            (7, 7, 3, false)
        );
        assert_eq!(world.store.all(listing).len(), 7);
    }
    assert!(world.store.checkpoints().is_empty());
    world.assert_in_step();
}

#[test]
fn an_empty_instance_is_one_empty_page_each() {
    let world = World::new(3);
    let report = world.backfill().unwrap();
    assert_eq!(report.listings[&Listing::Users].pages, 1);
    assert_eq!(world.store.rows_changed(), 0);
}

#[test]
fn a_second_run_changes_nothing() {
    let world = filled(3, 7);
    world.backfill().unwrap();
    let report = world.backfill().unwrap();
    for read in report.listings.values() {
        assert_eq!((read.read, read.changed), (7, 0));
    }
}

#[test]
fn what_webhooks_tell_meanwhile_wins() {
    let world = filled(3, 7);
    let there = world.clone();
    world.clerk.after_page(move || {
        there.change(Listing::Users, object(Listing::Users, 1, 5));
        there.delete_after_creation(2);
    });
    world.backfill().unwrap();
    world.assert_in_step();
    let gone = world.store.row(Listing::Users, &id("user_000002")).unwrap();
    assert!(gone.is_deleted());
}

impl World {
    fn delete_after_creation(&self, number: u32) {
        self.store
            .hear(&as_event(object(Listing::Users, number, 1)));
        self.delete(Listing::Users, &id(&name_of(Listing::Users, number)));
    }
}

#[test]
fn progress_goes_on_where_it_was() {
    let world = filled(3, 7);
    world.clerk.fail_from(Some((Listing::Users, 2)));
    assert!(matches!(
        world.backfill(),
        Err(SyncError::Directory {
            listing: Listing::Users,
            ..
        })
    ));
    assert_eq!(world.store.checkpoints()["backfill:users"], "6 user_000005");
    world.clerk.fail_from(None);
    let progress = world.backfill_progress();
    let told: Vec<_> = progress
        .iter()
        .map(|p| (p.done, p.total, p.pages))
        .collect();
    assert_eq!(told, [(7, Some(7), 1)]);
}

#[test]
fn a_run_says_that_it_was_resumed() {
    let world = filled(3, 7);
    world.clerk.fail_from(Some((Listing::Organizations, 1)));
    world.backfill().unwrap_err();
    world.clerk.fail_from(None);
    let report = world.backfill().unwrap();
    assert!(!report.listings[&Listing::Users].resumed);
    let organizations = report.listings[&Listing::Organizations];
    assert_eq!((organizations.read, organizations.resumed), (4, true));
}

#[test]
fn a_checkpoint_whose_user_is_gone_means_the_beginning() {
    let world = filled(3, 7);
    world.store.set_checkpoint("backfill:users", "3 user_gone");
    let report = world.backfill().unwrap();
    let users = report.listings[&Listing::Users];
    assert_eq!((users.read, users.changed, users.resumed), (7, 7, false));
}

#[test]
fn a_cursor_whose_user_is_deleted_meanwhile_costs_one_page() {
    let world = filled(3, 9);
    let there = world.clone();
    world.clerk.after_page(|| {});
    world
        .clerk
        .after_page(move || there.clerk.remove(Listing::Users, &id("user_000005")));
    let report = world.backfill().unwrap();
    // Three and three, then again four to eight without five.
    let users = report.listings[&Listing::Users];
    assert_eq!((users.read, users.pages), (11, 4));
    assert_eq!(world.store.all(Listing::Users).len(), 9);
}

#[test]
fn what_clerk_refuses_for_good_is_an_error() {
    let world = filled(3, 9);
    world.clerk.refuse_after("user_000005");
    assert!(matches!(
        world.backfill(),
        Err(SyncError::Directory {
            source: DirectoryError::Refused(_),
            ..
        })
    ));
    assert_eq!(world.store.all(Listing::Users).len(), 6);
}

#[test]
fn a_listing_that_leads_in_circles_is_an_error() {
    let world = filled(3, 7);
    world.clerk.run_in_circles();
    assert!(world.backfill().is_err());
}

#[test]
fn what_cannot_be_mapped_or_kept_is_counted_and_holds_up_nothing() {
    let world = filled(3, 7);
    for number in 0..25 {
        world
            .clerk
            .cannot_map(Listing::Users, Some(&format!("user_odd{number}")));
    }
    world.store.refuse(id("user_000004"));
    let report = world.backfill().unwrap();
    assert_eq!(report.unmappable.count, 26);
    assert_eq!(report.unmappable.first.len(), 20);
    let first = &report.unmappable.first[0];
    assert_eq!(
        (first.id.as_deref(), first.reason.as_str()),
        (Some("user_odd0"), "odd")
    );
    assert_eq!(world.store.all(Listing::Users).len(), 6);
    assert_eq!(report.listings[&Listing::Users].read, 32);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Killed before or after any answer of Clerk's or the store's, again and again, the rows end as without.
    #[test]
    fn killed_anywhere_it_ends_in_the_same_rows(
        page_size in 1_usize..9,
        count in 0_u32..20,
        kills in prop::collection::vec(2_i64..40, 0..8),
    ) {
        let untouched = filled(page_size, count);
        untouched.backfill().unwrap();
        let world = filled(page_size, count);
        for steps in kills {
            world.fuse.set(steps);
            if let Some(finished) = world.backfill_until_killed() {
                finished.unwrap();
            }
        }
        world.fuse.set(0);
        world.backfill().unwrap();
        for &listing in Listing::ALL {
            prop_assert_eq!(world.store.all(listing), untouched.store.all(listing));
        }
        prop_assert!(world.store.checkpoints().is_empty());
    }
}

/// Every single step of one run, none left to chance; and nothing that was committed is read again but one page.
#[test]
fn killed_at_every_step_it_resumes_there() {
    let steps_in_all = 200;
    let mut kills = 0;
    for steps in 2..steps_in_all {
        let world = filled(2, 7);
        world.fuse.set(steps);
        if world.backfill_until_killed().is_some() {
            break;
        }
        kills += 1;
        world.fuse.set(0);
        let checkpoints = world.store.checkpoints();
        let report = world.backfill().unwrap();
        for (name, word) in checkpoints {
            let listing = Listing::parse(name.strip_prefix("backfill:").unwrap()).unwrap();
            let done: u64 = word.split(' ').next().unwrap().parse().unwrap();
            let read = report.listings[&listing];
            assert!(read.resumed);
            assert_eq!(read.read, 7 - done);
        }
        world.assert_in_step();
    }
    // Three listings of four pages, each with several steps.
    assert!(kills > 3 * 4 * 4, "{kills}");
    assert!(kills < steps_in_all - 2, "the last run was to finish");
}
