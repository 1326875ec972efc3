//! What bars a caller holds for the very next request: here, in another process, and through Redis.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::{Barred, SharedCacheState};
use serde_json::{Value, json};
use testdb::TestRedis;
use tokio::time::Instant;

use crate::process::Process;
use crate::store::{Database, SESSION, USER, eventually};

const ISSUED: &str = "2026-03-01T10:00:00Z";

/// Whether a token of then lets its user in.
async fn admitted(process: &Process) -> Result<(), Barred> {
    let issued: DateTime<Utc> = ISSUED.parse().unwrap();
    let caller = process.caller(USER, SESSION).await.unwrap();
    caller.admitted(Some(issued))
}

/// What is written, and how the next request ends.
fn decisions() -> [(Value, Result<(), Barred>); 6] {
    let revoked = |at: &str| json!({ "tokens_valid_after": at });
    let closed = json!({ "deactivated_at": "2026-03-01T09:00:00Z", "is_active": false });
    let banned = json!({ "banned": true, "is_active": false });
    let deleted = json!({ "deleted_at": ISSUED, "is_active": false });
    [
        (revoked("2026-03-01T09:59:59.999Z"), Ok(())),
        (revoked("2026-03-01T10:00:00Z"), Err(Barred::SessionOver)),
        (closed, Err(Barred::UserInactive)),
        (json!({}), Ok(())),
        (banned, Err(Barred::UserInactive)),
        (deleted, Err(Barred::UserDeleted)),
    ]
}

#[tokio::test(start_paused = true)]
async fn in_the_process_that_wrote_it() {
    let database = Arc::new(Database::default());
    database.change_user(USER);
    let process = Process::watching(&database).await;
    assert_eq!(admitted(&process).await, Ok(()));
    for (columns, verdict) in decisions() {
        process
            .commit(|database| database.write_locally(USER, columns.clone()))
            .await;
        assert_eq!(admitted(&process).await, verdict, "{columns}");
        let reads = database.reads();
        assert_eq!(admitted(&process).await, verdict, "{columns}");
        assert_eq!(database.reads(), reads, "it is remembered as it is");
    }
}

#[tokio::test(start_paused = true)]
async fn in_another_process_as_soon_as_it_is_woken() {
    let database = Arc::new(Database::default());
    database.change_user(USER);
    let process = Process::watching(&database).await;
    for (columns, verdict) in decisions() {
        admitted(&process).await.ok();
        database.write_locally(USER, columns.clone());
        let since = Instant::now();
        database.ring();
        // The clock is the test's own: it moves only while everybody waits.
        while admitted(&process).await != verdict {
            tokio::time::sleep(Duration::from_millis(1)).await;
            assert!(since.elapsed() <= Duration::from_millis(50), "{columns}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_process_that_asks_redis() {
    let (database, redis) = (Arc::new(Database::default()), TestRedis::start().await);
    database.change_user(USER);
    let start = async || {
        let process = Process::sharing(&database, &redis.url());
        process.in_use().await;
        eventually(|| process.report().shared == SharedCacheState::Answering).await;
        process
    };
    let one = start().await;
    for (columns, verdict) in decisions() {
        // Redis is told of the row, and then it changes.
        admitted(&one).await.ok();
        one.commit(|database| database.write_locally(USER, columns.clone()))
            .await;
        // Whoever starts now has seen the change, and believes nothing older.
        let other = start().await;
        assert_eq!(admitted(&other).await, verdict, "{columns}");
        assert_eq!(admitted(&one).await, verdict, "{columns}");
    }
}
