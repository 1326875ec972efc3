//! The disk takes nothing more. The kernel's limit on the size of a file (`RLIMIT_FSIZE`) stands for it: it refuses real
//! writes to the real file, can be set and lifted while the process runs, and needs neither a mount nor rights. SQLite calls
//! what comes of it "disk I/O error", and a full disk "database or disk is full": both are the same to the service, and the
//! store's own tests make the second one.

use std::fs;

use domain::Outcome;
use e2e::{ME, Message, PARTY, TestDatabase, Visitor, World, new_message_id, sample, settings};
use emulator::TokenRequest;
use persistence::{Store, StoreSettings};
use rustix::process::{Resource, Rlimit, prlimit};

use super::{check_is, is_away, taken_at_last};
use crate::program::Running;

/// Becomes the program, and has it told of the limit by an error instead of ended by a signal.
const LAUNCHER: &[&str] = &["/bin/sh", "-c", r#"trap "" XFSZ; exec "$0" "$@""#];

/// No file may grow beyond so many bytes.
fn limit(server: &Running, bytes: Option<u64>) {
    let limit = Rlimit {
        current: bytes,
        maximum: None,
    };
    prlimit(Some(server.id()), Resource::Fsize, limit).unwrap();
}

/// A message about a user of its own, so large that it fills a disk soon.
fn news(secret: &str) -> Message {
    let user_id = new_message_id().replace("msg_", "user_");
    let event = sample("user.created").set("data.id", user_id);
    let event = event.set(
        "data.private_metadata",
        serde_json::json!({"k": "x".repeat(50_000)}),
    );
    Message::signed(secret, event)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_and_loses_nothing() {
    let (database, clerk) = (TestDatabase::sqlite(), World::new_clerk().await);
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(database.url(), &clerk, &[]);
    let (server, address) = Running::serve_through(LAUNCHER, folder.path(), &settings).await;
    let (visitor, secret) = (Visitor::of(address), clerk.webhook_secret());
    let user = clerk.new_user("ann@example.com").unwrap();
    let token = TokenRequest::for_user(&user.id).authorized_party(PARTY);
    let ann = visitor.clone().bearer(&clerk.mint(token).unwrap());
    ann.get(ME).await.expect(200);
    check_is(&visitor, "database", "healthy").await;

    let mut taken = Vec::new();
    for _ in 0..2 {
        let wal = format!("{}-wal", database.path().unwrap().display());
        let size = fs::metadata(wal).unwrap().len();
        limit(&server, Some(size + 500_000));
        // Some fit, until one does not.
        let refused = loop {
            let message = news(&secret);
            let answer = visitor.send(message.clone()).await;
            if answer.status != 204 {
                is_away(answer);
                break message;
            }
            taken.push(message);
            assert!(taken.len() < 1000, "the disk is never full");
        };
        check_is(&visitor, "database", "degraded").await;
        // What is there can be read, by people who were there before.
        ann.get(ME).await.expect(200);
        visitor.get("/health").await.expect(200);
        visitor.get("/health/ready").await.expect(200);
        is_away(visitor.send(refused.clone()).await);

        limit(&server, None);
        taken_at_last(&visitor, &refused).await;
        taken.push(refused);
        check_is(&visitor, "database", "healthy").await;
    }
    server.stop().await;

    let settings = StoreSettings {
        pool_size: 1,
        policy: domain::Policy::built_in().into(),
    };
    let store = Store::open(&database.url().parse().unwrap(), settings).unwrap();
    assert!(taken.len() > 2);
    for message in taken {
        let line = store.deliveries.find(message.id()).await.unwrap();
        let line = line.unwrap_or_else(|| panic!("{} was answered and is lost", message.id()));
        assert_eq!(line.outcome, Outcome::Applied, "{line:?}");
    }
}
