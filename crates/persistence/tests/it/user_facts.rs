//! Users: made, changed, deleted, in every order.

use domain::Outcome::{Applied, Duplicate, Stale};
use serde_json::{Value, json};

use crate::facts::{BASE, POISONED, deleted_user, session, user};
use crate::store::{TestStore, on_both_stores};
use crate::tables;

on_both_stores! {
    a_profile_fills_the_row,
    a_newer_profile_wins_and_an_older_one_by_a_millisecond_is_stale,
    the_same_fact_in_another_message_is_stale,
    a_repeated_message_is_a_duplicate_and_only_counted,
    a_creation_loses_to_a_change_of_the_same_millisecond,
    a_poisoned_version_does_not_freeze_the_row,
    a_ban_ends_activity_and_its_lifting_restores_it,
    a_deletion_marks_the_row_and_keeps_its_content,
    a_deletion_of_an_unknown_user_leaves_a_tombstone,
    the_row_is_the_same_whether_profile_or_deletion_came_first,
    the_earliest_deletion_counts_in_either_order,
    emails_are_replaced_and_the_primary_one_goes_by_its_flag,
    two_users_may_have_the_same_email_and_username,
    role_and_tier_come_from_public_metadata,
    the_latest_sign_in_never_moves_backwards,
    the_latest_sign_in_is_the_same_in_any_order_of_user_session_and_deletion,
}

async fn a_profile_fills_the_row(store: TestStore) {
    let fact = user("user_1")
        .created()
        .updated(5)
        .named("Ann")
        .surnamed("Lee")
        .email("old@example.com")
        .address("ann@example.com", false, true)
        .metadata(json!({"role": "growth", "tier": "paid", "x": [1, null, "é"]}))
        .last_sign_in(4);
    assert_eq!(store.apply(fact).await, Applied);
    let row = store.user("user_1").await;
    let expected = json!({
        "clerk_user_id": "user_1", "external_id": null, "username": null,
        "email": "ann@example.com", "email_verified": false,
        "first_name": "Ann", "last_name": "Lee", "full_name": "Ann Lee", "image_url": null,
        "role": "growth", "tier": "paid", "tier_until": null,
        "public_metadata": {"role": "growth", "tier": "paid", "x": [1, null, "é"]}, "preferences": {},
        "banned": false, "locked": false, "is_active": true,
        "created_at": 0, "updated_at": 5, "last_login_at": 4, "deleted_at": null,
        "version": BASE + 5, "precedence": row["precedence"],
    });
    assert_eq!(row, expected);
}

async fn a_newer_profile_wins_and_an_older_one_by_a_millisecond_is_stale(store: TestStore) {
    assert_eq!(
        store.apply(user("user_1").updated(5).named("Ann")).await,
        Applied
    );
    assert_eq!(
        store.apply(user("user_1").updated(6).named("Bea")).await,
        Applied
    );
    let before = store.everything().await;
    assert_eq!(
        store.apply(user("user_1").updated(5).named("Cid")).await,
        Stale
    );
    assert_eq!(store.everything().await, before);
    assert_eq!(store.user("user_1").await["first_name"], "Bea");
    assert_eq!(store.feed().await, ["upsert user user_1"; 2]);
}

async fn the_same_fact_in_another_message_is_stale(store: TestStore) {
    let fact = user("user_1").updated(5).named("Ann");
    assert_eq!(store.apply(fact.clone().message("msg_a")).await, Applied);
    let before = store.everything().await;
    assert_eq!(store.apply(fact.message("msg_b")).await, Stale);
    assert_eq!(store.everything().await, before);
    assert_eq!(store.ledger_line("msg_b").await["outcome"], "stale");
}

async fn a_repeated_message_is_a_duplicate_and_only_counted(store: TestStore) {
    let first = user("user_1").updated(5).named("Ann").message("msg_a");
    assert_eq!(store.apply(first.clone()).await, Applied);
    let (before, line) = (store.everything().await, store.ledger_line("msg_a").await);
    // The id alone tells: what else the message says now, even something newer, is not looked at.
    let other = user("user_2").updated(9).named("Bea").message("msg_a");
    assert_eq!(store.apply(other).await, Duplicate);
    assert_eq!(store.apply(first).await, Duplicate);
    assert_eq!(store.everything().await, before);
    let mut counted = line;
    counted["attempts"] = json!(3);
    assert_eq!(store.ledger_line("msg_a").await, counted);
}

async fn a_creation_loses_to_a_change_of_the_same_millisecond(store: TestStore) {
    assert_eq!(
        store.apply(user("user_1").updated(5).named("Bea")).await,
        Applied
    );
    let creation = user("user_1").created().updated(5).named("Ann");
    assert_eq!(store.apply(creation).await, Stale);
    assert_eq!(store.user("user_1").await["first_name"], "Bea");
}

