//! What background work needs: leases, checkpoints, pruning.

use std::num::NonZeroU32;

use chrono::{DateTime, TimeDelta, Utc};
use domain::Outcome::{Applied, Duplicate};
use domain::{Effect, Rejection, UsageRequest};
use serde_json::Value;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::facts::{RECEIVED, at, user, without_effect};
use crate::store::{TestStore, on_both_stores, open};
use crate::tables;

on_both_stores! {
    of_two_holders_one_has_the_lease_until_it_ends,
    of_many_who_ask_at_once_one_has_the_lease,
    leases_of_two_jobs_are_apart,
    a_lease_from_a_clock_far_ahead_keeps_nobody_away,
    a_checkpoint_is_kept_replaced_and_forgotten,
    old_lines_are_pruned_a_few_at_a_time_and_quarantined_ones_stay,
    pruning_leaves_what_the_lines_told,
    leftovers_of_past_months_and_hours_are_pruned_a_few_at_a_time,
}

async fn lease(store: &TestStore, job: &str, holder: &str, now: i64, until: i64) -> bool {
    store
        .store
        .housekeeping
        .lease(job, holder, at(now), at(until))
        .await
        .unwrap()
}

async fn of_two_holders_one_has_the_lease_until_it_ends(store: TestStore) {
    assert!(lease(&store, "reconcile", "a", 0, 10).await);
    assert!(!lease(&store, "reconcile", "b", 1, 11).await);
    assert!(
        lease(&store, "reconcile", "a", 5, 20).await,
        "its holder renews it"
    );
    assert!(
        !lease(&store, "reconcile", "b", 19, 30).await,
        "from then on it lasts longer"
    );
    assert!(
        lease(&store, "reconcile", "b", 20, 30).await,
        "it has ended"
    );
    assert!(
        !lease(&store, "reconcile", "a", 21, 40).await,
        "it is another's now"
    );
    // A holder who gives it up lets it end at once.
    assert!(lease(&store, "reconcile", "b", 25, 25).await);
    assert!(lease(&store, "reconcile", "a", 25, 40).await);
}

async fn of_many_who_ask_at_once_one_has_the_lease(store: TestStore) {
    let replicas = [store.store.clone(), open(store.database.url())];
    for round in 0..5 {
        let mut calls = JoinSet::new();
        for number in 0..16 {
            let housekeeping = replicas[number % 2].housekeeping.clone();
            let holder = format!("holder_{number}");
            let (now, until) = (at(round * 10), at(round * 10 + 10));
            calls.spawn(async move {
                housekeeping
                    .lease("reconcile", &holder, now, until)
                    .await
                    .unwrap()
            });
        }
        let taken = calls
            .join_all()
            .await
            .into_iter()
            .filter(|taken| *taken)
            .count();
        assert_eq!(taken, 1, "round {round}");
    }
}

async fn a_lease_from_a_clock_far_ahead_keeps_nobody_away(store: TestStore) {
    const DECADE: i64 = 10 * 365 * 86_400;
    assert!(lease(&store, "reconcile", "ahead", DECADE, DECADE + 25).await);
    assert!(lease(&store, "reconcile", "a", 0, 25).await);
    assert!(!lease(&store, "reconcile", "b", 1, 26).await);
    // A little ahead is what the lease is for.
    assert!(lease(&store, "prune", "ahead", 3000, 3025).await);
    assert!(!lease(&store, "prune", "a", 0, 25).await);
}

async fn leases_of_two_jobs_are_apart(store: TestStore) {
    assert!(lease(&store, "reconcile", "a", 0, 10).await);
    assert!(lease(&store, "prune", "b", 0, 10).await);
    assert!(!lease(&store, "prune", "a", 0, 10).await);
}

async fn a_checkpoint_is_kept_replaced_and_forgotten(store: TestStore) {
    let housekeeping = &store.store.housekeeping;
    let kept = async |name: &str| housekeeping.checkpoint(name).await.unwrap();
    let keep = async |name: &str, word: Option<&str>| {
        housekeeping
            .keep_checkpoint(name, word.map(str::to_owned))
            .await
            .unwrap();
    };
    assert_eq!(kept("users").await, None);
    keep("users", None).await;
    keep("users", Some("page 1")).await;
    keep("organizations", Some("")).await;
    keep("users", Some("page 2 é'\"")).await;
    assert_eq!(kept("users").await.as_deref(), Some("page 2 é'\""));
    assert_eq!(kept("organizations").await.as_deref(), Some(""));
    // Another process sees it.
    let other = open(store.database.url());
    assert_eq!(
        other.housekeeping.checkpoint("users").await.unwrap(),
        kept("users").await
    );
    keep("users", None).await;
    assert_eq!(kept("users").await, None);
    assert_eq!(kept("organizations").await.as_deref(), Some(""));
}

