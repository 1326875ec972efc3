//! Rows held against what Clerk has, and made right where they differ.

use domain::Outcome::{Applied, Stale};
use domain::{Listing, Mirrored, StoreError, Write};
use serde_json::{Value, json};

use crate::facts::{
    BASE, RECEIVED, at, deleted, deleted_organization, deleted_user, effect_writes, id, membership,
    organization, role, user,
};
use crate::store::{TestStore, on_both_stores};
use crate::tables;

on_both_stores! {
    rows_are_found_by_their_ids,
    live_rows_come_in_pages_in_the_order_of_their_ids,
    memberships_of_deleted_parents_are_left_out,
    a_row_that_changed_meanwhile_is_left_alone,
    a_missing_row_is_made_and_a_surplus_one_deleted,
    a_wrongly_deleted_row_is_revived,
    a_poisoned_future_version_is_made_right,
    a_row_that_was_wrongly_live_is_deleted_and_keeps_its_place,
    a_kind_that_is_not_listed_cannot_be_corrected,
}

async fn with_ids(store: &TestStore, listing: Listing, ids: &[&str]) -> Vec<Mirrored> {
    let ids = ids.iter().map(|text| id(text)).collect();
    let mut rows = store.store.rows.with_ids(listing, ids).await.unwrap();
    rows.sort_by_key(|row| row.clerk_id().clone());
    rows
}

async fn the_row(store: &TestStore, listing: Listing, clerk_id: &str) -> Option<Mirrored> {
    with_ids(store, listing, &[clerk_id]).await.pop()
}

async fn live_after(
    store: &TestStore,
    listing: Listing,
    after: Option<&str>,
    limit: u32,
) -> Vec<String> {
    let rows = store
        .store
        .rows
        .live_after(listing, after.map(id), limit)
        .await
        .unwrap();
    rows.iter().map(|row| row.clerk_id().to_string()).collect()
}

/// An object of a listed kind, with this word in it.
fn told(listing: Listing, clerk_id: &str, word: &str, time: i64) -> domain::Delivery {
    match listing {
        Listing::Users => user(clerk_id).named(word).updated(time).into(),
        Listing::Organizations => organization(clerk_id).named(word).updated(time).into(),
        Listing::Memberships => membership(clerk_id).in_role(word).updated(time).into(),
    }
}

fn write(listing: Listing, clerk_id: &str, word: &str, time: i64) -> Write {
    effect_writes(&told(listing, clerk_id, word, time))[0].clone()
}

fn word(row: &Mirrored) -> Option<&str> {
    match row {
        Mirrored::User(user, _) => user.first_name.as_deref(),
        Mirrored::Organization(organization) => organization.name.as_deref(),
        Mirrored::Membership(membership) => membership.role.as_deref(),
        Mirrored::Forgotten(_) => None,
    }
}

async fn correct(store: &TestStore, expected: Option<Mirrored>, write: Write) -> bool {
    store
        .store
        .mirror
        .correct(expected, write, at(RECEIVED))
        .await
        .unwrap()
}

async fn rows_are_found_by_their_ids(store: TestStore) {
    for listing in Listing::ALL {
        for (number, clerk_id) in ["x_1", "x_2", "x_3"].into_iter().enumerate() {
            store
                .apply(told(
                    *listing,
                    clerk_id,
                    clerk_id,
                    i64::try_from(number).unwrap(),
                ))
                .await;
        }
        store.apply(deleted(listing.kind(), "x_2").updated(9)).await;
        store.apply(deleted(listing.kind(), "x_4").updated(9)).await;
        let found = with_ids(&store, *listing, &["x_2", "x_4", "x_1", "x_1", "nobody"]).await;
        let shown: Vec<_> = found
            .iter()
            .map(|row| {
                (
                    row.clerk_id().as_str(),
                    word(row),
                    row.version(),
                    row.is_deleted(),
                )
            })
            .collect();
        let expected = [
            ("x_1", Some("x_1"), BASE, false),
            ("x_2", Some("x_2"), BASE + 1, true),
            ("x_4", None, 0, true),
        ];
        assert_eq!(shown, expected, "{listing:?}");
        assert_eq!(with_ids(&store, *listing, &[]).await, Vec::new());
    }
    let fact = user("user_1")
        .email("a@example.com")
        .primary_email("b@example.com");
    store.apply(fact.updated(5)).await;
    let Some(Mirrored::User(found, emails)) = the_row(&store, Listing::Users, "user_1").await
    else {
        panic!("the user is there")
    };
    assert_eq!(found.email.as_deref(), Some("b@example.com"));
    let shown: Vec<_> = emails
        .iter()
        .map(|email| (email.email_address.as_str(), email.primary))
        .collect();
    assert_eq!(shown, [("a@example.com", false), ("b@example.com", true)]);
}

