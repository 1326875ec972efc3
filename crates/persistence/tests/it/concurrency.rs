//! Many at once, in one process and in several.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::Outcome;
use domain::{Delivery, Receipt};
use tokio::task::JoinSet;

use crate::facts::{deleted_user, id, session, user};
use crate::store::{POOL_SIZE, TestStore, on_both_stores, open};
use crate::tables;

on_both_stores! {
    of_many_copies_of_one_message_one_is_applied,
    of_many_updates_the_greatest_stands,
    a_user_updated_while_being_deleted_stays_deleted,
    a_reader_of_the_feed_misses_nothing,
    any_default_isolation_will_do,
    readers_do_not_wait_behind_writers,
}

/// Applies all at once, through two stores on the one database, as two replicas would.
pub(crate) async fn apply_at_once(store: &TestStore, deliveries: Vec<Delivery>) -> Vec<Receipt> {
    let replicas = [store.store.clone(), open(store.database.url())];
    let mut calls = JoinSet::new();
    for (number, delivery) in deliveries.into_iter().enumerate() {
        let mirror = replicas[number % 2].mirror.clone();
        calls.spawn(async move { mirror.apply(delivery).await.unwrap() });
    }
    calls.join_all().await
}

async fn of_many_copies_of_one_message_one_is_applied(store: TestStore) {
    let delivery: Delivery = user("user_1").updated(5).message("msg_a").into();
    let receipts = apply_at_once(&store, vec![delivery; 32]).await;
    let count = |outcome| {
        receipts
            .iter()
            .filter(|receipt| receipt.outcome == outcome)
            .count()
    };
    assert_eq!(
        (count(Outcome::Applied), count(Outcome::Duplicate)),
        (1, 31)
    );
    assert_eq!(store.ledger_line("msg_a").await["attempts"], 32);
    assert_eq!(store.feed().await, ["upsert user user_1"]);
}

fn updates(count: i64) -> Vec<Delivery> {
    (0..count)
        .map(|n| {
            let time = n * 37 % count;
            let address = format!("ann{time}@example.com");
            user("user_1")
                .updated(time)
                .named(&format!("Ann {time}"))
                .primary_email(&address)
                .into()
        })
        .collect()
}

async fn of_many_updates_the_greatest_stands(store: TestStore) {
    let receipts = apply_at_once(&store, updates(64)).await;
    let applied = receipts
        .iter()
        .filter(|receipt| receipt.outcome == Outcome::Applied)
        .count();
    let row = store.user("user_1").await;
    assert_eq!(
        (&row["first_name"], &row["email"]),
        (&"Ann 63".into(), &"ann63@example.com".into())
    );
    assert_eq!(store.rows(&tables::EMAILS).await.len(), 1);
    let feed = store.rows(&tables::CHANGES).await;
    assert_eq!(feed.len(), applied);
    let versions: Vec<_> = feed
        .iter()
        .map(|change| change["data"]["version"].as_i64().unwrap())
        .collect();
    assert!(versions.is_sorted(), "the feed goes forward: {versions:?}");
}

async fn a_user_updated_while_being_deleted_stays_deleted(store: TestStore) {
    let mut deliveries = updates(30);
    for place in [25, 15, 5] {
        deliveries.insert(place, deleted_user("user_1").updated(10).into());
    }
    apply_at_once(&store, deliveries).await;
    let row = store.user("user_1").await;
    assert_eq!(
        (&row["deleted_at"], &row["is_active"]),
        (&10.into(), &false.into())
    );
    assert_eq!(
        row["first_name"], "Ann 29",
        "the profile follows all the same"
    );
    let feed = store.feed().await;
    assert_eq!(
        feed.last().unwrap(),
        "delete user user_1",
        "and nobody is told"
    );
    assert_eq!(
        feed.iter()
            .filter(|line| line.starts_with("delete"))
            .count(),
        1
    );
}

/// A reader asks for what comes after the last cursor that it knows: nothing may appear before that later on.
async fn a_reader_of_the_feed_misses_nothing(store: TestStore) {
    if store.is_postgres() {
        // Every other writer takes its time between its cursor and its commit: the next one would overtake it.
        let dawdle = "create function dawdle() returns trigger language plpgsql as $$ begin \
                      perform pg_sleep(case when new.cursor % 2 = 0 then 0.02 else 0 end); return null; end $$; \
                      create trigger dawdle after insert on changes for each row execute function dawdle()";
        store.execute(dawdle).await;
    }
    let store = Arc::new(store);
    let is_over = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn({
        let (store, is_over) = (store.clone(), is_over.clone());
        async move {
            let (mut seen, mut last) = (Vec::new(), 0);
            loop {
                // Asked before reading, so that the last reading comes after the last write.
                let is_last = is_over.load(Ordering::SeqCst);
                let news = format!("cursor > {last}");
                for change in store.rows_where(&tables::CHANGES, &news).await {
                    last = change["cursor"].as_i64().unwrap();
                    seen.push(change);
                }
                if is_last {
                    return seen;
                }
            }
        }
    });
    let deliveries = (0..60)
        .map(|n| match n % 2 {
            0 => user(&format!("user_{n}")).updated(n).into(),
            _ => session(&format!("sess_{n}"), "active").updated(n).into(),
        })
        .collect();
    apply_at_once(&store, deliveries).await;
    is_over.store(true, Ordering::SeqCst);
    let seen = reader.await.unwrap();
    assert_eq!(seen.len(), 60);
    assert_eq!(seen, store.rows(&tables::CHANGES).await);
}

/// A database may have been told to make every transaction a stricter one: then a writer that has waited for the lock
/// would not see what was committed meanwhile, and fail.
async fn any_default_isolation_will_do(store: TestStore) {
    if store.is_postgres() {
        let set = "do $$ begin execute format('alter database %I set default_transaction_isolation = %L', \
                   current_database(), 'serializable'); end $$";
        store.execute(set).await;
    }
    apply_at_once(&store, updates(32)).await;
    assert_eq!(store.user("user_1").await["first_name"], "Ann 31");
}

/// A burst of webhooks, or one that is stuck, must not keep people from signing in.
async fn readers_do_not_wait_behind_writers(store: TestStore) {
    store.apply(user("user_1").updated(5)).await;
    let barrier = store.writers_barrier().await;
    let writers: Vec<_> = (0..4 * POOL_SIZE)
        .map(|n| {
            let mirror = store.store.mirror.clone();
            let delivery = session(&format!("sess_{n}"), "active").into();
            tokio::spawn(async move { mirror.apply(delivery).await })
        })
        .collect();
    let caller = async || store.store.users.caller(&id("user_1"), &id("sess_1")).await;
    for _ in 0..50 {
        // Each turn lets the writers come as far as they get.
        tokio::task::yield_now().await;
        assert!(caller().await.unwrap().is_some());
    }
    barrier.lift().await;
    for writer in writers {
        assert_eq!(writer.await.unwrap().unwrap().outcome, Outcome::Applied);
    }
}
