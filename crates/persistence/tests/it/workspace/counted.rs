//! How many portfolios a user has, as it is answered and as the feed tells it.

use domain::workspace::{
    CalculationJob, Owned, Portfolio, PortfolioPatch, PortfolioSummary, Scope, Written,
};
use domain::{ChangeKind, ChangeOp, OwnedRows, Portfolios};
use serde_json::{Value, json};
use uuid::Uuid;

use super::kinds::{listing, portfolio, position};
use super::{admin, known_user, made, on_every_wall, scope, workspace};
use crate::store::TestStore;

on_every_wall! {
    the_feed_tells_of_each_change_in_what_a_user_has,
    both_owners_of_a_gift_are_told_of,
    what_changes_no_count_is_not_told,
    at_the_end_of_a_crowd_the_feed_says_what_there_is,
    the_latest_job_of_each_portfolio_is_found_at_once,
}

/// What the feed tells of portfolios, in its order.
async fn told(store: &TestStore) -> Vec<(String, Value)> {
    let feed = store.store.changes.after(0, 10_000).await.unwrap();
    let of_portfolios = feed
        .into_iter()
        .filter(|item| item.change.kind == ChangeKind::Portfolios);
    of_portfolios
        .map(|item| {
            assert_eq!(item.change.op, ChangeOp::Upsert);
            (item.change.clerk_id, item.change.data)
        })
        .collect()
}

fn line(clerk_id: &str, first: Option<Uuid>, count: u64) -> (String, Value) {
    let data = json!({ "portfolio_id": first, "portfolio_count": count });
    (clerk_id.to_owned(), data)
}

async fn summary(store: &TestStore, clerk_id: &str) -> PortfolioSummary {
    let caller = store.store.users.caller(clerk_id, "sess_1").await.unwrap();
    caller.expect("a user").portfolios
}

async fn the_feed_tells_of_each_change_in_what_a_user_has(store: TestStore) {
    let ann = known_user(&store, "user_ann").await;
    known_user(&store, "user_bob").await;
    let ports = workspace(&store);
    let first = made(&*ports.portfolios, &ann, portfolio()).await.id;
    let import =
        ports
            .whole_portfolios
            .import(&ann, portfolio(), vec![position(Uuid::nil()); 3], Some(2));
    let second = import.await.unwrap().done().unwrap().id;
    let both = PortfolioSummary {
        first: Some(first),
        count: 2,
    };
    assert_eq!(summary(&store, "user_ann").await, both);
    assert!(ports.portfolios.delete(&ann, first).await.unwrap());
    // By an admin it is the owner's line too.
    assert!(ports.portfolios.delete(&admin(), second).await.unwrap());
    assert_eq!(
        summary(&store, "user_ann").await,
        PortfolioSummary::default()
    );
    let expected = [
        line("user_ann", Some(first), 1),
        line("user_ann", Some(first), 2),
        line("user_ann", Some(second), 1),
        line("user_ann", None, 0),
    ];
    assert_eq!(told(&store).await, expected);
}

async fn both_owners_of_a_gift_are_told_of(store: TestStore) {
    let (ann, bob) = (
        known_user(&store, "user_ann").await,
        known_user(&store, "user_bob").await,
    );
    let ports = workspace(&store);
    let old = made(&*ports.portfolios, &ann, portfolio()).await.id;
    let young = made(&*ports.portfolios, &bob, portfolio()).await.id;
    let before = told(&store).await.len();
    let give = async |owner: Uuid| ports.portfolios.give(&admin(), old, owner).await.unwrap();
    assert!(matches!(give(bob.user_id).await, Written::Done(_)));
    let news = told(&store).await.split_off(before);
    assert_eq!(news.len(), 2);
    // Older than his own.
    assert!(old < young && news.contains(&line("user_bob", Some(old), 2)));
    assert!(news.contains(&line("user_ann", None, 0)));
    // To whom it belongs already, once; to nobody, not at all.
    give(bob.user_id).await;
    assert!(matches!(
        give(Uuid::now_v7()).await,
        Written::UnknownReference(_)
    ));
    let news = told(&store).await.split_off(before + 2);
    assert_eq!(news, [line("user_bob", Some(old), 2)]);
}

