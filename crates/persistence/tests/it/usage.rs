//! Metered features: never over the limit, whatever runs at once.

use std::num::NonZeroU32;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{ChangeKind, FeatureUsage, ReserveOutcome, SpendOutcome, UsageRequest};
use uuid::Uuid;

use crate::facts::user;
use crate::store::{TestStore, on_both_stores, open};

on_both_stores! {
    parallel_reservations_of_two_processes_admit_the_limit_exactly,
    parallel_spending_admits_the_limit_exactly,
    a_reservation_is_settled_once,
    what_has_expired_is_free_again,
    a_month_ends_for_all_at_once,
    features_and_users_are_counted_apart,
    more_than_the_limit_at_once_is_refused_before_anything_is_counted,
    what_is_used_for_good_is_told_by_the_feed_and_read_with_the_caller,
}

const NOW: &str = "2026-11-21T12:00:00Z";

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn request(user: u128, limit: u64, at: &str) -> UsageRequest {
    UsageRequest {
        user_id: Uuid::from_u128(user),
        feature: "ai_messages".to_owned(),
        amount: NonZeroU32::MIN,
        limit,
        at: instant(at),
    }
}

async fn reserve(store: &TestStore, request: UsageRequest) -> Option<Uuid> {
    let until = request.at + TimeDelta::minutes(10);
    match store.store.usage.reserve(request, until).await.unwrap() {
        ReserveOutcome::Reserved { reservation, .. } => Some(reservation),
        ReserveOutcome::LimitReached(_) => None,
    }
}

async fn spend(store: &TestStore, request: UsageRequest) -> bool {
    let outcome = store.store.usage.spend(request).await.unwrap();
    matches!(outcome, SpendOutcome::Spent(_))
}

/// Used and held.
async fn counts(store: &TestStore, user: u128, at: &str) -> (u64, u64) {
    let usage = store.store.usage.usage(Uuid::from_u128(user), instant(at));
    let usage: Vec<FeatureUsage> = usage.await.unwrap();
    usage
        .first()
        .map_or((0, 0), |usage| (usage.used, usage.reserved))
}

async fn parallel_reservations_of_two_processes_admit_the_limit_exactly(store: TestStore) {
    let other = open(store.database.url());
    let meters = [store.store.usage.clone(), other.usage.clone()];
    let until = instant(NOW) + TimeDelta::minutes(10);
    let tries = (0..200).map(|number| {
        let meter = meters[number % 2].clone();
        tokio::spawn(async move { meter.reserve(request(1, 37, NOW), until).await.unwrap() })
    });
    let mut granted = Vec::new();
    for outcome in tries.collect::<Vec<_>>() {
        if let ReserveOutcome::Reserved { reservation, .. } = outcome.await.unwrap() {
            granted.push(reservation);
        }
    }
    assert_eq!(granted.len(), 37);
    assert_eq!(counts(&store, 1, NOW).await, (0, 37));
    // Half of it is settled one way and half the other, by whichever process.
    for (number, reservation) in granted.iter().enumerate() {
        let meter = &meters[number % 2];
        let settled = if number < 20 {
            meter.commit(*reservation).await
        } else {
            meter.refund(*reservation).await
        };
        assert!(settled.unwrap());
    }
    assert_eq!(counts(&store, 1, NOW).await, (20, 0));
}

async fn parallel_spending_admits_the_limit_exactly(store: TestStore) {
    let tries = (0..200).map(|_| {
        let meter = store.store.usage.clone();
        tokio::spawn(async move { meter.spend(request(1, 50, NOW)).await.unwrap() })
    });
    let mut spent = 0;
    for outcome in tries.collect::<Vec<_>>() {
        spent += u32::from(matches!(outcome.await.unwrap(), SpendOutcome::Spent(_)));
    }
    assert_eq!(spent, 50);
    assert_eq!(counts(&store, 1, NOW).await, (50, 0));
}

async fn a_reservation_is_settled_once(store: TestStore) {
    let reservation = reserve(&store, request(1, 5, NOW)).await.unwrap();
    let settlers = (0..20).map(|number| {
        let meter = store.store.usage.clone();
        tokio::spawn(async move {
            let settled = if number % 2 == 0 {
                meter.commit(reservation).await
            } else {
                meter.refund(reservation).await
            };
            (number % 2 == 0, settled.unwrap())
        })
    });
    let mut committed = Vec::new();
    for outcome in settlers.collect::<Vec<_>>() {
        let (is_commit, settled) = outcome.await.unwrap();
        if settled {
            committed.push(is_commit);
        }
    }
    assert_eq!(committed.len(), 1);
    assert_eq!(counts(&store, 1, NOW).await, (u64::from(committed[0]), 0));
    assert!(!store.store.usage.commit(Uuid::nil()).await.unwrap());
}

