//! What is told of a forgotten person later is not kept, whoever tells it.

use domain::{Listing, Mirrored, MockDirectory, Page, Payload, Write};
use domain::{ReconcileOptions, reconcile};

use crate::erasure::{MARKS, all_texts, execute, person, request};
use crate::facts::{RECEIVED, at, id, membership, organization, user};
use crate::store::{TestStore, on_both_stores};

on_both_stores! {
    a_sweep_does_not_bring_a_forgotten_person_back,
    a_forgotten_persons_rows_cannot_be_corrected,
}

fn assert_nothing_of_the_person(texts: &str) {
    let texts = texts.to_lowercase();
    for mark in MARKS {
        assert!(!texts.contains(&mark.to_lowercase()), "{mark}: {texts}");
    }
}

/// What Clerk goes on listing.
fn at_clerk(listing: Listing) -> Write {
    match listing {
        Listing::Users => user("user_1")
            .named("Annika")
            .primary_email("ann@example.com")
            .updated(9)
            .write(),
        Listing::Organizations => organization("org_1").updated(5).write(),
        Listing::Memberships => membership("orgmem_1")
            .metadata("desk", "Lynx")
            .updated(9)
            .write(),
    }
}

async fn a_sweep_does_not_bring_a_forgotten_person_back(store: TestStore) {
    person(&store).await;
    request(&store).await;
    execute(&store).await;
    let before = store.everything().await;
    let mut clerk = MockDirectory::new();
    clerk.expect_count().returning(|_| Ok(1));
    clerk.expect_page().returning(|listing, _| {
        Ok(Page {
            writes: vec![at_clerk(listing)],
            ..Page::default()
        })
    });
    clerk.expect_find().returning(|row| {
        Ok(Some(at_clerk(match row.clerk_id().as_str() {
            "user_1" => Listing::Users,
            "org_1" => Listing::Organizations,
            _ => Listing::Memberships,
        })))
    });
    let options = ReconcileOptions {
        repair: true,
        ..ReconcileOptions::default()
    };
    let (mirror, rows) = (&*store.store.mirror, &*store.store.rows);
    let now = || at(RECEIVED);
    for _ in 0..2 {
        let swept = reconcile(&clerk, mirror, rows, &options, &|_| {}, &now).await;
        let swept = swept.unwrap();
        assert_eq!((swept.drift, swept.stopped()), (0, false), "{swept:?}");
    }
    assert_eq!(store.everything().await, before);
    assert_nothing_of_the_person(&all_texts(&store).await);
}

async fn a_forgotten_persons_rows_cannot_be_corrected(store: TestStore) {
    person(&store).await;
    let whole = |listing, clerk_id| store.store.rows.with_ids(listing, vec![id(clerk_id)]);
    let listed = [
        (Listing::Users, "user_1"),
        (Listing::Memberships, "orgmem_1"),
    ];
    let mut seen = Vec::new();
    for (listing, clerk_id) in listed {
        seen.push(whole(listing, clerk_id).await.unwrap().pop());
    }
    request(&store).await;
    execute(&store).await;
    let before = store.everything().await;
    for ((listing, clerk_id), seen) in listed.into_iter().zip(seen) {
        let row = whole(listing, clerk_id).await.unwrap().pop();
        assert_eq!(row, Some(Mirrored::Forgotten(id(clerk_id))));
        for expected in [seen, row] {
            let corrected = store
                .store
                .mirror
                .correct(expected, at_clerk(listing), at(RECEIVED));
            assert!(!corrected.await.unwrap());
        }
    }
    assert_eq!(store.everything().await, before);
}
