//! Hundreds of clients that take as long as they can: they are let go, and nobody else waits for them.

use std::time::Duration;

use e2e::{ME, PARTY, TestDatabase, Visitor, WEBHOOKS, Wire, World, sample, settings};
use emulator::TokenRequest;
use tokio::task::JoinSet;

use crate::program::Running;

/// Of each of three kinds.
const OF_A_KIND: usize = 150;
/// Between two bytes of those who send something now and then.
const DRIP: Duration = Duration::from_millis(500);

/// Sends the beginning at once, and then a byte now and then, until the connection ends; answers what came back.
async fn drip(mut wire: Wire, beginning: Vec<u8>) -> String {
    wire.send(&beginning).await;
    wire.drip(b'a', DRIP).await
}

/// Waits for real time to pass: ten seconds, for all kinds of slowness at once.
#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_slow_clients_are_let_go_and_nobody_waits_for_them() {
    let (database, clerk) = (TestDatabase::sqlite(), World::new_clerk().await);
    let folder = tempfile::tempdir().unwrap();
    // As a process, which has its connections to itself.
    let settings = settings(database.url(), &clerk, &[]);
    let (server, address) = Running::serve(folder.path(), &settings).await;
    let visitor = Visitor::of(address);
    let user = clerk.new_user("ann@example.com").unwrap();
    let token = TokenRequest::for_user(&user.id).authorized_party(PARTY);
    let token = clerk.mint(token).unwrap();
    let ann = visitor.clone().bearer(&token);
    let news = || e2e::Message::signed(&clerk.webhook_secret(), sample("user.created"));

    let (mut silent, mut heads, mut bodies) = (JoinSet::new(), JoinSet::new(), JoinSet::new());
    for number in 0..OF_A_KIND {
        let mut wire = Wire::to(address).await;
        silent.spawn(async move { wire.rest().await });
        let head = b"GET /health/live HTTP/1.1\r\nhost: localhost\r\nx-a: ".to_vec();
        heads.spawn(drip(Wire::to(address).await, head));
        let body = if number % 10 == 0 {
            let head = format!(
                "PATCH /api/v1/me/preferences HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
                 content-type: application/json\r\ncontent-length: 1000\r\n\r\n{{\"k\": \""
            );
            head.into_bytes()
        } else {
            let message = news();
            let mut head = message.head(WEBHOOKS, message.body().len());
            head.extend_from_slice(b"\r\n");
            head
        };
        bodies.spawn(drip(Wire::to(address).await, body));
    }
    for _ in 0..10 {
        visitor.get("/health").await.expect(200);
        ann.get(ME).await.expect(200);
        visitor.send(news()).await.expect(204);
    }
    for answer in silent.join_all().await {
        assert_eq!(answer, "");
    }
    for answer in heads.join_all().await {
        assert_eq!(answer, "");
    }
    for answer in bodies.join_all().await {
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert!(answer.contains("body_timeout"), "{answer}");
    }
    visitor.get("/health").await.expect(200);
    server.stop().await;
}