async fn what_has_expired_is_free_again(store: TestStore) {
    let later = "2026-11-21T12:10:00Z";
    let lost = reserve(&store, request(1, 1, NOW)).await.unwrap();
    assert_eq!(
        reserve(&store, request(1, 1, "2026-11-21T12:09:59Z")).await,
        None
    );
    assert_eq!(counts(&store, 1, later).await, (0, 0));
    let next = reserve(&store, request(1, 1, later)).await;
    assert!(next.is_some());
    // Its place was given to another.
    assert!(!store.store.usage.commit(lost).await.unwrap());
    assert_eq!(counts(&store, 1, later).await, (0, 1));
    // One that is late without anybody in its way still counts.
    assert!(store.store.usage.commit(next.unwrap()).await.unwrap());
    assert_eq!(counts(&store, 1, later).await, (1, 0));
}

async fn a_month_ends_for_all_at_once(store: TestStore) {
    let (last, first) = ("2026-11-30T23:59:59.999999Z", "2026-12-01T00:00:00Z");
    assert!(spend(&store, request(1, 2, last)).await);
    let held = reserve(&store, request(1, 2, last)).await.unwrap();
    assert!(!spend(&store, request(1, 2, last)).await);
    assert!(spend(&store, request(1, 2, first)).await);
    assert!(spend(&store, request(1, 2, first)).await);
    assert!(!spend(&store, request(1, 2, first)).await);
    // What was held in the old month is used there.
    assert!(store.store.usage.commit(held).await.unwrap());
    assert_eq!(counts(&store, 1, last).await, (2, 0));
    assert_eq!(counts(&store, 1, first).await, (2, 0));
}

async fn features_and_users_are_counted_apart(store: TestStore) {
    let exports = UsageRequest {
        feature: "exports".to_owned(),
        ..request(1, 1, NOW)
    };
    assert!(spend(&store, request(1, 1, NOW)).await);
    assert!(spend(&store, exports).await);
    assert!(spend(&store, request(2, 1, NOW)).await);
    assert!(!spend(&store, request(1, 1, NOW)).await);
    let usage = store.store.usage.usage(Uuid::from_u128(1), instant(NOW));
    let features: Vec<String> = usage
        .await
        .unwrap()
        .into_iter()
        .map(|of| of.feature)
        .collect();
    assert_eq!(features, ["ai_messages", "exports"]);
}

async fn more_than_the_limit_at_once_is_refused_before_anything_is_counted(store: TestStore) {
    let many = UsageRequest {
        amount: NonZeroU32::new(3).unwrap(),
        ..request(1, 2, NOW)
    };
    assert!(!spend(&store, many).await);
    assert!(!spend(&store, request(1, 0, NOW)).await);
    assert_eq!(counts(&store, 1, NOW).await, (0, 0));
    assert!(spend(&store, request(1, u64::MAX, NOW)).await);
    // A tier that has lapsed leaves less than was used.
    assert!(spend(&store, request(1, 5, NOW)).await);
    assert!(!spend(&store, request(1, 1, NOW)).await);
}

async fn what_is_used_for_good_is_told_by_the_feed_and_read_with_the_caller(store: TestStore) {
    store.apply(user("user_1")).await;
    let caller = async || {
        let found = store.store.users.caller("user_1", "sess_1").await;
        found.unwrap().unwrap()
    };
    let known = caller().await;
    let none = known.usage.unwrap();
    assert!(none.used.is_empty());
    let request = |feature: &str| UsageRequest {
        user_id: known.user.id,
        feature: feature.to_owned(),
        amount: NonZeroU32::new(3).unwrap(),
        limit: 7,
        // The caller's counts are those of this month.
        at: Utc::now(),
    };
    let meter = &store.store.usage;
    meter.spend(request("ai_messages")).await.unwrap();
    meter.spend(request("exports")).await.unwrap();
    let until = Utc::now() + TimeDelta::minutes(10);
    let held = meter.reserve(request("ai_messages"), until).await.unwrap();
    let ReserveOutcome::Reserved { reservation, .. } = held else {
        panic!("there is room");
    };
    let refused = meter.spend(request("ai_messages")).await.unwrap();
    assert!(matches!(refused, SpendOutcome::LimitReached(_)));
    let counts = async || {
        let usage = caller().await.usage.unwrap();
        let now = Utc::now();
        ["ai_messages", "exports", "other"].map(|feature| usage.used_at(feature, now))
    };
    assert_eq!(counts().await, [3, 3, 0]);
    assert!(meter.commit(reservation).await.unwrap());
    assert!(!meter.commit(reservation).await.unwrap());
    assert_eq!(counts().await, [6, 3, 0]);
    let feed = store.store.changes.after(0, 100).await.unwrap();
    let told: Vec<_> = feed
        .iter()
        .filter(|item| item.change.kind == ChangeKind::Usage)
        .map(|item| {
            assert_eq!(item.change.clerk_id, "user_1");
            let data = &item.change.data;
            (data["feature"].as_str().unwrap(), data["used"].as_u64())
        })
        .collect();
    let expected = [
        ("ai_messages", Some(3)),
        ("exports", Some(3)),
        ("ai_messages", Some(6)),
    ];
    assert_eq!(told, expected);
}
