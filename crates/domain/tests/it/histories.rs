//! Random histories: whatever events were lost, one repair makes the rows equal to Clerk's.

use std::collections::BTreeSet;

use domain::{Listing, MaxAbsent, Mirrored, ReconcileOptions};
use proptest::prelude::*;

use crate::objects::{id, name_of, object};
use crate::world::World;

/// One thing that happens at Clerk.
#[derive(Debug, Clone)]
struct Happening {
    listing: Listing,
    number: u32,
    is_deletion: bool,
    /// Whether its event comes.
    is_told: bool,
}

fn happening(told: impl Strategy<Value = bool>) -> impl Strategy<Value = Happening> {
    let listing = prop::sample::select(Listing::ALL);
    (listing, 0_u32..15, prop::bool::weighted(0.2), told).prop_map(
        |(listing, number, is_deletion, is_told)| Happening {
            listing,
            number,
            is_deletion,
            is_told,
        },
    )
}

/// What may happen: ids are not given anew after a deletion, and only what was told of once can be told to be gone.
#[derive(Default)]
struct Past {
    gone: BTreeSet<(Listing, u32)>,
    version: i64,
}

impl Past {
    fn apply(&mut self, world: &World, happening: &Happening) {
        self.version += 1;
        let version = self.version;
        let Happening {
            listing,
            number,
            is_deletion,
            is_told,
        } = *happening;
        if self.gone.contains(&(listing, number)) {
            return;
        }
        let id = id(&name_of(listing, number));
        if is_deletion {
            self.gone.insert((listing, number));
            if is_told && world.store.row(listing, &id).is_some() {
                world.delete(listing, &id);
            } else {
                world.clerk.remove(listing, &id);
            }
        } else if is_told {
            world.change(listing, object(listing, number, version));
        } else {
            world.clerk.put(listing, object(listing, number, version));
        }
    }
}

fn assert_same(world: &World) {
    for &listing in Listing::ALL {
        let mut live: Vec<_> = world.store.all(listing);
        live.retain(|row| !row.is_deleted());
        let rows: Vec<_> = live.iter().map(Mirrored::clerk_id).cloned().collect();
        let mut objects: Vec<_> = world.clerk.objects(listing);
        objects.sort_by(|a, b| a.key().1.cmp(b.key().1));
        let ids: Vec<_> = objects.iter().map(|write| write.key().1.clone()).collect();
        assert_eq!(rows, ids);
        for (row, write) in live.iter().zip(&objects) {
            assert_eq!(row.version(), write.precedence().unwrap().version_millis());
        }
    }
}

fn boldly() -> ReconcileOptions {
    ReconcileOptions {
        repair: true,
        max_absent: MaxAbsent {
            percent: 100,
            at_least: 0,
        },
        listings: Vec::new(),
        since: None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn lost_events_are_healed(
        page_size in 1_usize..8,
        past in prop::collection::vec(happening(any::<bool>()), 0..80),
    ) {
        let world = World::new(page_size);
        let mut gone = Past::default();
        for happening in &past {
            gone.apply(&world, happening);
        }
        let counted = world.count();
        let report = world.reconcile(&boldly());
        prop_assert_eq!(report.drift, 0);
        if counted.brake.is_none() {
            prop_assert_eq!(report.repaired, counted.drift);
        }
        assert_same(&world);
        world.assert_in_step();
    }

    /// Everything is told, but it happens while the sweep reads.
    #[test]
    fn live_changes_are_no_drift(
        page_size in 1_usize..8,
        past in prop::collection::vec(happening(Just(true)), 0..60),
        during in prop::collection::vec(prop::collection::vec(happening(Just(true)), 0..6), 0..20),
    ) {
        let world = World::new(page_size);
        let gone = std::sync::Arc::new(std::sync::Mutex::new(Past::default()));
        for happening in &past {
            gone.lock().unwrap().apply(&world, happening);
        }
        for (round, happenings) in (1..).zip(during) {
            let (there, gone) = (world.clone(), gone.clone());
            let meanwhile = move || {
                for happening in &happenings {
                    gone.lock().unwrap().apply(&there, happening);
                }
            };
            if round % 3 == 0 {
                world.clerk.after_find(meanwhile);
            } else {
                world.clerk.after_page(meanwhile);
            }
        }
        let report = world.reconcile(&boldly());
        prop_assert_eq!((report.drift, report.repaired), (0, 0), "{:?}", report);
        prop_assert_eq!(world.store.write_calls(), 0);
    }
}
