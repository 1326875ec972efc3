//! What is worked out of a profile before it is written is what then stands in the row.

use chrono::TimeDelta;
use domain::Outcome::{Applied, Stale};
use domain::{Delivery, Listing, Mirrored, ThinUser, Tier};
use serde_json::{Value, json};

use crate::decisions::{NOW, by, changed, key, role, set_role};
use crate::facts::{at, deleted_user, id, session, user};
use crate::store::{TestStore, on_both_stores};

on_both_stores! {
    the_feed_shows_the_row_whatever_was_there_before,
    the_feed_shows_the_times_that_the_row_has,
    a_profile_of_a_deleted_user_is_told_to_nobody,
}

/// The user's newest change and his row, as both are shown.
async fn change_and_row(store: &TestStore, clerk_user_id: &str) -> (Value, Value) {
    let feed = store.store.changes.after(0, 1000).await.unwrap();
    let mut newest = feed
        .into_iter()
        .rev()
        .filter(|item| item.change.clerk_id == clerk_user_id);
    let change = newest.next().unwrap().change.data;
    let ids = vec![id(clerk_user_id)];
    let mut rows = store
        .store
        .rows
        .with_ids(Listing::Users, ids)
        .await
        .unwrap();
    let Some(Mirrored::User(row, _)) = rows.pop() else {
        panic!("no row of {clerk_user_id}");
    };
    (change, serde_json::to_value(&row).unwrap())
}

async fn is_shown(store: &TestStore, fact: impl Into<Delivery>) {
    assert_eq!(store.apply(fact).await, Applied);
    let (change, row) = change_and_row(store, "user_1").await;
    assert_eq!(change, row);
}

async fn the_feed_shows_the_row_whatever_was_there_before(store: TestStore) {
    let thin = ThinUser {
        clerk_user_id: id("user_1"),
        email: Some("claimed@example.com".to_owned()),
        first_name: Some("Claimed".to_owned()),
        last_name: None,
        image_url: None,
        seen_at: at(1),
    };
    store.store.users.provision(thin).await.unwrap();
    is_shown(&store, user("user_1").named("Ann").updated(5)).await;
    let signs_in = session("sess_1", "active")
        .of("user_1")
        .signed_in("192.0.2.7", "Lynx");
    store.apply(signs_in.updated(6)).await;
    is_shown(
        &store,
        user("user_1").named("Bea").last_sign_in(2).updated(7),
    )
    .await;
    changed(set_role(&store, "user_1", role("growth"), &[]).await);
    is_shown(&store, user("user_1").named("Cia").banned().updated(8)).await;
    let administration = &store.store.administration;
    let tier = Some(Tier::from_store("paid".to_owned()));
    let decided = administration
        .set_tier(&key("user_1"), tier, by("user_9", at(NOW)))
        .await;
    changed(decided.unwrap());
    let metadata = json!({"role": "solo", "list": [1, null, {"a": "é\n\"\\"}]});
    is_shown(&store, user("user_1").metadata(metadata).updated(9)).await;
    let closed = administration
        .deactivate(&key("user_1"), by("user_9", at(NOW)), &[])
        .await;
    changed(closed.unwrap());
    is_shown(&store, user("user_1").email("ann@example.com").updated(10)).await;
    // As a database writes them.
    let numbers = json!({"score": 1e16, "share": 0.1, "none": -0.0});
    is_shown(&store, user("user_1").metadata(numbers).updated(11)).await;
}

async fn the_feed_shows_the_times_that_the_row_has(store: TestStore) {
    let mut told: Delivery = user("user_1").named("Ann").updated(5).into();
    // No column holds nanoseconds.
    told.received_at += TimeDelta::nanoseconds(1_999);
    if let domain::Effect::Writes(writes) = &mut told.effect
        && let [domain::Write::User(write)] = &mut writes[..]
    {
        write.profile.created_at = told.received_at;
        write.profile.last_sign_in_at = Some(told.received_at);
    }
    is_shown(&store, told).await;
    let feed = store.store.changes.after(0, 10).await.unwrap();
    assert_eq!(feed.len(), 1);
}

async fn a_profile_of_a_deleted_user_is_told_to_nobody(store: TestStore) {
    store.apply(deleted_user("user_1").updated(6)).await;
    assert_eq!(
        store.apply(user("user_1").named("Ann").updated(9)).await,
        Stale
    );
    assert_eq!(store.user("user_1").await["first_name"], json!("Ann"));
    assert_eq!(store.feed().await, ["delete user user_1"]);
}

/// A row that is other than was foreseen: here a trigger sees to it, on SQLite none can.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_foreseen_wrongly_is_not_written() {
    let store = TestStore::postgres().await;
    store.apply(user("user_1").named("Ann").updated(5)).await;
    store
        .execute(
            "create function lower_place() returns trigger language plpgsql as \
             $$ begin new.precedence := '\\x00'; return new; end $$; \
             create trigger lower_place before insert on users for each row \
             when (new.clerk_user_id = 'user_1') execute function lower_place()",
        )
        .await;
    let before = store.everything().await;
    let late = user("user_1").named("Bea").updated(6).message("msg_late");
    assert_eq!(store.apply(late).await, Stale);
    assert_eq!(store.everything().await, before);
    let line = store.ledger_line("msg_late").await;
    assert_eq!(line["outcome"], json!("stale"));
    assert_eq!(store.apply(user("user_2").updated(5)).await, Applied);
}
