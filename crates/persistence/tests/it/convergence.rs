//! Whatever the order of arrival, with copies and with many at once, the rows end the same.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::{Delivery, Outcome};
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::history::{History, history};
use crate::model;
use crate::store::TestStore;
use crate::tables::{self, Table};

#[test]
fn any_order_ends_in_the_same_rows_on_sqlite() {
    converges(Config::default().cases / 4, TestStore::sqlite);
}

#[test]
fn any_order_ends_in_the_same_rows_on_postgres() {
    converges(Config::default().cases / 8, TestStore::postgres);
}

/// `PROPTEST_CASES` makes it more cases, or fewer.
fn converges(cases: u32, open: impl AsyncFn() -> TestStore) {
    let runtime = Runtime::new().unwrap();
    let store = runtime.block_on(open());
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    };
    let result = TestRunner::new(config).run(&history(), |history| {
        runtime.block_on(ends_the_same(&store, &history))
    });
    // Before the runtime that its connections live in.
    drop(store);
    if let Err(TestError::Fail(reason, history)) = result {
        panic!("{reason}\n{history:#?}");
    }
    result.unwrap();
}

async fn ends_the_same(store: &TestStore, history: &History) -> Result<(), TestCaseError> {
    static CASES: AtomicU64 = AtomicU64::new(0);
    let case = CASES.fetch_add(1, Ordering::Relaxed);
    let (shuffled, in_order) = (format!("s{case}."), format!("o{case}."));

    let outcomes = deliver(store, history, &shuffled).await;
    let duplicates = outcomes
        .iter()
        .filter(|outcome| **outcome == Outcome::Duplicate)
        .count();
    check(
        "duplicates",
        &duplicates,
        &(history.arrivals.len() - history.facts.len()),
    )?;

    let mut order: Vec<usize> = (0..history.facts.len()).collect();
    order.sort_by_key(|&number| history.facts[number].time());
    for number in order {
        store.apply(message(history, &in_order, number, "")).await;
    }

    let found = rows(store, &shuffled).await;
    check(
        "rows after delivery in order",
        &found,
        &rows(store, &in_order).await,
    )?;
    check(
        "rows of the model",
        &without_places(found.clone()),
        &sorted(model::rows(history)),
    )?;
    the_feed_ends_at_the_rows(store, &shuffled, &found).await?;

    // Everything once more, as the same messages and as others.
    let feed = changes(store, &shuffled).await.len();
    for number in 0..history.facts.len() {
        let outcome = store.apply(message(history, &shuffled, number, "")).await;
        check("a message again", &outcome, &Outcome::Duplicate)?;
        let outcome = store
            .apply(message(history, &shuffled, number, "again"))
            .await;
        check("a fact again", &outcome, &Outcome::Stale)?;
    }
    check(
        "rows after everything again",
        &rows(store, &shuffled).await,
        &found,
    )?;
    check(
        "changes after everything again",
        &changes(store, &shuffled).await.len(),
        &feed,
    )
}

fn check<T: PartialEq + std::fmt::Debug>(
    what: &str,
    found: &T,
    expected: &T,
) -> Result<(), TestCaseError> {
    if found == expected {
        return Ok(());
    }
    Err(TestCaseError::fail(format!(
        "{what}:\n{found:?}\ninstead of\n{expected:?}"
    )))
}

fn message(history: &History, world: &str, number: usize, copy: &str) -> Delivery {
    let message_id = format!("{world}{number}{copy}");
    history.facts[number].delivery(world, number, &message_id)
}

async fn deliver(store: &TestStore, history: &History, world: &str) -> Vec<Outcome> {
    let mut lanes = JoinSet::new();
    for lane in 0..history.at_once {
        let arrivals = history.arrivals.iter().skip(lane).step_by(history.at_once);
        let deliveries: Vec<_> = arrivals
            .map(|&number| message(history, world, number, ""))
            .collect();
        let mirror = store.store.mirror.clone();
        lanes.spawn(async move {
            let mut outcomes = Vec::new();
            for delivery in deliveries {
                outcomes.push(mirror.apply(delivery).await.unwrap().outcome);
            }
            outcomes
        });
    }
    lanes.join_all().await.concat()
}

/// The rows about a world's objects, with the world taken out of their ids.
pub(crate) async fn rows(store: &TestStore, world: &str) -> Vec<Value> {
    let mut all = Vec::new();
    for (table, key) in tables::MIRROR {
        all.extend(of_world(store, table, key, world).await);
    }
    sorted(all)
}

async fn changes(store: &TestStore, world: &str) -> Vec<Value> {
    of_world(store, &tables::CHANGES, "clerk_id", world).await
}

async fn of_world(store: &TestStore, table: &Table, key: &str, world: &str) -> Vec<Value> {
    let rows = store
        .rows_where(table, &format!("{key} like '{world}%'"))
        .await;
    let text = Value::Array(rows).to_string().replace(world, "");
    serde_json::from_str(&text).unwrap()
}

fn sorted(mut rows: Vec<Value>) -> Vec<Value> {
    rows.sort_by_cached_key(Value::to_string);
    rows
}

fn without_places(mut rows: Vec<Value>) -> Vec<Value> {
    for row in rows.iter_mut().filter_map(Value::as_object_mut) {
        row.remove("precedence");
        row.remove("sign_in_precedence");
    }
    sorted(rows)
}

/// Who follows the feed has in the end what the rows say.
async fn the_feed_ends_at_the_rows(
    store: &TestStore,
    world: &str,
    rows: &[Value],
) -> Result<(), TestCaseError> {
    let mut last = BTreeMap::new();
    for change in changes(store, world).await {
        last.insert(change["clerk_id"].to_string(), change);
    }
    for row in rows.iter().filter(|row| row.get("position").is_none()) {
        // A membership names its user too, and a plan its subscription.
        let id = [
            "clerk_session_id",
            "clerk_membership_id",
            "clerk_subscription_item_id",
            "clerk_subscription_id",
            "clerk_organization_id",
            "clerk_user_id",
            "clerk_id",
        ]
        .into_iter()
        .find_map(|key| row.get(key))
        .unwrap();
        let Some(change) = last.get(&id.to_string()) else {
            return Err(TestCaseError::fail(format!("nobody was told of {id}")));
        };
        let is_deleted = !row["deleted_at"].is_null();
        check("the last change", &(change["op"] == "delete"), &is_deleted)?;
        if let Some(data) = row.get("data").filter(|_| !is_deleted) {
            check("the data told last", &change["data"], data)?;
        } else if !is_deleted {
            for told in ["version", "tier"] {
                check(
                    &format!("the {told} told last"),
                    &change["data"][told],
                    &row[told],
                )?;
            }
        }
    }
    Ok(())
}
