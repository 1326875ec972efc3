//! A PostgreSQL that is away, dumb or going: the same call may succeed later, and no call hangs.

use std::time::Duration;

use domain::Outcome::{Applied, Duplicate};
use domain::{Delivery, StoreError};
use tokio::net::TcpListener;

use crate::facts::{id, user};
use crate::patience::eventually;
use crate::store::{POOL_SIZE, TestStore, open};

/// Longer than any call may take: what passes it hangs.
const TOO_LONG: Duration = Duration::from_secs(20);

async fn is_unavailable(url: &str) {
    let store = open(url);
    let calls = async {
        let (applied, caller, report) = tokio::join!(
            store.mirror.apply(user("user_1").into()),
            async { store.users.caller(&id("user_1"), &id("sess_1")).await },
            store.health.report(),
        );
        assert!(
            matches!(applied, Err(StoreError::Unavailable(_))),
            "{applied:?}"
        );
        assert!(
            matches!(caller, Err(StoreError::Unavailable(_))),
            "{caller:?}"
        );
        assert!(
            matches!(report, Err(StoreError::Unavailable(_))),
            "{report:?}"
        );
    };
    assert!(
        tokio::time::timeout(TOO_LONG, calls).await.is_ok(),
        "a call hangs"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_port_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    is_unavailable(&format!("postgres://u@{address}/db")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_answers_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok(connection) = listener.accept().await {
            held.push(connection);
        }
    });
    is_unavailable(&format!("postgres://u@{address}/db")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_is_not_reached_when_tls_is_asked_for() {
    let store = TestStore::postgres().await;
    is_unavailable(&format!("{}?sslmode=require", store.database.url())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pool_recovers_when_every_connection_is_ended() {
    let store = TestStore::postgres().await;
    for round in 0..3 {
        // All of the pool's connections, idle or at work.
        let calls = (0..POOL_SIZE).map(|n| store.apply(user(&format!("user_{round}_{n}"))));
        futures_util::future::join_all(calls).await;
        let end = "select pg_terminate_backend(pid)::text as line from pg_stat_activity \
                   where datname = current_database() and application_name = 'clerk-sync'";
        assert!(!store.lines(end).await.is_empty());

        let delivery: Delivery = user("user_1")
            .updated(round)
            .message(&format!("msg_{round}"))
            .into();
        let mut tries = 0;
        let outcome = loop {
            tries += 1;
            match store.store.mirror.apply(delivery.clone()).await {
                Ok(receipt) => break receipt.outcome,
                Err(error) => assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}"),
            }
            // Each dead connection costs one try at most.
            assert!(tries <= POOL_SIZE, "the pool does not recover");
        };
        assert_eq!(outcome, Applied);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_cut_off_by_the_server_is_unavailable_and_may_be_repeated() {
    let store = TestStore::postgres().await;
    let mut client = store.client().await;
    let barrier = client.transaction().await.unwrap();
    barrier.batch_execute("lock table users").await.unwrap();
    let delivery: Delivery = user("user_1").updated(5).into();
    let call = tokio::spawn({
        let (mirror, delivery) = (store.store.mirror.clone(), delivery.clone());
        async move { mirror.apply(delivery).await }
    });
    let end = "select pg_terminate_backend(pid)::text as line from pg_stat_activity \
               where datname = current_database() and wait_event_type = 'Lock'";
    eventually("the call waits and is ended", async || {
        !store.lines(end).await.is_empty()
    })
    .await;
    let cut = call.await.unwrap();
    assert!(matches!(cut, Err(StoreError::Unavailable(_))), "{cut:?}");
    barrier.rollback().await.unwrap();
    let outcome = store.apply(delivery).await;
    assert!(matches!(outcome, Applied | Duplicate), "{outcome}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_waits_for_a_lock_gives_up() {
    let store = TestStore::postgres().await;
    let mut client = store.client().await;
    let barrier = client.transaction().await.unwrap();
    barrier.batch_execute("lock table users").await.unwrap();
    let delivery: Delivery = user("user_1").updated(5).into();
    let call = store.store.mirror.apply(delivery.clone());
    let Ok(gave_up) = tokio::time::timeout(TOO_LONG, call).await else {
        panic!("the call hangs")
    };
    assert!(
        matches!(gave_up, Err(StoreError::Unavailable(_))),
        "{gave_up:?}"
    );
    barrier.rollback().await.unwrap();
    assert_eq!(store.apply(delivery).await, Applied);
}
