//! Deliveries that arrive together are committed together, and each is answered for itself.

use domain::Outcome::{Applied, Duplicate, Quarantined, Stale};
use domain::{Delivery, Outcome, StoreError};
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use serde_json::json;

use crate::facts::{deleted_user, organization, session, user};
use crate::store::{TestStore, on_both_stores};
use crate::tables;

on_both_stores! {
    one_that_the_database_refuses_fails_no_neighbour,
    of_a_batch_each_is_answered_for_itself,
    many_facts_about_one_row_in_one_batch_take_effect_in_the_order_of_their_coming,
    a_full_queue_is_unavailable_at_once_and_takes_again_later,
    a_caller_who_left_is_told_of_a_duplicate_later,
}

/// Has all of these wait at the same moment, so that they are written together; gives their outcomes in order.
async fn together(store: &TestStore, deliveries: Vec<Delivery>) -> Vec<Outcome> {
    let barrier = store.writers_barrier().await;
    let mut calls = Vec::new();
    for delivery in deliveries {
        let mut call = Box::pin(store.store.mirror.apply(delivery));
        // The first look at a call puts it into the queue.
        assert!(call.as_mut().now_or_never().is_none(), "nobody can write");
        calls.push(call);
    }
    barrier.lift().await;
    join_all(calls)
        .await
        .into_iter()
        .map(|receipt| receipt.unwrap().outcome)
        .collect()
}

/// Makes the database refuse rows of users who are called so.
async fn refuse_users_named(store: &TestStore, name: &str) {
    let refuse = if store.is_postgres() {
        format!("alter table users add constraint no_such_name check (first_name <> '{name}')")
    } else {
        format!(
            "create trigger no_such_name before insert on users when new.first_name = '{name}' \
             begin select raise(abort, 'no'); end"
        )
    };
    store.execute(&refuse).await;
}

async fn one_that_the_database_refuses_fails_no_neighbour(store: TestStore) {
    refuse_users_named(&store, "Mallory").await;
    let mut deliveries: Vec<Delivery> = (0..60)
        .map(|n| match n % 3 {
            0 => user(&format!("user_{n}"))
                .updated(n)
                .named("Ann")
                .email("ann@example.com")
                .into(),
            1 => session(&format!("sess_{n}"), "active").updated(n).into(),
            _ => organization(&format!("org_{n}")).updated(n).into(),
        })
        .collect();
    let refused = user("user_bad")
        .updated(5)
        .named("Mallory")
        .email("m@example.com")
        .message("msg_bad");
    deliveries.insert(30, refused.into());
    let outcomes = together(&store, deliveries).await;
    let mut expected = vec![Applied; 61];
    expected[30] = Quarantined;
    assert_eq!(outcomes, expected);

    let line = store.ledger_line("msg_bad").await;
    assert_eq!(
        (&line["outcome"], &line["attempts"], &line["payload"]),
        (&json!("quarantined"), &json!(1), &serde_json::Value::Null)
    );
    assert_eq!(store.user("user_bad").await, serde_json::Value::Null);
    assert_eq!(
        store
            .rows_where(&tables::EMAILS, "email_address like 'm@%'")
            .await
            .len(),
        0
    );
    for (table, count) in [
        (&tables::USERS, 20),
        (&tables::SESSIONS, 20),
        (&tables::ORGANIZATIONS, 20),
        (&tables::CHANGES, 60),
        (&tables::LEDGER, 61),
    ] {
        assert_eq!(store.rows(table).await.len(), count);
    }
}

