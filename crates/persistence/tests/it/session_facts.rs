//! Sessions: two facts in one row, how it began and where it stands.

use domain::Outcome::{Applied, Stale};
use serde_json::{Value, json};

use crate::facts::{BASE, RECEIVED, at, session, user};
use crate::store::{TestStore, on_both_stores};

on_both_stores! {
    a_creation_fills_the_row,
    creation_and_end_give_the_same_row_in_both_orders,
    what_is_over_stays_over,
    an_end_beats_a_live_state_that_is_newer,
    of_two_ends_the_greater_place_wins_in_both_orders,
    a_session_of_an_unknown_user_is_kept,
    a_user_whom_any_event_names_is_known_in_any_order,
    only_a_creation_says_how_it_began,
    a_new_name_of_a_state_is_kept_and_ends_nothing,
    a_replay_mends_how_it_began_after_its_end,
}

async fn a_creation_fills_the_row(store: TestStore) {
    let fact = session("sess_1", "active")
        .since(3)
        .updated(5)
        .signed_in("192.0.2.1", "Browser/1");
    assert_eq!(store.apply(fact).await, Applied);
    let row = store.session("sess_1").await;
    let expected = json!({
        "clerk_session_id": "sess_1", "clerk_user_id": "user_1", "clerk_client_id": "client_1",
        "status": "active", "end_reason": null, "ended_at": null,
        "last_active_organization_id": null, "actor": null,
        "client_ip": "192.0.2.1", "user_agent": "Browser/1", "signed_in_at": 3,
        "last_active_at": 5, "expire_at": 3 + 7 * 24 * 3_600_000_i64, "abandon_at": null,
        "created_at": 3, "updated_at": 5, "deleted_at": null, "version": BASE + 5,
        "precedence": row["precedence"], "sign_in_precedence": row["precedence"],
    });
    assert_eq!(row, expected);
    assert_eq!(store.feed().await, ["upsert session sess_1"]);
}

async fn creation_and_end_give_the_same_row_in_both_orders(store: TestStore) {
    let creation = |id: &str| {
        session(id, "active")
            .since(3)
            .updated(5)
            .digest([1; 8])
            .signed_in("192.0.2.1", "Browser/1")
    };
    let end = |id: &str| session(id, "revoked").since(3).updated(9).digest([2; 8]);
    assert_eq!(store.apply(creation("sess_1")).await, Applied);
    assert_eq!(store.apply(end("sess_1")).await, Applied);
    assert_eq!(store.apply(end("sess_2")).await, Applied);
    assert_eq!(
        store.apply(creation("sess_2")).await,
        Applied,
        "it tells how the session began"
    );
    let row = store.session("sess_1").await;
    for (column, value) in [
        ("status", json!("revoked")),
        ("end_reason", json!("revoked")),
        ("ended_at", json!(9)),
        ("client_ip", json!("192.0.2.1")),
        ("user_agent", json!("Browser/1")),
        ("signed_in_at", json!(3)),
    ] {
        assert_eq!(row[column], value, "{column}");
    }
    assert_same_session(&store, "sess_1", "sess_2").await;
    // The feed's last word is the whole row in both orders.
    let feed = store.rows(&crate::tables::CHANGES).await;
    assert_eq!(feed.len(), 4);
    for change in [&feed[1], &feed[3]] {
        assert_eq!(
            (&change["data"]["status"], &change["data"]["client_ip"]),
            (&json!("revoked"), &json!("192.0.2.1"))
        );
    }
}

async fn what_is_over_stays_over(store: TestStore) {
    for end in [
        "ended",
        "removed",
        "revoked",
        "expired",
        "abandoned",
        "replaced",
    ] {
        let id = format!("sess_{end}");
        store.apply(session(&id, end).updated(5)).await;
        let before = store.session(&id).await;
        for live in ["active", "pending", "paused"] {
            assert_eq!(
                store.apply(session(&id, live).updated(9)).await,
                Stale,
                "{end}, {live}"
            );
        }
        assert_eq!(store.session(&id).await, before);
    }
}

async fn an_end_beats_a_live_state_that_is_newer(store: TestStore) {
    store.apply(session("sess_1", "active").updated(9)).await;
    assert_eq!(
        store.apply(session("sess_1", "ended").updated(5)).await,
        Applied
    );
    let row = store.session("sess_1").await;
    assert_eq!(
        (&row["status"], &row["ended_at"], &row["version"]),
        (&json!("ended"), &json!(5), &json!(BASE + 5))
    );
}

async fn of_two_ends_the_greater_place_wins_in_both_orders(store: TestStore) {
    for (id, order) in [
        ("sess_1", [("ended", 5), ("revoked", 6)]),
        ("sess_2", [("revoked", 6), ("ended", 5)]),
    ] {
        for (status, time) in order {
            store
                .apply(session(id, status).updated(time).digest([1; 8]))
                .await;
        }
        let row = store.session(id).await;
        assert_eq!(
            (&row["status"], &row["end_reason"], &row["ended_at"]),
            (&json!("revoked"), &json!("revoked"), &json!(6))
        );
    }
    assert_same_session(&store, "sess_1", "sess_2").await;
}