async fn a_poisoned_version_does_not_freeze_the_row(store: TestStore) {
    let poisoned = user("user_1").updated(POISONED).stated(5).named("Far");
    assert_eq!(store.apply(poisoned).await, Applied);
    assert_eq!(store.user("user_1").await["version"], BASE + 5);
    assert_eq!(
        store.apply(user("user_1").updated(6).named("Ann")).await,
        Applied
    );
    assert_eq!(store.user("user_1").await["first_name"], "Ann");
}

async fn a_ban_ends_activity_and_its_lifting_restores_it(store: TestStore) {
    store.apply(user("user_1").updated(5).banned()).await;
    assert_eq!(store.user("user_1").await["is_active"], false);
    store.apply(user("user_1").updated(6)).await;
    assert_eq!(store.user("user_1").await["is_active"], true);
}

async fn a_deletion_marks_the_row_and_keeps_its_content(store: TestStore) {
    store
        .apply(
            user("user_1")
                .updated(5)
                .named("Ann")
                .email("ann@example.com"),
        )
        .await;
    let mut expected = store.user("user_1").await;
    let emails = store.rows(&tables::EMAILS).await;
    assert_eq!(
        store.apply(deleted_user("user_1").updated(7)).await,
        Applied
    );
    expected["deleted_at"] = json!(7);
    expected["is_active"] = json!(false);
    assert_eq!(store.user("user_1").await, expected);
    assert_eq!(store.rows(&tables::EMAILS).await, emails);
    assert_eq!(
        store.feed().await,
        ["upsert user user_1", "delete user user_1"]
    );

    // Once more changes nothing, and neither does a word from before.
    let before = store.everything().await;
    assert_eq!(store.apply(deleted_user("user_1").updated(8)).await, Stale);
    assert_eq!(
        store.apply(user("user_1").updated(4).named("Old")).await,
        Stale
    );
    assert_eq!(store.everything().await, before);

    // One from afterwards is kept, and told to nobody.
    assert_eq!(
        store.apply(user("user_1").updated(9).named("Zoe")).await,
        Stale
    );
    let row = store.user("user_1").await;
    assert_eq!(
        (&row["first_name"], &row["deleted_at"], &row["is_active"]),
        (&json!("Zoe"), &json!(7), &json!(false))
    );
    assert_eq!(store.feed().await.len(), 2);
}

async fn a_deletion_of_an_unknown_user_leaves_a_tombstone(store: TestStore) {
    assert_eq!(
        store.apply(deleted_user("user_1").updated(7)).await,
        Applied
    );
    let row = store.user("user_1").await;
    assert_eq!(
        (&row["deleted_at"], &row["is_active"], &row["version"]),
        (&json!(7), &json!(false), &json!(0))
    );
    assert_eq!(store.feed().await, ["delete user user_1"]);
    let creation = user("user_1")
        .created()
        .updated(5)
        .named("Ann")
        .email("ann@example.com");
    assert_eq!(store.apply(creation).await, Stale);
    let row = store.user("user_1").await;
    assert_eq!(
        (&row["first_name"], &row["deleted_at"], &row["is_active"]),
        (&json!("Ann"), &json!(7), &json!(false))
    );
    assert_eq!(store.feed().await, ["delete user user_1"]);
}

async fn the_row_is_the_same_whether_profile_or_deletion_came_first(store: TestStore) {
    let profile = |id: &str| {
        user(id)
            .created()
            .updated(5)
            .digest([1; 8])
            .named("Ann")
            .primary_email("ann@example.com")
    };
    store.apply(profile("user_1")).await;
    store.apply(deleted_user("user_1").updated(7)).await;
    store.apply(deleted_user("user_2").updated(7)).await;
    store.apply(profile("user_2")).await;
    assert_same_user(&store, "user_1", "user_2").await;
}

async fn the_earliest_deletion_counts_in_either_order(store: TestStore) {
    for (id, times) in [("user_1", [7, 9]), ("user_2", [9, 7])] {
        for time in times {
            store.apply(deleted_user(id).updated(time)).await;
        }
        assert_eq!(store.user(id).await["deleted_at"], 7, "{id}");
    }
    assert_same_user(&store, "user_1", "user_2").await;
}

async fn emails_are_replaced_and_the_primary_one_goes_by_its_flag(store: TestStore) {
    let two = user("user_1")
        .updated(5)
        .email("a@example.com")
        .primary_email("b@example.com");
    store.apply(two).await;
    assert_eq!(store.user("user_1").await["email"], "b@example.com");
    let email = |position: i32, address: &str, primary: bool| {
        json!({
            "clerk_user_id": "user_1", "position": position, "clerk_email_address_id": format!("idn_{position}"),
            "email_address": address, "verified": true, "is_primary": primary,
        })
    };
    assert_eq!(
        store.rows(&tables::EMAILS).await,
        [
            email(0, "a@example.com", false),
            email(1, "b@example.com", true)
        ]
    );
    // Without a primary one there is none, whatever addresses there are.
    store
        .apply(user("user_1").updated(6).email("c@example.com"))
        .await;
    let row = store.user("user_1").await;
    assert_eq!(
        (&row["email"], &row["email_verified"]),
        (&Value::Null, &json!(false))
    );
    assert_eq!(
        store.rows(&tables::EMAILS).await,
        [email(0, "c@example.com", false)]
    );
    store.apply(user("user_1").updated(7)).await;
    assert_eq!(store.rows(&tables::EMAILS).await, Vec::<Value>::new());
}

