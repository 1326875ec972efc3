//! Calls that nobody waits for any more: a caller may go at any moment, as a client that hangs up makes a handler go.

use std::time::Duration;

use domain::Delivery;
use domain::Outcome::{Applied, Duplicate};

use crate::facts::{session, user};
use crate::patience::eventually;
use crate::store::{POOL_SIZE, TestStore, on_both_stores};
use crate::tables;

on_both_stores! {
    a_storm_of_cancelled_calls_blocks_nobody_and_loses_nothing,
    a_cancelled_call_holds_no_lock,
}

async fn a_storm_of_cancelled_calls_blocks_nobody_and_loses_nothing(store: TestStore) {
    let deliveries: Vec<Delivery> = (0..200)
        .map(|n| match n % 4 {
            0 => session(&format!("sess_{n}"), "active")
                .updated(n)
                .signed_in("192.0.2.1", "x")
                .into(),
            1 => session(&format!("sess_{}", n - 1), "ended")
                .updated(n)
                .into(),
            _ => user("user_1")
                .updated(n)
                .named(&format!("Ann {n}"))
                .email("ann@example.com")
                .into(),
        })
        .collect();
    let mut calls = tokio::task::JoinSet::new();
    for (n, delivery) in (0_u64..).zip(deliveries.iter().cloned()) {
        let mirror = store.store.mirror.clone();
        calls.spawn(async move {
            // From at once to about as long as a call takes, in an order that looks random and is always the same.
            let patience = Duration::from_micros(n * 7_919 % 6_000);
            let call = mirror.apply(delivery);
            matches!(
                tokio::time::timeout(patience, call).await,
                Err(_) | Ok(Ok(_))
            )
        });
    }
    let fine = calls.join_all().await;
    assert!(
        fine.into_iter().all(|fine| fine),
        "a call that was not cancelled failed"
    );

    // Whatever had been cut off when, everything can be told again at once and ends in the right rows.
    for delivery in &deliveries {
        let outcome = store.apply(delivery.clone()).await;
        assert!(outcome != domain::Outcome::Quarantined, "{delivery:?}");
    }
    assert_eq!(store.user("user_1").await["first_name"], "Ann 199");
    assert_eq!(store.rows(&tables::LEDGER).await.len(), deliveries.len());
    let open = store
        .rows_where(&tables::SESSIONS, "status <> 'ended' or client_ip is null")
        .await;
    assert!(open.is_empty(), "{open:?}");
    no_connection_idles_in_a_transaction(&store).await;
    the_pool_is_whole(&store).await;
}

async fn a_cancelled_call_holds_no_lock(store: TestStore) {
    // The pool fills, so that the connection of a dropped call is not the very next one to be used.
    let filling: Vec<_> = (0..POOL_SIZE)
        .map(|n| store.apply(session(&format!("sess_{n}"), "active")))
        .collect();
    futures_util::future::join_all(filling).await;
    // Each is dropped a little later than the one before, some of them in the middle of the transaction.
    for n in 0..40 {
        let delivery: Delivery = user("user_1")
            .updated(n)
            .message(&format!("msg_cut_{n}"))
            .into();
        let patience = Duration::from_micros(u64::try_from(n).unwrap() * 100);
        let _ = tokio::time::timeout(patience, store.store.mirror.apply(delivery.clone())).await;
        // The next one must not have to wait for a timeout of the database's own.
        let outcome = store.apply(delivery).await;
        assert!(matches!(outcome, Applied | Duplicate), "{n}: {outcome}");
    }
    let told = store
        .rows_where(&tables::LEDGER, "svix_id like 'msg_cut_%'")
        .await;
    assert_eq!(told.len(), 40);
    no_connection_idles_in_a_transaction(&store).await;
}

async fn no_connection_idles_in_a_transaction(store: &TestStore) {
    if store.is_postgres() {
        let idle = "select count(*)::text as line from pg_stat_activity \
                    where datname = current_database() and state like 'idle in transaction%'";
        eventually("no connection idles in a transaction", async || {
            store.lines(idle).await == ["0"]
        })
        .await;
    }
}

/// As many calls as the pool has connections are in the database at one time.
async fn the_pool_is_whole(store: &TestStore) {
    if !store.is_postgres() {
        return;
    }
    let mut client = store.client().await;
    let barrier = client.transaction().await.unwrap();
    barrier
        .batch_execute("lock table webhook_deliveries")
        .await
        .unwrap();
    let calls: Vec<_> = (0..POOL_SIZE)
        .map(|_| {
            let deliveries = store.store.deliveries.clone();
            tokio::spawn(async move { deliveries.find("msg_nothing").await })
        })
        .collect();
    let waiting = "select count(*)::text as line from pg_stat_activity \
                   where datname = current_database() and wait_event_type = 'Lock'";
    let all = POOL_SIZE.to_string();
    eventually("the whole pool waits at the barrier", async || {
        store.lines(waiting).await == [all.as_str()]
    })
    .await;
    barrier.rollback().await.unwrap();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap(), None);
    }
}
