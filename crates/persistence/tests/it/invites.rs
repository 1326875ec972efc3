//! Invites: who gets in, who does not, and how often anybody may try.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Actor, Attribution, InviteAttempt, InviteCode, InviteCreation, InviteOutcome, InviteRules,
    NewInvite, PageQuery,
};
use uuid::Uuid;

use crate::facts::{at, id, user};
use crate::store::{TestStore, on_both_stores};

on_both_stores! {
    a_single_use_code_lets_exactly_one_of_a_hundred_in,
    a_code_lets_in_as_many_as_it_may,
    wrong_used_expired_and_revoked_codes_are_answered_alike,
    a_validated_user_uses_nothing_up_and_is_never_asked_again,
    the_shared_code_lets_everybody_in,
    tries_are_limited_and_the_alarm_is_raised_once,
    parallel_tries_do_not_slip_past_the_limit,
    an_address_is_limited_over_all_its_users,
    tries_that_succeed_do_not_count,
    a_validation_is_told_to_the_feed_and_the_audit_log,
    codes_are_unique_and_not_kept,
}

const NOW: i64 = 5_000_000;

fn rules() -> InviteRules {
    InviteRules {
        shared: None,
        attempts_per_user: 10,
        attempts_per_address: 100,
    }
}

fn by(clerk_user_id: &str, at: DateTime<Utc>) -> Attribution {
    Attribution {
        actor: Actor::User(id(clerk_user_id)),
        ..Attribution::system(at)
    }
}

async fn member(store: &TestStore, name: &str) -> Uuid {
    store.apply(user(name).updated(5)).await;
    let found = store.store.overview.user(&(&id(name)).into()).await;
    found.unwrap().unwrap().id
}

fn attempt(user_id: Uuid, address: &str, code: &str, now: DateTime<Utc>) -> InviteAttempt {
    InviteAttempt {
        user_id,
        address: Some(address.parse::<IpAddr>().unwrap()),
        digest: InviteCode::parse(code).ok().map(|code| code.digest()),
        by: by("user_1", now),
    }
}

async fn redeem(store: &TestStore, user: Uuid, code: &str) -> InviteOutcome {
    let attempt = attempt(user, "192.0.2.1", code, at(NOW));
    store.store.invites.redeem(attempt, rules()).await.unwrap()
}

async fn invite(store: &TestStore, max_uses: Option<u32>, expires: Option<i64>) -> (Uuid, String) {
    let invite = NewInvite {
        code: None,
        max_uses,
        expires_at: expires.map(at),
        note: Some("for \0 friends".to_owned()),
    };
    let created = store
        .store
        .invites
        .create(invite, by("user_9", at(0)))
        .await;
    match created.unwrap() {
        InviteCreation::Created { invite, code } => (invite.id, code.shown().to_owned()),
        InviteCreation::CodeTaken => panic!("140 random bits were there before"),
    }
}

fn is_first(outcome: &InviteOutcome) -> bool {
    matches!(outcome, InviteOutcome::Validated { is_first: true, .. })
}

fn is_refused(outcome: &InviteOutcome) -> bool {
    matches!(outcome, InviteOutcome::Refused { .. })
}

async fn uses(store: &TestStore) -> Vec<u64> {
    let page = PageQuery {
        limit: 100,
        after: None,
    };
    let invites = store.store.invites.list(page).await.unwrap().items;
    invites.iter().map(|invite| invite.uses).collect()
}

async fn a_single_use_code_lets_exactly_one_of_a_hundred_in(store: TestStore) {
    let (_, code) = invite(&store, Some(1), None).await;
    let mut tries = Vec::new();
    for number in 0..100 {
        let user = member(&store, &format!("user_{number}")).await;
        let invites = store.store.invites.clone();
        let attempt = attempt(user, &format!("198.51.100.{number}"), &code, at(NOW));
        tries.push(async move { invites.redeem(attempt, rules()).await.unwrap() });
    }
    let tries: Vec<_> = tries.into_iter().map(tokio::spawn).collect();
    let mut let_in = 0;
    for outcome in tries {
        let outcome = outcome.await.unwrap();
        assert!(is_first(&outcome) || is_refused(&outcome), "{outcome:?}");
        let_in += u32::from(is_first(&outcome));
    }
    assert_eq!(let_in, 1);
    assert_eq!(uses(&store).await, [1]);
}

