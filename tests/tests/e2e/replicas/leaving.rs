//! A replica that was asked to end, while whoever sends requests there has not noticed yet.

use e2e::{Message, Visitor, Wire, World, eventually, sample, settings};
use testdb::TestDatabase;

use crate::program::Running;

/// Longer than any test waits: what it sees, it sees before the replica stops.
const FOR_LONG: (&str, &str) = ("SHUTDOWN_DELAY_SECONDS", "300");

#[tokio::test(flavor = "multi_thread")]
async fn it_says_that_it_is_not_ready_and_goes_on() {
    let (database, clerk) = (TestDatabase::sqlite(), World::new_clerk().await);
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(database.url(), &clerk, &[FOR_LONG]);
    let (replica, address) = Running::serve(folder.path(), &settings).await;
    let visitor = Visitor::of(address);
    let before = visitor.get("/health/ready").await.expect(200);
    assert_eq!(before.header("connection"), None);
    // A connection that has said nothing yet: its first request may be on its way.
    let mut waiting = Wire::to(address).await;
    replica.terminate();
    let after = eventually("a replica that is not ready", async || {
        let answer = visitor.get("/health/ready").await;
        (answer.status == 503).then_some(answer)
    })
    .await;
    assert_eq!(after.json()["status"], "stopping");
    // Whatever comes is answered, and its sender told to connect to another.
    let alive = visitor.get("/health/live").await.expect(200);
    let message = Message::signed(&clerk.webhook_secret(), sample("user.created"));
    let taken = visitor.send(message).await.expect(204);
    for answer in [after, alive, taken] {
        assert_eq!(answer.header("connection"), Some("close"));
    }
    waiting
        .send(b"GET /health/live HTTP/1.1\r\nhost: here\r\n\r\n")
        .await;
    // To the end of the connection.
    let answer = waiting.rest().await;
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("alive"),
        "{answer}"
    );
    replica.kill().await;
}