async fn what_changes_no_count_is_not_told(store: TestStore) {
    let (ann, nobody) = (known_user(&store, "user_ann").await, scope());
    let ports = workspace(&store);
    let one = made(&*ports.portfolios, &ann, portfolio()).await;
    let patch = PortfolioPatch {
        name: Some("B".to_owned()),
        ..PortfolioPatch::default()
    };
    let renamed = ports.portfolios.change(&ann, one.id, patch).await.unwrap();
    assert!(matches!(renamed, Written::Done(_)));
    made(&*ports.positions, &ann, position(one.id)).await;
    made(&*ports.listings, &ann, listing()).await;
    let refused = ports.portfolios.create(&ann, portfolio(), Some(1)).await;
    assert_eq!(refused.unwrap(), Written::LimitReached { limit: 1 });
    let whole = &ports.whole_portfolios;
    let refused = whole.import(&ann, portfolio(), Vec::new(), Some(1)).await;
    assert_eq!(refused.unwrap(), Written::LimitReached { limit: 1 });
    assert!(!ports.portfolios.delete(&nobody, one.id).await.unwrap());
    let given = ports.portfolios.give(&ann, one.id, ann.user_id).await;
    assert_eq!(given.unwrap(), Written::Unknown);
    // Of whom there is no row, nobody remembers anything.
    made(&*ports.portfolios, &nobody, portfolio()).await;
    assert_eq!(
        told(&store).await,
        [line("user_ann", Some(one.id), 1)],
        "and nothing else"
    );
}

/// Makes, renames, imports, gives and deletes portfolios.
async fn busy(ports: domain::Workspace, owner: Scope, to: Uuid, n: u32) {
    let port: &dyn OwnedRows<Portfolio> = &*ports.portfolios;
    let whole: &dyn Portfolios = &*ports.whole_portfolios;
    let row: Owned<Portfolio> = if n.is_multiple_of(2) {
        made(port, &owner, portfolio()).await
    } else {
        let positions = vec![position(Uuid::nil()); 2];
        let imported = whole.import(&owner, portfolio(), positions, Some(100));
        imported.await.unwrap().done().unwrap()
    };
    let patch = PortfolioPatch {
        name: Some(format!("{n}")),
        ..PortfolioPatch::default()
    };
    let (boss, renamed) = (admin(), port.change(&owner, row.id, patch));
    let moved = async {
        match n % 3 {
            0 => {
                port.delete(&owner, row.id).await.unwrap();
            }
            1 => {
                port.give(&boss, row.id, to).await.unwrap();
            }
            _ => {}
        }
    };
    let (renamed, ()) = tokio::join!(renamed, moved);
    renamed.unwrap();
}

async fn at_the_end_of_a_crowd_the_feed_says_what_there_is(store: TestStore) {
    let people = [
        ("user_ann", known_user(&store, "user_ann").await),
        ("user_bob", known_user(&store, "user_bob").await),
    ];
    let mut crowd = tokio::task::JoinSet::new();
    for n in 0..40_u32 {
        let [(_, one), (_, other)] = people.clone();
        let (owner, to) = if n % 4 < 2 {
            (one, other)
        } else {
            (other, one)
        };
        crowd.spawn(busy(workspace(&store).clone(), owner, to.user_id, n));
    }
    // The mirror is written meanwhile.
    for n in 0..10 {
        known_user(&store, &format!("user_{n}")).await;
    }
    crowd.join_all().await;
    let told = told(&store).await;
    for (clerk_id, _) in &people {
        let PortfolioSummary { first, count } = summary(&store, clerk_id).await;
        let last = told.iter().rfind(|(whose, _)| whose == clerk_id).unwrap();
        assert_eq!(*last, line(clerk_id, first, count));
        assert!(count > 0);
    }
}

async fn the_latest_job_of_each_portfolio_is_found_at_once(store: TestStore) {
    let (ports, owner, other) = (workspace(&store), scope(), scope());
    let (mut held, mut newest) = (Vec::new(), Vec::new());
    for jobs in 0..4 {
        let row = made(&*ports.portfolios, &owner, portfolio()).await;
        held.push(row.id);
        let mut last = None;
        for _ in 0..jobs {
            let job = CalculationJob::queued(row.id);
            last = Some(made(&*ports.jobs, &owner, job).await.id);
        }
        newest.extend(last);
    }
    let foreign = made(&*ports.portfolios, &other, portfolio()).await.id;
    let of_other = made(&*ports.jobs, &other, CalculationJob::queued(foreign)).await;
    let found = async |scope: &Scope, ids: &[Uuid]| {
        let latest = ports.whole_portfolios.latest_jobs(scope, ids.to_vec());
        let mut found: Vec<Uuid> = latest.await.unwrap().iter().map(|job| job.id).collect();
        found.sort();
        found
    };
    let mut asked = held.clone();
    asked.extend([foreign, Uuid::now_v7(), held[1]]);
    assert_eq!(found(&owner, &asked).await, newest);
    assert_eq!(found(&owner, &held[2..3]).await, newest[1..2]);
    assert_eq!(found(&other, &asked).await, [of_other.id]);
    newest.push(of_other.id);
    assert_eq!(found(&admin(), &asked).await, newest);
    assert!(found(&owner, &[]).await.is_empty());
}