async fn a_code_lets_in_as_many_as_it_may(store: TestStore) {
    let (_, code) = invite(&store, Some(2), None).await;
    let mut outcomes = Vec::new();
    for name in ["user_1", "user_2", "user_3"] {
        let user = member(&store, name).await;
        outcomes.push(is_first(&redeem(&store, user, &code).await));
    }
    assert_eq!(outcomes, [true, true, false]);
}

async fn wrong_used_expired_and_revoked_codes_are_answered_alike(store: TestStore) {
    let (_, used) = invite(&store, Some(1), None).await;
    let (_, expired) = invite(&store, None, Some(NOW)).await;
    let (_, lasting) = invite(&store, None, Some(NOW + 1)).await;
    let (revoked_id, revoked) = invite(&store, None, None).await;
    let taken_back = async || {
        let invite = store.store.invites.revoke(revoked_id, by("user_9", at(1)));
        invite.await.unwrap().unwrap().revoked_at
    };
    assert_eq!(taken_back().await, Some(at(1)));
    assert_eq!(taken_back().await, Some(at(1)));
    let revoke_nothing = store.store.invites.revoke(Uuid::nil(), by("user_9", at(1)));
    assert_eq!(revoke_nothing.await.unwrap(), None);

    let first = member(&store, "user_1").await;
    assert!(is_first(&redeem(&store, first, &used).await));
    let second = member(&store, "user_2").await;
    let refused = InviteOutcome::Refused { is_alarming: false };
    for code in [
        &used,
        &expired,
        &revoked,
        "never-was",
        "",
        "a\0bcdef",
        &"x".repeat(9999),
    ] {
        assert_eq!(redeem(&store, second, code).await, refused, "{code}");
    }
    assert!(is_first(
        &redeem(&store, second, &lasting.to_lowercase()).await
    ));
    assert_eq!(
        redeem(&store, Uuid::nil(), &lasting).await,
        InviteOutcome::UserUnknown
    );
}

async fn a_validated_user_uses_nothing_up_and_is_never_asked_again(store: TestStore) {
    let (_, code) = invite(&store, Some(2), None).await;
    let user_id = member(&store, "user_1").await;
    assert!(is_first(&redeem(&store, user_id, &code).await));
    for again in [code.as_str(), "wrong-code"] {
        for _ in 0..12 {
            let InviteOutcome::Validated { user, is_first } = redeem(&store, user_id, again).await
            else {
                panic!("validated for good");
            };
            assert_eq!((is_first, user.invite_validated_at), (false, Some(at(NOW))));
        }
    }
    assert_eq!(uses(&store).await, [1]);
    // What Clerk tells later does not take it back.
    store.apply(user("user_1").updated(9).named("Ann")).await;
    let outcome = redeem(&store, user_id, "wrong-code").await;
    assert!(matches!(outcome, InviteOutcome::Validated { .. }));
}

async fn the_shared_code_lets_everybody_in(store: TestStore) {
    let rules = InviteRules {
        shared: Some(InviteCode::parse("Beta 2026").unwrap().digest()),
        ..rules()
    };
    for name in ["user_1", "user_2"] {
        let user = member(&store, name).await;
        let attempt = attempt(user, "192.0.2.1", "beta-2026", at(NOW));
        let outcome = store.store.invites.redeem(attempt, rules.clone()).await;
        assert!(is_first(&outcome.unwrap()));
    }
    let user = member(&store, "user_3").await;
    let attempt = attempt(user, "192.0.2.1", "beta-2025", at(NOW));
    let outcome = store.store.invites.redeem(attempt, rules).await.unwrap();
    assert!(is_refused(&outcome));
}