async fn old_lines_are_pruned_a_few_at_a_time_and_quarantined_ones_stay(store: TestStore) {
    let quarantine = || Effect::Quarantined {
        reason: "data.id is missing".to_owned(),
    };
    for number in 0..10 {
        let mut delivery: domain::Delivery = match number {
            3 => without_effect("msg_3", quarantine()),
            4 => without_effect(
                "msg_4",
                Effect::Ignored {
                    reason: "unknown".to_owned(),
                },
            ),
            _ => user("user_1")
                .updated(number)
                .message(&format!("msg_{number}"))
                .into(),
        };
        delivery.received_at = at(RECEIVED + number);
        store.apply(delivery).await;
    }
    let rejection = Rejection {
        code: "signature_invalid",
        claimed_message_id: None,
        received_at: at(RECEIVED),
    };
    store.store.mirror.reject(rejection).await.unwrap();

    // Everything before the eighth but the one in quarantine: six messages and the rejected one.
    let prune = async |limit| {
        store
            .store
            .housekeeping
            .prune_deliveries(at(RECEIVED + 7), limit)
            .await
            .unwrap()
    };
    assert_eq!(
        [
            prune(3).await,
            prune(3).await,
            prune(3).await,
            prune(3).await
        ],
        [3, 3, 1, 0]
    );
    let left: Vec<Value> = store
        .rows(&tables::LEDGER)
        .await
        .into_iter()
        .map(|mut line| line["svix_id"].take())
        .collect();
    assert_eq!(left, ["msg_3", "msg_7", "msg_8", "msg_9"]);
}

async fn pruning_leaves_what_the_lines_told(store: TestStore) {
    store
        .apply(user("user_1").updated(5).message("msg_a"))
        .await;
    let before = store.everything().await;
    let prune = async || {
        store
            .store
            .housekeeping
            .prune_deliveries(at(RECEIVED + 1), 100)
            .await
            .unwrap()
    };
    assert_eq!([prune().await, prune().await], [1, 0]);
    assert_eq!(store.everything().await, before);
    // A message that was forgotten is a new one; the guard knows its fact all the same.
    assert_eq!(
        store
            .apply(user("user_1").updated(6).message("msg_a"))
            .await,
        Applied
    );
    assert_eq!(
        store
            .apply(user("user_1").updated(6).message("msg_a"))
            .await,
        Duplicate
    );
}

async fn leftovers_of_past_months_and_hours_are_pruned_a_few_at_a_time(store: TestStore) {
    let instant = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let reserve = async |user: u128, time: &str| {
        let request = UsageRequest {
            user_id: Uuid::from_u128(user),
            feature: "ai_messages".to_owned(),
            amount: NonZeroU32::MIN,
            limit: 9,
            at: instant(time),
        };
        let until = request.at + TimeDelta::minutes(10);
        store.store.usage.reserve(request, until).await.unwrap();
    };
    for user in 1..4 {
        reserve(user, "2026-10-31T12:00:00Z").await;
    }
    // Held beyond the end of the month, and this month's.
    reserve(4, "2026-10-31T23:59:00Z").await;
    reserve(5, "2026-11-01T00:01:00Z").await;
    let tried = |number: u32, seconds: i64| {
        let id = if store.is_postgres() {
            format!("'00000000-0000-7000-8000-{number:012}'::uuid")
        } else {
            format!("'00000000-0000-7000-8000-{number:012}'")
        };
        let time = instant("2026-11-01T00:05:00Z") - TimeDelta::seconds(seconds);
        let time = if store.is_postgres() {
            format!("'{}'::timestamptz", time.to_rfc3339())
        } else {
            time.timestamp_micros().to_string()
        };
        let alerted = if store.is_postgres() { "false" } else { "0" };
        format!(
            "insert into invite_attempts (id, subject, at, alerted) \
             values ({id}, 'address:192.0.2.{number}', {time}, {alerted});"
        )
    };
    store.execute(&tried(1, 3601)).await;
    store.execute(&tried(2, 3599)).await;
    let now = instant("2026-11-01T00:05:00Z");
    let prune = async |limit| {
        let housekeeping = &store.store.housekeeping;
        housekeeping.prune_leftovers(now, limit).await.unwrap()
    };
    assert_eq!([prune(2).await, prune(2).await, prune(2).await], [2, 1, 0]);
    let held = "select month as line from usage_reservations order by id";
    assert_eq!(store.lines(held).await, ["2026-10", "2026-11"]);
    let counted = "select cast(sum(reserved) as text) as line from usage";
    assert_eq!(store.lines(counted).await, ["2"]);
    let tries = "select subject as line from invite_attempts";
    assert_eq!(store.lines(tries).await, ["address:192.0.2.2"]);
}