async fn a_session_of_an_unknown_user_is_kept(store: TestStore) {
    assert_eq!(
        store
            .apply(session("sess_1", "active").of("user_nobody").updated(5))
            .await,
        Applied
    );
    assert_eq!(
        store
            .apply(session("sess_2", "active").of_nobody().updated(5))
            .await,
        Applied
    );
    assert_eq!(
        store.session("sess_1").await["clerk_user_id"],
        "user_nobody"
    );
    assert_eq!(store.session("sess_2").await["clerk_user_id"], Value::Null);
    assert_eq!(
        store.user("user_nobody").await,
        Value::Null,
        "a session makes no user"
    );
}

async fn a_user_whom_any_event_names_is_known_in_any_order(store: TestStore) {
    type Send = fn(&str, &str) -> domain::Delivery;
    let profile: Send = |user_id, _| user(user_id).updated(5).digest([1; 8]).into();
    let creation: Send = |_, id| {
        session(id, "active")
            .of_nobody()
            .since(3)
            .updated(3)
            .digest([1; 8])
            .signed_in("192.0.2.1", "x")
            .into()
    };
    let naming: Send = |user_id, id| {
        session(id, "pending")
            .of(user_id)
            .since(3)
            .updated(4)
            .digest([2; 8])
            .into()
    };
    let end: Send = |_, id| {
        session(id, "ended")
            .of_nobody()
            .since(3)
            .updated(5)
            .digest([3; 8])
            .into()
    };
    let orders = [
        [profile, creation, naming, end],
        [profile, end, naming, creation],
        [creation, naming, end, profile],
        [end, creation, naming, profile],
        [naming, profile, end, creation],
        [end, profile, creation, naming],
    ];
    for (number, order) in orders.iter().enumerate() {
        let (user_id, id) = (format!("user_{number}"), format!("sess_{number}"));
        for send in order {
            store.apply(send(&user_id, &id)).await;
        }
        assert_eq!(
            store.session(&id).await["clerk_user_id"],
            user_id.as_str(),
            "order {number}"
        );
        assert_eq!(
            store.user(&user_id).await["last_login_at"],
            3,
            "order {number}"
        );
    }
}

async fn only_a_creation_says_how_it_began(store: TestStore) {
    store
        .apply(session("sess_1", "pending").since(3).updated(4))
        .await;
    assert_eq!(store.session("sess_1").await["signed_in_at"], Value::Null);
    let creation = session("sess_1", "active")
        .since(3)
        .updated(3)
        .signed_in("192.0.2.1", "Browser/1");
    assert_eq!(store.apply(creation.clone()).await, Applied);
    let before = store.everything().await;
    assert_eq!(store.session("sess_1").await["status"], "pending");
    assert_eq!(store.apply(creation.message("msg_again")).await, Stale);
    assert_eq!(store.everything().await, before);
}

async fn a_new_name_of_a_state_is_kept_and_ends_nothing(store: TestStore) {
    store.apply(session("sess_1", "paused").updated(5)).await;
    let row = store.session("sess_1").await;
    assert_eq!(
        (&row["status"], &row["ended_at"]),
        (&json!("paused"), &Value::Null)
    );
    assert_eq!(
        store.apply(session("sess_1", "active").updated(6)).await,
        Applied
    );
}

async fn a_replay_mends_how_it_began_after_its_end(store: TestStore) {
    let creation = |client_ip: &str| {
        session("sess_1", "active")
            .since(3)
            .updated(3)
            .digest([1; 8])
            .signed_in(client_ip, "Browser/1")
            .message("msg_a")
    };
    store.apply(creation("unknown")).await;
    store.apply(session("sess_1", "ended").updated(5)).await;
    let line = store.store.deliveries.find("msg_a").await.unwrap().unwrap();
    let replay = async |fact: domain::Delivery| {
        let receipt = store.store.mirror.replay(line.id, fact, at(RECEIVED)).await;
        receipt.unwrap().outcome
    };
    assert_eq!(replay(creation("192.0.2.1").into()).await, Applied);
    let row = store.session("sess_1").await;
    assert_eq!(
        (&row["client_ip"], &row["status"], &row["ended_at"]),
        (&json!("192.0.2.1"), &json!("ended"), &json!(5))
    );
    // An older one says nothing of it, replayed or not.
    let older = session("sess_1", "active")
        .since(3)
        .updated(2)
        .signed_in("198.51.100.1", "x");
    assert_eq!(replay(older.into()).await, Stale);
    assert_eq!(store.session("sess_1").await, row);
}

async fn assert_same_session(store: &TestStore, one: &str, other: &str) {
    let (mut left, mut right) = (store.session(one).await, store.session(other).await);
    for row in [&mut left, &mut right] {
        row["clerk_session_id"] = Value::Null;
    }
    assert_eq!(left, right, "{one} and {other}");
}
