//! Limits that hold however many come at once, and imports that come whole or not at all.

use domain::workspace::{
    CalculationJob, Decimal, JobStatus, JobStep, OwnedFilter, Portfolio, Position, Written,
};
use serde_json::json;
use uuid::Uuid;

use super::kinds::{portfolio, position};
use super::{ids, made, now, on_every_wall, scope, workspace};
use crate::store::TestStore;

on_every_wall! {
    of_many_at_once_so_many_are_made_as_may_be,
    imports_at_once_keep_the_limit_too,
    an_import_comes_whole_or_not_at_all,
    a_job_goes_its_way_once,
    of_each_portfolio_the_newest_calculations_stay,
    bad_fields_are_told_and_nothing_is_kept,
}

const MANY: usize = 200;
const LIMIT: u64 = 7;

async fn of_many_at_once_so_many_are_made_as_may_be(store: TestStore) {
    let owner = scope();
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..MANY {
        let (port, owner) = (workspace(&store).portfolios.clone(), owner.clone());
        calls.spawn(async move { port.create(&owner, portfolio(), Some(LIMIT)).await });
    }
    let (mut made, mut refused) = (0, 0);
    for outcome in calls.join_all().await {
        match outcome.unwrap() {
            Written::Done(_) => made += 1,
            Written::LimitReached { limit: LIMIT } => refused += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((made, refused), (7, MANY - 7));
    let count = "select cast(count(*) as text) as line from portfolios";
    assert_eq!(store.lines(count).await, ["7"]);
    // Another user has a limit of his own; and one that goes makes room for one.
    let port = &workspace(&store).portfolios;
    let other = port.create(&scope(), portfolio(), Some(1)).await.unwrap();
    assert!(matches!(other, Written::Done(_)));
    let one = ids(&**port, &owner, OwnedFilter::default()).await[0];
    assert!(port.delete(&owner, one).await.unwrap());
    assert_eq!(ids(&**port, &owner, OwnedFilter::default()).await.len(), 6);
    let last = port.create(&owner, portfolio(), Some(LIMIT)).await.unwrap();
    assert!(matches!(last, Written::Done(_)));
}

async fn imports_at_once_keep_the_limit_too(store: TestStore) {
    let owner = scope();
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..20 {
        let (ports, owner) = (workspace(&store).clone(), owner.clone());
        calls.spawn(async move {
            if n % 2 == 0 {
                let positions = vec![position(Uuid::nil()); 3];
                let whole = &ports.whole_portfolios;
                whole.import(&owner, portfolio(), positions, Some(2)).await
            } else {
                ports.portfolios.create(&owner, portfolio(), Some(2)).await
            }
        });
    }
    let outcomes = calls.join_all().await;
    let made = outcomes
        .into_iter()
        .filter(|outcome| matches!(outcome, Ok(Written::Done(_))));
    assert_eq!(made.count(), 2);
}

async fn an_import_comes_whole_or_not_at_all(store: TestStore) {
    let (ports, owner) = (workspace(&store), scope());
    let whole = &ports.whole_portfolios;
    let named = |symbol: String| Position {
        symbol: symbol.parse().unwrap(),
        ..position(Uuid::nil())
    };
    let positions: Vec<Position> = (0..6_000).map(|n| named(format!("S{n}"))).collect();
    let row = whole
        .import(&owner, portfolio(), positions.clone(), Some(1))
        .await
        .unwrap()
        .done()
        .expect("a portfolio");
    let kept = whole.positions(&owner, row.id).await.unwrap().unwrap();
    assert_eq!(kept.len(), 6_000);
    for (kept, brought) in kept.iter().zip(&positions) {
        let brought = Position {
            portfolio_id: row.id,
            ..brought.clone()
        };
        assert_eq!(kept.body, brought);
        assert_eq!(kept.user_id, Some(owner.user_id));
    }
    assert_eq!(whole.positions(&scope(), row.id).await.unwrap(), None);
    let all = OwnedFilter::default();
    assert_eq!(ids(&*ports.portfolios, &owner, all).await, [row.id]);
    assert!(ids(&*ports.portfolios, &scope(), all).await.is_empty());

    let other = scope();
    let bad = Position {
        quantity: Decimal::ZERO,
        ..position(Uuid::nil())
    };
    let positions = vec![position(Uuid::nil()), bad];
    let refused = whole
        .import(&other, portfolio(), positions, None)
        .await
        .unwrap();
    assert!(matches!(&refused, Written::Invalid(problems) if problems[0].field == "quantity"));
    assert!(ids(&*ports.portfolios, &other, all).await.is_empty());
}

async fn a_job_goes_its_way_once(store: TestStore) {
    let (ports, owner) = (workspace(&store), scope());
    let held = made(&*ports.portfolios, &owner, portfolio()).await;
    let idle = made(&*ports.portfolios, &owner, portfolio()).await;
    made(&*ports.jobs, &owner, CalculationJob::queued(held.id)).await;
    let job = made(&*ports.jobs, &owner, CalculationJob::queued(held.id)).await;
    let step = async |step| ports.jobs.change(&owner, job.id, step).await.unwrap();
    let begun = step(JobStep::Begin).await.done().unwrap();
    assert_eq!(begun.body.status, JobStatus::Running);
    let finish = JobStep::Finish {
        result: json!({"total": "1.5"}),
        at: now(),
    };
    let done = step(finish).await.done().unwrap();
    let fail = JobStep::Fail {
        error: "late".to_owned(),
        at: now(),
    };
    assert_eq!(step(fail).await.done().unwrap().body, done.body);
    let latest = async |scope, ids| {
        let whole = &ports.whole_portfolios;
        whole.latest_jobs(scope, ids).await.unwrap()
    };
    let found = latest(&owner, vec![held.id, idle.id, Uuid::now_v7()]).await;
    let found: Vec<Uuid> = found.into_iter().map(|job| job.id).collect();
    assert_eq!(found, [job.id]);
    assert!(latest(&scope(), vec![held.id]).await.is_empty());
}

async fn of_each_portfolio_the_newest_calculations_stay(store: TestStore) {
    let (ports, owner) = (workspace(&store), scope());
    let held = made(&*ports.portfolios, &owner, portfolio()).await;
    let other = made(&*ports.portfolios, &owner, portfolio()).await;
    let ended = |portfolio_id| CalculationJob {
        status: JobStatus::Done,
        finished_at: Some(now()),
        ..CalculationJob::queued(portfolio_id)
    };
    let under_way = made(&*ports.jobs, &owner, CalculationJob::queued(held.id)).await;
    let elsewhere = made(&*ports.jobs, &owner, ended(other.id)).await;
    let mut all = Vec::new();
    for _ in 0..25 {
        all.push(made(&*ports.jobs, &owner, ended(held.id)).await.id);
    }
    // The twenty newest, and what has not ended.
    let mut kept: Vec<Uuid> = all[5..].iter().rev().copied().collect();
    kept.push(under_way.id);
    let of = |id| OwnedFilter {
        parent: Some(id),
        ..OwnedFilter::default()
    };
    assert_eq!(ids(&*ports.jobs, &owner, of(held.id)).await, kept);
    assert_eq!(
        ids(&*ports.jobs, &owner, of(other.id)).await,
        [elsewhere.id]
    );
}

async fn bad_fields_are_told_and_nothing_is_kept(store: TestStore) {
    let (ports, owner) = (workspace(&store), scope());
    let nameless = Portfolio {
        name: String::new(),
        description: Some("x".repeat(20_000)),
    };
    let refused = ports
        .portfolios
        .create(&owner, nameless, None)
        .await
        .unwrap();
    assert!(matches!(refused, Written::Invalid(problems) if problems.len() == 2));
    assert_eq!(
        ids(&*ports.portfolios, &owner, OwnedFilter::default()).await,
        [] as [Uuid; 0]
    );
    // Pages follow one another without a row twice or none.
    let mut all = Vec::new();
    for _ in 0..7 {
        all.push(made(&*ports.portfolios, &owner, portfolio()).await.id);
    }
    all.reverse();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = domain::PageQuery { limit: 3, after };
        let page = ports
            .portfolios
            .list(&owner, OwnedFilter::default(), page)
            .await
            .unwrap();
        seen.extend(page.items.iter().map(|row| row.id));
        after = seen.last().copied();
        if page.next_cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, all);
}
