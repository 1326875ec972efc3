//! Two processes with one Redis, which is believed only where that is right, and never waited for.

use std::sync::Arc;

use domain::SharedCacheState;
use testdb::TestRedis;

use crate::process::Process;
use crate::store::{Database, SESSION, USER, eventually};

/// A process that uses its memory and its Redis.
async fn sharing(database: &Arc<Database>, redis: &TestRedis) -> Process {
    let process = Process::sharing(database, &redis.url());
    process.in_use().await;
    answering(&process).await;
    process
}

async fn answering(process: &Process) {
    eventually(|| process.report().shared == SharedCacheState::Answering).await;
}

/// Waits until Redis holds as many callers.
async fn holds(redis: &TestRedis, callers: usize) {
    let expected = format!(":{callers}\r\n");
    for _ in 0..1000 {
        if redis.tell("DBSIZE").await.contains(&expected) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("Redis never held {callers} callers");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_has_read_the_other_needs_not() {
    let (database, redis) = (Arc::new(Database::default()), TestRedis::start().await);
    database.change_user(USER);
    database.add_portfolio(USER);
    let (one, other) = (
        sharing(&database, &redis).await,
        sharing(&database, &redis).await,
    );
    let known = one.caller(USER, SESSION).await.unwrap();
    holds(&redis, 1).await;
    let reads = database.reads();
    let told = other.caller(USER, SESSION).await.unwrap();
    assert_eq!(database.reads(), reads, "it came from Redis");
    assert_eq!(*told.user, *known.user);
    assert_eq!(told.session_status, None);
    assert_eq!(told.portfolios.count, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_changed_since_is_not_believed_nor_what_was_put_somewhere_else() {
    let (database, redis) = (Arc::new(Database::default()), TestRedis::start().await);
    database.change_user(USER);
    let one = sharing(&database, &redis).await;
    assert_eq!(one.version(USER).await, 1);
    holds(&redis, 1).await;
    let place = place(&redis).await;
    redis.tell(&format!("COPY {place} old")).await;

    // Somebody puts the old copy back, as often as it is replaced by the new one.
    for version in 2..6 {
        one.commit(|database| database.change_user(USER)).await;
        redis.tell(&format!("COPY old {place} REPLACE")).await;
        assert_eq!(one.version(USER).await, version);
    }
    // A new process does not know what was changed long ago, but where its knowledge begins.
    redis.tell(&format!("COPY old {place} REPLACE")).await;
    let other = sharing(&database, &redis).await;
    assert_eq!(other.version(USER).await, 5);

    // What is true of one is not true of another.
    database.change_user("user_2");
    one.commit(|_| ()).await;
    let other_place = place.replace(USER, "user_2");
    redis
        .tell(&format!("COPY {place} {other_place} REPLACE"))
        .await;
    let caller = one.caller("user_2", SESSION).await.unwrap();
    assert_eq!(caller.user.clerk_user_id.as_str(), "user_2");

    // What another service put there is nothing.
    let (foreign, reads) = (Arc::new(Database::default()), database.reads());
    foreign.change_user(USER);
    let stranger = sharing(&foreign, &redis).await;
    assert_eq!(stranger.version(USER).await, 1);
    assert_eq!(database.reads(), reads);
    assert_eq!(foreign.reads(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_away_or_hangs_stops_nobody() {
    let (database, mut redis) = (Arc::new(Database::default()), TestRedis::start().await);
    let process = sharing(&database, &redis).await;
    for (number, hangs) in [true, false, true].into_iter().enumerate() {
        if hangs {
            redis.freeze();
        } else {
            redis.kill();
        }
        for request in 0..50 {
            let user = format!("user_{number}_{request}");
            database.change_user(&user);
            assert_eq!(process.version(&user).await, 1);
            process.commit(|database| database.change_user(&user)).await;
            assert_eq!(process.version(&user).await, 2);
        }
        eventually(|| process.report().shared == SharedCacheState::Away).await;
        assert!(process.report().in_use, "memory is used all the same");
        if hangs {
            redis.thaw();
        } else {
            redis.restart().await;
        }
        answering(&process).await;
    }
    redis.tell("FLUSHALL").await;
    database.change_user(USER);
    assert_eq!(process.version(USER).await, 1);
    holds(&redis, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_was_never_there_is_waited_for_by_nobody() {
    let database = Arc::new(Database::default());
    database.change_user(USER);
    let mut redis = TestRedis::start().await;
    redis.kill();
    let process = Process::sharing(&database, &redis.url());
    process.in_use().await;
    assert_eq!(process.version(USER).await, 1);
    assert_eq!(process.report().shared, SharedCacheState::Away);
    redis.restart().await;
    answering(&process).await;
}

/// The one caller's place.
async fn place(redis: &TestRedis) -> String {
    let keys = redis.tell("KEYS clerk-sync:*").await;
    let place = keys.lines().find(|line| line.starts_with("clerk-sync:"));
    place.expect("a caller").to_owned()
}