async fn tries_are_limited_and_the_alarm_is_raised_once(store: TestStore) {
    let (_, code) = invite(&store, None, None).await;
    let user = member(&store, "user_1").await;
    let hour = TimeDelta::hours(1);
    let try_at = async |code: &str, now: DateTime<Utc>| {
        let attempt = attempt(user, "192.0.2.1", code, now);
        store.store.invites.redeem(attempt, rules()).await.unwrap()
    };
    let mut alarms = Vec::new();
    for number in 0..10 {
        match try_at("wrong-code", at(NOW + number)).await {
            InviteOutcome::Refused { is_alarming } => alarms.push(is_alarming),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(alarms.iter().position(|alarm| *alarm), Some(9));
    // Not even the right code is looked at now.
    let limited = InviteOutcome::Limited {
        retry_at: at(NOW) + hour,
    };
    assert_eq!(try_at(&code, at(NOW + 20)).await, limited);
    assert_eq!(try_at(&code, at(NOW - 1) + hour).await, limited);
    // One try is free again; it is the last one again, and the hour's alarm was raised.
    let next = try_at("wrong-code", at(NOW) + hour).await;
    assert_eq!(next, InviteOutcome::Refused { is_alarming: false });
    assert!(is_first(&try_at(&code, at(NOW + 1) + hour).await));
}

async fn parallel_tries_do_not_slip_past_the_limit(store: TestStore) {
    let user = member(&store, "user_1").await;
    let tries = (0..60).map(|number| {
        let invites = store.store.invites.clone();
        let attempt = attempt(user, "192.0.2.1", &format!("wrong-{number}"), at(NOW));
        tokio::spawn(async move { invites.redeem(attempt, rules()).await.unwrap() })
    });
    let (mut compared, mut alarms) = (0, 0);
    for outcome in tries.collect::<Vec<_>>() {
        if let InviteOutcome::Refused { is_alarming } = outcome.await.unwrap() {
            compared += 1;
            alarms += u32::from(is_alarming);
        }
    }
    assert_eq!((compared, alarms), (10, 1));
}

async fn an_address_is_limited_over_all_its_users(store: TestStore) {
    let rules = InviteRules {
        attempts_per_address: 3,
        ..rules()
    };
    let try_from = async |name: &str, address: &str| {
        let user = member(&store, name).await;
        let attempt = attempt(user, address, "wrong-code", at(NOW));
        store
            .store
            .invites
            .redeem(attempt, rules.clone())
            .await
            .unwrap()
    };
    for (name, address) in [
        ("user_1", "2001:db8::1"),
        ("user_2", "2001:db8::2"),
        ("user_3", "2001:db8::3"),
    ] {
        assert!(is_refused(&try_from(name, address).await));
    }
    let fourth = try_from("user_4", "2001:db8::4").await;
    assert!(matches!(fourth, InviteOutcome::Limited { .. }));
    assert!(is_refused(&try_from("user_4", "2001:db8:0:1::4").await));
}

async fn tries_that_succeed_do_not_count(store: TestStore) {
    let (_, code) = invite(&store, None, None).await;
    let rules = InviteRules {
        attempts_per_address: 1,
        ..rules()
    };
    for name in ["user_1", "user_2", "user_3"] {
        let user = member(&store, name).await;
        let attempt = attempt(user, "192.0.2.1", &code, at(NOW));
        let outcome = store.store.invites.redeem(attempt, rules.clone()).await;
        assert!(is_first(&outcome.unwrap()), "{name}");
    }
}

async fn a_validation_is_told_to_the_feed_and_the_audit_log(store: TestStore) {
    let (invite_id, code) = invite(&store, None, None).await;
    let user = member(&store, "user_1").await;
    redeem(&store, user, &code).await;
    assert_eq!(
        store.feed().await,
        ["upsert user user_1", "upsert user user_1"]
    );
    let actions = store
        .lines(
            "select actor || ' ' || action || ' ' || subject_id as line from audit_log order by id",
        )
        .await;
    assert_eq!(
        actions,
        [
            format!("user_9 invite.created {invite_id}"),
            "user_1 invite.redeemed user_1".to_owned()
        ]
    );
}

async fn codes_are_unique_and_not_kept(store: TestStore) {
    let wish = |code: &str| NewInvite {
        code: Some(InviteCode::parse(code).unwrap()),
        max_uses: None,
        expires_at: None,
        note: None,
    };
    let create = async |code: &str| {
        let created = store.store.invites.create(wish(code), by("user_9", at(0)));
        created.await.unwrap()
    };
    assert!(matches!(
        create("Hunter-2-Hunter").await,
        InviteCreation::Created { .. }
    ));
    assert_eq!(create("HUNTER2HUNTER").await, InviteCreation::CodeTaken);
    let kept = store
        .lines("select created_by || coalesce(note, '') as line from invites")
        .await;
    assert_eq!(kept, ["user_9"]);
    let told = "select cast(after as text) as line from audit_log";
    let told = store.lines(told).await.join(" ");
    assert!(!told.to_lowercase().contains("hunter"), "{told}");
}
