//! What is used while the feed or the store is away.

use std::sync::Arc;
use std::time::Duration;

use crate::process::Process;
use crate::store::{Database, SESSION, USER};

/// The bound that the design promises.
const FRESH: Duration = Duration::from_secs(2);

#[tokio::test(start_paused = true)]
async fn nothing_is_used_before_the_first_look() {
    let database = Arc::new(Database::default());
    database.change_user(USER);
    database.set_feed_away(true);
    let process = Process::start(&database);
    for reads in 1..4 {
        process.caller(USER, SESSION).await.unwrap();
        assert_eq!(database.reads(), reads);
    }
    assert!(!process.report().in_use);
}

#[tokio::test(start_paused = true)]
async fn what_is_remembered_is_used_for_two_seconds_without_the_feed_and_no_longer() {
    let database = Arc::new(Database::default());
    database.change_user(USER);
    let process = Process::watching(&database).await;
    assert_eq!(process.version(USER).await, 1);
    database.set_away(true);
    // A moment without the database is not noticed by those who are known.
    assert_eq!(process.version(USER).await, 1);
    tokio::time::sleep(FRESH).await;
    process.caller(USER, SESSION).await.unwrap_err();
    database.set_away(false);
    process.in_use().await;
    assert_eq!(process.version(USER).await, 1);

    // Without the feed alone every request asks the store, and sees what nobody could tell of.
    database.set_feed_away(true);
    tokio::time::sleep(FRESH).await;
    for version in 2..5 {
        database.change_user(USER);
        assert_eq!(process.version(USER).await, version);
    }
    // And nothing of that outlives the outage.
    database.change_user(USER);
    database.set_feed_away(false);
    process.in_use().await;
    assert_eq!(process.version(USER).await, 5);
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_the_watch_cannot_see_ends_the_use_at_once() {
    let database = Arc::new(Database::default());
    database.change_user(USER);
    let process = Process::watching(&database).await;
    assert_eq!(process.version(USER).await, 1);
    database.set_feed_away(true);
    process.commit(|database| database.change_user(USER)).await;
    assert!(!process.report().in_use);
    assert_eq!(process.version(USER).await, 2);
    database.set_feed_away(false);
    process.in_use().await;
    assert_eq!(process.version(USER).await, 2);
}
