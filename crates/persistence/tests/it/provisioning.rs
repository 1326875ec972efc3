//! Rows made on a user's first request, before any webhook has told of him.

use domain::Outcome::{Applied, Stale};
use domain::{StoreError, ThinUser, User};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::facts::{at, deleted_user, id, session, user};
use crate::store::{TestStore, on_both_stores, open};
use crate::tables;

on_both_stores! {
    a_first_request_makes_a_thin_row,
    many_first_requests_make_one_row_and_one_change,
    a_deleted_user_stays_deleted,
    a_later_webhook_wins_and_keeps_our_id,
    a_row_that_is_there_is_not_touched,
    a_thin_row_knows_the_sessions_told_before,
    a_claim_that_the_database_refuses_makes_nothing,
}

fn thin(seen_at: i64) -> ThinUser {
    ThinUser {
        clerk_user_id: id("user_1"),
        email: Some("claimed@example.com".to_owned()),
        first_name: Some("Claimed".to_owned()),
        last_name: Some("Name".to_owned()),
        image_url: None,
        seen_at: at(seen_at),
    }
}

async fn provision(store: &TestStore, seen_at: i64) -> User {
    store.store.users.provision(thin(seen_at)).await.unwrap()
}

async fn a_first_request_makes_a_thin_row(store: TestStore) {
    let made = provision(&store, 5).await;
    assert_eq!(made.full_name.as_deref(), Some("Claimed Name"));
    let row = store.user("user_1").await;
    let expected = json!({
        "clerk_user_id": "user_1", "external_id": null, "username": null,
        "email": "claimed@example.com", "email_verified": false,
        "first_name": "Claimed", "last_name": "Name", "full_name": "Claimed Name", "image_url": null,
        "role": "solo", "tier": "free", "tier_until": null, "public_metadata": {}, "preferences": {},
        "banned": false, "locked": false, "is_active": true,
        "created_at": 5, "updated_at": 5, "last_login_at": null, "deleted_at": null,
        "version": 0, "precedence": "0".repeat(52),
    });
    assert_eq!(row, expected);
    assert_eq!(store.feed().await, ["upsert user user_1"]);
}

async fn many_first_requests_make_one_row_and_one_change(store: TestStore) {
    let replicas = [store.store.clone(), open(store.database.url())];
    let mut calls = JoinSet::new();
    for number in 0..100 {
        let users = replicas[number % 2].users.clone();
        calls.spawn(async move { users.provision(thin(5)).await.unwrap() });
    }
    let answers = calls.join_all().await;
    assert!(
        answers.iter().all(|user| *user == answers[0]),
        "{answers:?}"
    );
    assert_eq!(store.rows(&tables::USERS).await.len(), 1);
    assert_eq!(store.feed().await, ["upsert user user_1"]);
}

async fn a_deleted_user_stays_deleted(store: TestStore) {
    store.apply(deleted_user("user_1").updated(7)).await;
    let before = store.everything().await;
    let found = provision(&store, 9).await;
    assert_eq!((found.is_active, found.deleted_at), (false, Some(at(7))));
    assert_eq!(store.everything().await, before);
}

async fn a_later_webhook_wins_and_keeps_our_id(store: TestStore) {
    let made = provision(&store, 100).await;
    // Even one from long before the request, as its delivery may be late.
    let creation = user("user_1")
        .created()
        .updated(1)
        .named("Ann")
        .primary_email("ann@example.com");
    assert_eq!(store.apply(creation).await, Applied);
    let found = provision(&store, 101).await;
    assert_eq!(found.id, made.id);
    assert_eq!(found.email.as_deref(), Some("ann@example.com"));
    assert_eq!(
        (found.first_name.as_deref(), found.last_name.as_deref()),
        (Some("Ann"), None)
    );
    assert_eq!((found.created_at, found.email_verified), (at(0), true));
}

async fn a_row_that_is_there_is_not_touched(store: TestStore) {
    store.apply(user("user_1").updated(5).named("Ann")).await;
    let before = store.everything().await;
    assert_eq!(
        provision(&store, 9).await.first_name.as_deref(),
        Some("Ann")
    );
    assert_eq!(store.everything().await, before);
    assert_eq!(store.apply(user("user_1").updated(4)).await, Stale);
}

async fn a_thin_row_knows_the_sessions_told_before(store: TestStore) {
    store
        .apply(
            session("sess_1", "active")
                .since(3)
                .updated(3)
                .signed_in("192.0.2.1", "x"),
        )
        .await;
    assert_eq!(provision(&store, 5).await.last_login_at, Some(at(3)));
}

async fn a_claim_that_the_database_refuses_makes_nothing(store: TestStore) {
    let claim = ThinUser {
        first_name: Some("a\0b".to_owned()),
        ..thin(5)
    };
    let answer = store.store.users.provision(claim).await;
    if store.is_postgres() {
        assert!(matches!(answer, Err(StoreError::Refused(_))), "{answer:?}");
        assert_eq!(store.everything().await, Vec::<Value>::new());
    } else {
        assert_eq!(answer.unwrap().first_name.as_deref(), Some("a\0b"));
    }
    assert_eq!(provision(&store, 6).await.clerk_user_id, id("user_1"));
}
