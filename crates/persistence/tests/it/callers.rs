//! Callers: the user's row, with what is known of the session.

use domain::SessionStatus;

use crate::facts::{at, deleted_user, id, session, user};
use crate::store::{TestStore, on_both_stores};

on_both_stores! {
    an_unknown_user_is_nobody,
    a_known_user_comes_with_the_state_of_the_session,
    a_deleted_user_is_found_and_not_active,
}

async fn an_unknown_user_is_nobody(store: TestStore) {
    store.apply(session("sess_1", "active").updated(5)).await;
    let caller = store.store.users.caller(&id("user_1"), &id("sess_1")).await;
    assert_eq!(caller.unwrap(), None);
}

async fn a_known_user_comes_with_the_state_of_the_session(store: TestStore) {
    let status = async || {
        let caller = store.store.users.caller(&id("user_1"), &id("sess_1")).await;
        caller.unwrap().unwrap().session_status
    };
    store
        .apply(
            user("user_1")
                .updated(5)
                .named("Ann")
                .primary_email("ann@example.com"),
        )
        .await;
    assert_eq!(status().await, None, "no event has told of it");
    store.apply(session("sess_2", "revoked").updated(5)).await;
    assert_eq!(status().await, None, "another session is not this one");
    store.apply(session("sess_1", "active").updated(5)).await;
    assert_eq!(status().await, Some(SessionStatus::Active));
    store.apply(session("sess_1", "revoked").updated(6)).await;
    assert_eq!(status().await, Some(SessionStatus::Revoked));

    let caller = store.store.users.caller(&id("user_1"), &id("sess_1")).await;
    let row = caller.unwrap().unwrap().user;
    assert_eq!(row.clerk_user_id, id("user_1"));
    assert_eq!(row.email.as_deref(), Some("ann@example.com"));
    assert_eq!(
        (row.first_name.as_deref(), row.full_name.as_deref()),
        (Some("Ann"), Some("Ann"))
    );
    assert_eq!(
        (row.created_at, row.updated_at, row.deleted_at),
        (at(0), at(5), None)
    );
    assert!(row.is_active && row.email_verified);
}

async fn a_deleted_user_is_found_and_not_active(store: TestStore) {
    store.apply(deleted_user("user_1").updated(7)).await;
    let caller = store.store.users.caller(&id("user_1"), &id("sess_1")).await;
    let row = caller.unwrap().unwrap().user;
    assert!(!row.is_active);
    assert_eq!(row.deleted_at, Some(at(7)));
}
