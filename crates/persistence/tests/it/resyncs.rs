//! A user read anew from Clerk because somebody asked for it.

use domain::{Decided, UserWrite, Write};
use serde_json::json;

use crate::decisions::{NOW, by, changed};
use crate::facts::{UserFact, at, deleted_user, id, user};
use crate::store::{TestStore, on_both_stores};

on_both_stores! {
    a_wrong_row_of_the_same_version_is_made_right,
    what_was_told_meanwhile_counts,
    a_row_that_is_right_stays_and_the_line_says_so,
    nobody_comes_back_from_deletion,
    a_replay_leaves_its_line,
}

/// What Clerk's API says: the same place as the event of that time, but below it.
fn told(fact: UserFact) -> UserWrite {
    match fact.write() {
        Write::User(write) => *write,
        other => panic!("{other:?}"),
    }
}

async fn version(store: &TestStore) -> i64 {
    store.user("user_1").await["version"].as_i64().unwrap()
}

async fn resync(store: &TestStore, fact: UserFact, seen: Option<i64>) -> Decided {
    let administration = &store.store.administration;
    let decided = administration
        .resync(told(fact), seen, at(NOW), by("user_9", at(NOW)))
        .await;
    decided.unwrap()
}

async fn lines(store: &TestStore) -> Vec<String> {
    let after = match store.is_postgres() {
        true => "(after ->> 'changed')",
        false => "case after ->> 'changed' when 1 then 'true' else 'false' end",
    };
    store
        .lines(&format!(
            "select action || ' ' || subject_id || ' ' || {after} as line from audit_log order by id"
        ))
        .await
}

async fn a_wrong_row_of_the_same_version_is_made_right(store: TestStore) {
    let fact = || user("user_1").updated(5).named("Ann");
    store.apply(fact()).await;
    store
        .execute("update users set first_name = 'Eve' where clerk_user_id = 'user_1'")
        .await;
    let made = changed(resync(&store, fact(), Some(version(&store).await)).await);
    assert_eq!(made.first_name.as_deref(), Some("Ann"));
    assert_eq!(store.user("user_1").await["first_name"], "Ann");
    assert_eq!(lines(&store).await, ["user.resynced user_1 true"]);
    // Later events count as before, and earlier ones do not.
    store.apply(user("user_1").updated(4).named("Old")).await;
    assert_eq!(store.user("user_1").await["first_name"], "Ann");
    store.apply(user("user_1").updated(6).named("New")).await;
    assert_eq!(store.user("user_1").await["first_name"], "New");
}

async fn what_was_told_meanwhile_counts(store: TestStore) {
    store.apply(user("user_1").updated(5).named("Ann")).await;
    let seen = Some(version(&store).await);
    store.apply(user("user_1").updated(6).named("Bea")).await;
    let decided = resync(&store, user("user_1").updated(5).named("Ann"), seen).await;
    assert!(matches!(decided, Decided::Unchanged(_)), "{decided:?}");
    assert_eq!(store.user("user_1").await["first_name"], "Bea");
    // So does what was told of a user whom nothing had told of.
    let decided = resync(&store, user("user_1").updated(5).named("Ann"), None).await;
    assert!(matches!(decided, Decided::Unchanged(_)), "{decided:?}");
}

async fn a_row_that_is_right_stays_and_the_line_says_so(store: TestStore) {
    let fact = || user("user_1").updated(5).named("Ann");
    let made = changed(resync(&store, fact(), None).await);
    assert_eq!(made.clerk_user_id, id("user_1"));
    let decided = resync(&store, fact(), Some(made.version)).await;
    assert!(matches!(decided, Decided::Unchanged(_)), "{decided:?}");
    let said = ["user.resynced user_1 true", "user.resynced user_1 false"];
    assert_eq!(lines(&store).await, said);
}

async fn nobody_comes_back_from_deletion(store: TestStore) {
    store.apply(user("user_1").updated(5)).await;
    let seen = Some(version(&store).await);
    store.apply(deleted_user("user_1").updated(6)).await;
    let decided = resync(&store, user("user_1").updated(7), seen).await;
    assert_eq!(decided, Decided::Deleted);
    assert_eq!(lines(&store).await, Vec::<String>::new());
}

async fn a_replay_leaves_its_line(store: TestStore) {
    let fact: domain::Delivery = user("user_1").updated(5).into();
    store.apply(fact.clone()).await;
    let line = store.store.deliveries.find(&fact.message_id).await;
    let line = line.unwrap().unwrap().id;
    let administration = &store.store.administration;
    let receipt = administration.replay(line, fact.clone(), by("user_9", at(NOW)));
    assert_eq!(receipt.await.unwrap().outcome, domain::Outcome::Applied);
    let kept = store.ledger_line(&fact.message_id).await;
    assert_eq!(kept["attempts"], json!(2));
    let said = store
        .lines(
            "select action || ' ' || subject_id || ' ' || (before ->> 'outcome') || ' ' || (after ->> 'outcome') \
             as line from audit_log",
        )
        .await;
    assert_eq!(said, [format!("delivery.replayed {line} applied applied")]);
}