async fn two_users_may_have_the_same_email_and_username(store: TestStore) {
    for id in ["user_1", "user_2"] {
        let fact = user(id)
            .updated(5)
            .named("Ann")
            .primary_email("ann@example.com");
        assert_eq!(store.apply(fact).await, Applied, "{id}");
    }
    assert_eq!(
        store
            .rows_where(&tables::USERS, "email = 'ann@example.com'")
            .await
            .len(),
        2
    );
    assert_eq!(
        store
            .rows_where(&tables::EMAILS, "email_address = 'ann@example.com'")
            .await
            .len(),
        2
    );
}

async fn role_and_tier_come_from_public_metadata(store: TestStore) {
    let cases = [
        (
            json!({"role": "enterprise", "tier": "paid"}),
            "enterprise",
            "paid",
        ),
        (json!({}), "solo", "free"),
        (json!({"role": "root", "tier": "Paid"}), "solo", "free"),
        (
            json!({"role": ["admin"], "tier": {"paid": true}}),
            "solo",
            "free",
        ),
    ];
    for (time, (metadata, role, tier)) in (1_i64..).zip(cases) {
        store
            .apply(user("user_1").updated(time).metadata(metadata.clone()))
            .await;
        let row = store.user("user_1").await;
        assert_eq!(
            (&row["role"], &row["tier"]),
            (&json!(role), &json!(tier)),
            "{metadata}"
        );
        assert_eq!(row["public_metadata"], metadata);
    }
}

async fn the_latest_sign_in_never_moves_backwards(store: TestStore) {
    let last_login = async || store.user("user_1").await["last_login_at"].clone();
    store
        .apply(user("user_1").updated(5).last_sign_in(50))
        .await;
    store
        .apply(user("user_1").updated(6).last_sign_in(40))
        .await;
    assert_eq!(last_login().await, 50);
    store
        .apply(
            session("sess_1", "active")
                .since(45)
                .updated(45)
                .signed_in("192.0.2.1", "x"),
        )
        .await;
    assert_eq!(last_login().await, 50);
    store
        .apply(
            session("sess_2", "active")
                .since(60)
                .updated(60)
                .signed_in("192.0.2.1", "x"),
        )
        .await;
    assert_eq!(last_login().await, 60);
    // Also from a profile that is stale otherwise, and not taken away by one that names none.
    assert_eq!(
        store
            .apply(user("user_1").updated(4).last_sign_in(70))
            .await,
        Stale
    );
    store.apply(user("user_1").updated(7)).await;
    assert_eq!(last_login().await, 70);
}

async fn the_latest_sign_in_is_the_same_in_any_order_of_user_session_and_deletion(
    store: TestStore,
) {
    type Send = fn(&str) -> domain::Delivery;
    let profile: Send = |id| user(id).updated(5).digest([1; 8]).last_sign_in(50).into();
    let sign_in: Send = |id| {
        let session_id = id.replace("user", "sess");
        session(&session_id, "active")
            .of(id)
            .since(60)
            .updated(60)
            .signed_in("192.0.2.1", "x")
            .into()
    };
    let deletion: Send = |id| deleted_user(id).updated(7).into();
    let orders = [
        [profile, sign_in, deletion],
        [profile, deletion, sign_in],
        [sign_in, profile, deletion],
        [sign_in, deletion, profile],
        [deletion, profile, sign_in],
        [deletion, sign_in, profile],
    ];
    for (number, order) in orders.iter().enumerate() {
        let id = format!("user_{number}");
        for send in order {
            store.apply(send(&id)).await;
        }
        assert_eq!(store.user(&id).await["last_login_at"], 60, "order {number}");
        assert_same_user(&store, "user_0", &id).await;
    }
}

/// Compares what is not the id.
async fn assert_same_user(store: &TestStore, one: &str, other: &str) {
    let (mut left, mut right) = (store.user(one).await, store.user(other).await);
    for row in [&mut left, &mut right] {
        row["clerk_user_id"] = Value::Null;
    }
    assert_eq!(left, right, "{one} and {other}");
    let emails = async |id: &str| {
        let mut rows = store
            .rows_where(&tables::EMAILS, &format!("clerk_user_id = '{id}'"))
            .await;
        rows.iter_mut()
            .for_each(|row| row["clerk_user_id"] = Value::Null);
        rows
    };
    assert_eq!(emails(one).await, emails(other).await, "{one} and {other}");
}