async fn live_rows_come_in_pages_in_the_order_of_their_ids(store: TestStore) {
    for listing in Listing::ALL {
        // Upper and lower case and signs, which collations like to mix.
        let mut ids = ["b_1", "B_2", "a_10", "a_9", "A_1", "b1", "a_9b", "Z_1"]
            .map(str::to_owned)
            .to_vec();
        for clerk_id in &ids {
            store.apply(told(*listing, clerk_id, "ann", 1)).await;
        }
        store
            .apply(deleted(listing.kind(), "a_10").updated(2))
            .await;
        store.apply(deleted(listing.kind(), "c_1").updated(2)).await;
        ids.retain(|clerk_id| clerk_id != "a_10");
        let (mut seen, mut after) = (Vec::new(), None::<String>);
        loop {
            let page = live_after(&store, *listing, after.as_deref(), 3).await;
            assert!(page.len() <= 3, "{page:?}");
            let Some(last) = page.last() else { break };
            after = Some(last.clone());
            seen.extend(page);
            assert!(seen.len() <= ids.len(), "it ends: {seen:?}");
        }
        let all = live_after(&store, *listing, None, 100).await;
        assert_eq!(seen, all, "{listing:?}");
        seen.sort();
        ids.sort();
        assert_eq!(seen, ids, "{listing:?}");
    }
}

async fn memberships_of_deleted_parents_are_left_out(store: TestStore) {
    for (number, (user_id, organization_id)) in [
        ("user_1", "org_1"),
        ("user_2", "org_1"),
        ("user_1", "org_2"),
        ("user_9", "org_9"),
    ]
    .into_iter()
    .enumerate()
    {
        let fact = membership(&format!("orgmem_{number}")).joins(user_id, organization_id);
        store.apply(fact.updated(1)).await;
    }
    let live = async || live_after(&store, Listing::Memberships, None, 100).await;
    assert_eq!(
        live().await,
        ["orgmem_0", "orgmem_1", "orgmem_2", "orgmem_3"],
        "parents may be unknown"
    );
    store.apply(user("user_1").updated(1)).await;
    store.apply(organization("org_1").updated(1)).await;
    assert_eq!(live().await.len(), 4);
    store.apply(deleted_user("user_2").updated(2)).await;
    assert_eq!(live().await, ["orgmem_0", "orgmem_2", "orgmem_3"]);
    store.apply(deleted_organization("org_1").updated(2)).await;
    assert_eq!(live().await, ["orgmem_2", "orgmem_3"]);
    // They are there all the same, and not deleted themselves.
    let found = the_row(&store, Listing::Memberships, "orgmem_0")
        .await
        .unwrap();
    assert!(!found.is_deleted());
}

async fn a_row_that_changed_meanwhile_is_left_alone(store: TestStore) {
    for listing in Listing::ALL {
        let clerk_id = "x_1";
        store.apply(told(*listing, clerk_id, "ann", 5)).await;
        let seen = the_row(&store, *listing, clerk_id).await;
        // Something newer came.
        store.apply(told(*listing, clerk_id, "bea", 6)).await;
        let before = store.everything().await;
        assert!(
            !correct(&store, seen.clone(), write(*listing, clerk_id, "cid", 9)).await,
            "{listing:?}"
        );
        // It is there by now.
        assert!(
            !correct(&store, None, write(*listing, clerk_id, "cid", 9)).await,
            "{listing:?}"
        );
        let deletion = deleted(listing.kind(), clerk_id).updated(9);
        assert!(
            !correct(&store, seen, deletion.write()).await,
            "{listing:?}"
        );
        assert_eq!(store.everything().await, before, "{listing:?}");
        // It was deleted.
        let seen = the_row(&store, *listing, clerk_id).await;
        store
            .apply(deleted(listing.kind(), clerk_id).updated(7))
            .await;
        let before = store.everything().await;
        assert!(
            !correct(&store, seen.clone(), write(*listing, clerk_id, "cid", 9)).await,
            "{listing:?}"
        );
        assert_eq!(store.everything().await, before, "{listing:?}");
        // There is none.
        let another = write(*listing, "x_2", "cid", 9);
        assert!(!correct(&store, seen, another).await, "{listing:?}");
        assert_eq!(store.everything().await, before, "{listing:?}");
    }
}