async fn of_a_batch_each_is_answered_for_itself(store: TestStore) {
    store
        .apply(user("user_1").updated(5).message("msg_known"))
        .await;
    let effect = domain::Effect::Ignored {
        reason: "unknown".to_owned(),
    };
    let outcomes = together(
        &store,
        vec![
            user("user_1").updated(4).message("msg_a").into(),
            user("user_1").updated(9).message("msg_known").into(),
            user("user_2").updated(1).message("msg_b").into(),
            user("user_2").updated(2).message("msg_b").into(),
            crate::facts::without_effect("msg_c", effect),
            deleted_user("user_1").updated(6).message("msg_d").into(),
            user("user_1").updated(7).message("msg_e").into(),
            user("user_2").updated(2).message("msg_b").into(),
        ],
    )
    .await;
    let expected = [
        Stale,
        Duplicate,
        Applied,
        Duplicate,
        Outcome::Ignored,
        Applied,
        Stale,
        Duplicate,
    ];
    assert_eq!(outcomes, expected);
    for (message, attempts) in [
        ("msg_known", 2),
        ("msg_a", 1),
        ("msg_b", 3),
        ("msg_c", 1),
        ("msg_e", 1),
    ] {
        assert_eq!(
            store.ledger_line(message).await["attempts"],
            attempts,
            "{message}"
        );
    }
    assert_eq!(store.user("user_2").await["updated_at"], 1);
}

async fn many_facts_about_one_row_in_one_batch_take_effect_in_the_order_of_their_coming(
    store: TestStore,
) {
    let fact = |time: i64| {
        user("user_1")
            .updated(time)
            .named(&format!("Ann {time}"))
            .email("ann@example.com")
    };
    let times = [3, 5, 4, 5, 9, 1, 8, 10];
    let outcomes = together(
        &store,
        times.into_iter().map(|time| fact(time).into()).collect(),
    )
    .await;
    assert_eq!(
        outcomes,
        [
            Applied, Applied, Stale, Stale, Applied, Stale, Stale, Applied
        ]
    );
    let told: Vec<_> = store
        .rows(&tables::CHANGES)
        .await
        .into_iter()
        .map(|mut change| change["data"]["first_name"].take())
        .collect();
    assert_eq!(told, ["Ann 3", "Ann 5", "Ann 9", "Ann 10"]);
    assert_eq!(store.rows(&tables::EMAILS).await.len(), 1);
}

async fn a_full_queue_is_unavailable_at_once_and_takes_again_later(store: TestStore) {
    let barrier = store.writers_barrier().await;
    let mut waiting = 0;
    let refused = loop {
        // Whoever leaves stays in the queue until his turn.
        match store
            .store
            .mirror
            .apply(user("user_1").into())
            .now_or_never()
        {
            None => waiting += 1,
            Some(answer) => break answer,
        }
        assert!(waiting < 100_000, "the queue has no end");
    };
    assert!(
        matches!(refused, Err(StoreError::Unavailable(_))),
        "{refused:?}"
    );
    assert!(waiting >= 1000, "room for a burst, not for {waiting}");
    barrier.lift().await;
    crate::patience::eventually("there is room again", async || {
        match store
            .store
            .mirror
            .apply(user("user_2").updated(5).message("msg_a").into())
            .await
        {
            Ok(_) => true,
            Err(StoreError::Unavailable(_)) => false,
            Err(other) => panic!("{other:?}"),
        }
    })
    .await;
    assert_eq!(store.ledger_line("msg_a").await["outcome"], "applied");
}

async fn a_caller_who_left_is_told_of_a_duplicate_later(store: TestStore) {
    let barrier = store.writers_barrier().await;
    let delivery: Delivery = user("user_1").updated(5).message("msg_a").into();
    // At the barrier, where he can no longer be struck from the queue; then he goes.
    let mut call = Box::pin(store.store.mirror.apply(delivery.clone()));
    assert!(call.as_mut().now_or_never().is_none());
    if store.is_postgres() {
        let waiting = "select count(*)::text as line from pg_stat_activity \
                       where datname = current_database() and wait_event_type = 'Lock'";
        crate::patience::eventually("the batch waits at the barrier", async || {
            store.lines(waiting).await == ["1"]
        })
        .await;
        drop(call);
        barrier.lift().await;
        assert_eq!(store.apply(delivery).await, Duplicate);
    } else {
        // SQLite shows nobody who waits: he was written or not, and is never written twice.
        drop(call);
        barrier.lift().await;
        assert!(matches!(store.apply(delivery).await, Applied | Duplicate));
    }
    assert_eq!(store.feed().await, ["upsert user user_1"]);
}
