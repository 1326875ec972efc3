//! Calls that are dropped at random points: no transaction stays open, and nobody is taken for another afterwards.

use std::time::Duration;

use domain::workspace::{Listing, ListingPatch, OwnedFilter, Scope};

use super::{admin, as_application_of, ids, made, scope, workspace};
use crate::patience::eventually;
use crate::store::TestStore;

const CALLS: u64 = 1_500;

#[tokio::test(flavor = "multi_thread")]
async fn dropped_calls_leave_nothing_behind_on_sqlite() {
    storm(&TestStore::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_calls_leave_nothing_behind_on_postgres() {
    let (store, url) = as_application_of().await;
    storm(&store).await;
    let idle = "select count(*)::text as line from pg_stat_activity \
                where datname = current_database() and state like 'idle in transaction%'";
    eventually("no connection idles in a transaction", async || {
        store.lines(idle).await == ["0"]
    })
    .await;
    drop(url);
}

async fn storm(store: &TestStore) {
    let users: Vec<Scope> = (0..8).map(|_| scope()).collect();
    let mut rows = Vec::new();
    for user in &users {
        rows.push(
            made(&*workspace(store).listings, user, Listing::titled("A"))
                .await
                .id,
        );
    }
    let boss = admin();
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..CALLS {
        let port = workspace(store).listings.clone();
        let pick = usize::try_from(n).unwrap() % users.len();
        let (user, boss) = (users[pick].clone(), boss.clone());
        let (own, others) = (rows[pick], rows[(pick + 1) % rows.len()]);
        calls.spawn(async move {
            // From at once to about as long as a call takes, in an order that looks random and is always the same.
            let patience = Duration::from_micros(n * 7_919 % 9_000);
            let call = async {
                match n % 5 {
                    0 => {
                        let patch = ListingPatch {
                            title: Some(format!("A {n}")),
                            ..ListingPatch::default()
                        };
                        port.change(&user, own, patch).await.map(|_| true)
                    }
                    1 => port.find(&user, others).await.map(|row| row.is_none()),
                    2 => port.find(&boss, others).await.map(|row| row.is_some()),
                    3 => port
                        .create(&user, Listing::titled("B"), None)
                        .await
                        .map(|_| true),
                    _ => {
                        let page = domain::PageQuery {
                            limit: 200,
                            after: None,
                        };
                        let page = port.list(&user, OwnedFilter::default(), page).await;
                        page.map(|page| {
                            page.items
                                .iter()
                                .all(|row| row.user_id == Some(user.user_id))
                        })
                    }
                }
            };
            match tokio::time::timeout(patience, call).await {
                // Nobody waits for it any more.
                Err(_) => true,
                Ok(answer) => answer.unwrap_or(true),
            }
        });
    }
    let sound = calls.join_all().await;
    assert!(
        sound.into_iter().all(|sound| sound),
        "a call saw another's rows, or not its own"
    );

    // Each of them has his own, and nothing else, on whatever connection.
    for _ in 0..3 {
        for (user, own) in users.iter().zip(&rows) {
            let port = &*workspace(store).listings;
            let seen = ids(port, user, OwnedFilter::default()).await;
            assert!(seen.contains(own));
            for row in rows.iter().filter(|row| *row != own) {
                assert!(!seen.contains(row));
                assert_eq!(port.find(user, *row).await.unwrap(), None);
            }
        }
    }
    let strange = "select cast(count(*) as text) as line from listings \
                   where user_id is null or title not like 'A%' and title <> 'B'";
    assert_eq!(store.lines(strange).await, ["0"]);
}