async fn a_missing_row_is_made_and_a_surplus_one_deleted(store: TestStore) {
    for listing in Listing::ALL {
        let name = listing.kind();
        assert!(correct(&store, None, write(*listing, "x_1", "ann", 5)).await);
        let made = the_row(&store, *listing, "x_1").await.unwrap();
        assert_eq!(
            (word(&made), made.version(), made.is_deleted()),
            (Some("ann"), BASE + 5, false)
        );
        let gone = deleted(name, "x_1").updated(8).write();
        assert!(correct(&store, Some(made), gone).await);
        let made = the_row(&store, *listing, "x_1").await.unwrap();
        assert_eq!(
            (word(&made), made.version(), made.is_deleted()),
            (Some("ann"), BASE + 5, true)
        );
        let feed = store.feed().await;
        let told = [format!("upsert {name} x_1"), format!("delete {name} x_1")];
        assert_eq!(feed[feed.len() - 2..], told, "{listing:?}");
    }
}

async fn a_wrongly_deleted_row_is_revived(store: TestStore) {
    for listing in Listing::ALL {
        let name = listing.kind();
        store.apply(told(*listing, "x_1", "ann", 5)).await;
        store.apply(deleted(name, "x_1").updated(7)).await;
        let seen = the_row(&store, *listing, "x_1").await;
        // The very fact that the row has already.
        assert!(
            correct(&store, seen, write(*listing, "x_1", "ann", 5)).await,
            "{listing:?}"
        );
        let found = the_row(&store, *listing, "x_1").await.unwrap();
        assert!(!found.is_deleted(), "{listing:?}");
        assert_eq!(
            store.feed().await.pop().unwrap(),
            format!("upsert {name} x_1")
        );
        // It is as any other row from then on.
        assert_eq!(store.apply(told(*listing, "x_1", "old", 4)).await, Stale);
        assert_eq!(store.apply(told(*listing, "x_1", "bea", 6)).await, Applied);
        assert_eq!(store.apply(deleted(name, "x_1").updated(8)).await, Applied);
    }
}

async fn a_poisoned_future_version_is_made_right(store: TestStore) {
    for listing in Listing::ALL {
        // As a clock that is ahead by less than a day, or a row changed by hand, leaves it.
        store
            .apply(told(*listing, "x_1", "far", RECEIVED + 20 * 3_600_000))
            .await;
        assert_eq!(store.apply(told(*listing, "x_1", "ann", 5)).await, Stale);
        let seen = the_row(&store, *listing, "x_1").await;
        assert!(
            correct(&store, seen, write(*listing, "x_1", "ann", 5)).await,
            "{listing:?}"
        );
        let found = the_row(&store, *listing, "x_1").await.unwrap();
        assert_eq!(
            (word(&found), found.version()),
            (Some("ann"), BASE + 5),
            "{listing:?}"
        );
        assert_eq!(
            store.apply(told(*listing, "x_1", "bea", 6)).await,
            Applied,
            "{listing:?}"
        );
    }
    let change = store.rows(&tables::CHANGES).await.pop().unwrap();
    assert_eq!(change["data"]["role"], "bea");
}

async fn a_row_that_was_wrongly_live_is_deleted_and_keeps_its_place(store: TestStore) {
    for listing in Listing::ALL {
        store.apply(told(*listing, "x_1", "bea", 6)).await;
        let seen = the_row(&store, *listing, "x_1").await;
        let gone = deleted(listing.kind(), "x_1").updated(8).write();
        assert!(correct(&store, seen, gone).await, "{listing:?}");
        // What is older than the row's content does not replace it, deleted or not.
        assert_eq!(store.apply(told(*listing, "x_1", "old", 5)).await, Stale);
        let found = the_row(&store, *listing, "x_1").await.unwrap();
        assert_eq!(
            (word(&found), found.version(), found.is_deleted()),
            (Some("bea"), BASE + 6, true)
        );
    }
}

async fn a_kind_that_is_not_listed_cannot_be_corrected(store: TestStore) {
    let write = role("role_1", json!({"name": "A"})).updated(5).write();
    let refused = store.store.mirror.correct(None, write, at(RECEIVED)).await;
    assert!(
        matches!(refused, Err(StoreError::Refused(_))),
        "{refused:?}"
    );
    assert_eq!(store.everything().await, Vec::<Value>::new());
}
