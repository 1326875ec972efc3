//! What a change makes a process forget, and when.

use std::sync::Arc;
use std::time::Duration;

use domain::{FeedPulse as _, SessionStatus};
use tokio::time::Instant;

use crate::process::{Process, settings};
use crate::store::{Database, SESSION, USER};

#[tokio::test(start_paused = true)]
async fn a_caller_is_read_once_and_is_the_same_row_then() {
    let database = Arc::new(Database::default());
    database.change_user(USER);
    let process = Process::watching(&database).await;
    let first = process.caller(USER, SESSION).await.unwrap();
    let second = process.caller(USER, SESSION).await.unwrap();
    assert!(Arc::ptr_eq(&first.user, &second.user));
    assert_eq!(database.reads(), 1);
    let report = process.report();
    assert_eq!((report.hits, report.misses), (1, 1));
    assert_eq!((report.users, report.sessions), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn nobody_is_remembered_where_nobody_is_to_be() {
    let database = Arc::new(Database::default());
    database.change_user(USER);
    let nobody = cache::CacheSettings {
        users: 0,
        sessions: 0,
        ..settings()
    };
    let process = Process::with(&database, nobody);
    process.in_use().await;
    for reads in 1..4 {
        process.caller(USER, SESSION).await.unwrap();
        assert_eq!(database.reads(), reads);
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_request_sees_what_this_process_committed() {
    let database = Arc::new(Database::default());
    database.change_user(USER);
    let process = Process::watching(&database).await;
    for version in 1..20 {
        assert_eq!(process.version(USER).await, version);
        process.commit(|database| database.change_user(USER)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_is_forgotten_with_the_user_whose_sign_in_it_is() {
    let database = Arc::new(Database::default());
    database.change_user(USER);
    let process = Process::watching(&database).await;
    let caller = process.caller(USER, SESSION).await.unwrap();
    assert_eq!(caller.session_status, None, "nobody has told of it");
    process
        .commit(|database| database.change_session(SESSION, USER, SessionStatus::Active))
        .await;
    let again = process.caller(USER, SESSION).await.unwrap();
    assert_eq!(again.session_status, Some(SessionStatus::Active));
    assert!(!Arc::ptr_eq(&caller.user, &again.user));
    process
        .commit(|database| database.change_session(SESSION, USER, SessionStatus::Revoked))
        .await;
    let over = process.caller(USER, SESSION).await.unwrap();
    assert_eq!(over.session_status, Some(SessionStatus::Revoked));
}

#[tokio::test(start_paused = true)]
async fn how_many_portfolios_there_are_is_known_until_it_changes() {
    let database = Arc::new(Database::default());
    database.change_user(USER);
    let process = Process::watching(&database).await;
    for count in 0..3 {
        for _ in 0..2 {
            let caller = process.caller(USER, SESSION).await.unwrap();
            assert_eq!(caller.portfolios.count, count);
        }
        process
            .commit(|database| database.add_portfolio(USER))
            .await;
    }
    assert_eq!(database.reads(), 3);
}

#[tokio::test(start_paused = true)]
async fn other_processes_see_it_when_woken_and_soon_when_not() {
    let database = Arc::new(Database::default());
    database.change_user(USER);
    let process = Process::watching(&database).await;
    assert_eq!(process.version(USER).await, 1);
    // The clock is the test's own: it moves only while everybody waits.
    for (rings, limit) in [
        (true, Duration::from_millis(50)),
        (false, Duration::from_millis(550)),
    ] {
        let version = database.change_user(USER);
        let since = Instant::now();
        if rings {
            database.ring();
        }
        while process.version(USER).await < version {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(since.elapsed() <= limit, "{:?}", since.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_backlog_is_read_to_its_end() {
    let database = Arc::new(Database::default());
    database.change_user(USER);
    let process = Process::watching(&database).await;
    assert_eq!(process.version(USER).await, 1);
    for number in 0..5_000 {
        database.change_user(&format!("user_of_{number}"));
    }
    database.change_user(USER);
    process.commit(|_| ()).await;
    assert_eq!(process.version(USER).await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_feed_that_does_not_go_on_where_it_was_makes_it_forget_all() {
    let database = Arc::new(Database::default());
    for id in [USER, "user_2", "user_3"] {
        database.change_user(id);
    }
    let process = Process::watching(&database).await;
    process.commit(|database| database.change_user(USER)).await;
    assert_eq!(process.version(USER).await, 2);
    // As many changes as before, but others.
    database.put_back(3);
    database.change_user("user_3");
    process.commit(|_| ()).await;
    assert_eq!(process.version(USER).await, 1);

    database.prune();
    process.commit(|_| ()).await;
    process.commit(|database| database.change_user(USER)).await;
    assert_eq!(process.version(USER).await, 2);
}

#[tokio::test(start_paused = true)]
async fn the_pulse_tells_of_each_change_and_of_a_return_to_an_earlier_day() {
    let database = Arc::new(Database::default());
    database.change_user(USER);
    let process = Process::start(&database);
    let first = process.caches.watch.moved(-1).await;
    let version = process.version(USER).await;
    process.commit(|database| database.change_user(USER)).await;
    let second = process.caches.watch.moved(first).await;
    assert!(second > first);
    assert!(
        process.version(USER).await > version,
        "what has been seen has been forgotten"
    );
    database.put_back(1);
    assert_eq!(process.caches.watch.moved(second).await, first);
}
