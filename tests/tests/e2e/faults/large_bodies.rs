//! Bodies far over the limit, and compressed ones that would be: refused, or taken as the bytes that they are. The
//! process's memory does not follow them.

use std::io::Write as _;

use domain::Outcome;
use e2e::{ME, Message, PARTY, TestDatabase, Visitor, WEBHOOKS, Wire, World, settings};
use emulator::TokenRequest;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::future::join_all;
use persistence::{Store, StoreSettings};
use reqwest::Method;

use super::peak_memory;
use crate::program::Running;

const MIB: usize = 1024 * 1024;
const LARGE: usize = 24 * MIB;
const AT_ONCE: usize = 8;
/// What the peak of the process's memory may grow by: less than one bomb, and less than the large bodies at one time. Eight
/// files of 10 MiB are let in by the import alone.
const GROWTH: usize = 160 * MIB;

const PREFERENCES: &str = "/api/v1/me/preferences";
const IMPORT: &str = "/api/v1/onboarding/import";

/// So many zeros, as gzip has them: about a thousandth.
fn bomb(length: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let zeros = vec![0; MIB];
    for _ in 0..length / MIB {
        encoder.write_all(&zeros).unwrap();
    }
    encoder.finish().unwrap()
}

/// A service as a process, somebody who may ask it, and his token.
async fn started(database: &TestDatabase) -> (Running, Visitor, Message, String) {
    let clerk = World::new_clerk().await;
    let folder = tempfile::tempdir().unwrap();
    let own = [("INVITE_CODE_ENABLED", "false")];
    let settings = settings(database.url(), &clerk, &own);
    let (server, address) = Running::serve(folder.path(), &settings).await;
    let user = clerk.new_user("ann@example.com").unwrap();
    let token = TokenRequest::for_user(&user.id).authorized_party(PARTY);
    let token = clerk.mint(token).unwrap();
    let visitor = Visitor::of(address);
    visitor.clone().bearer(&token).get(ME).await.expect(200);
    let bomb = Message::signed(&clerk.webhook_secret(), bomb(256 * MIB));
    (server, visitor, bomb, token)
}

/// Sends a body of that length to a route, with a length that tells beforehand or in pieces; answers the status.
async fn status_of(visitor: &Visitor, path: &str, lines: &str, is_told: bool) -> Option<u16> {
    let method = if path == PREFERENCES { "PATCH" } else { "POST" };
    let framing = if is_told {
        format!("content-length: {LARGE}")
    } else {
        "transfer-encoding: chunked".to_owned()
    };
    let head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n{lines}{framing}\r\n\r\n");
    let mut wire = Wire::to(visitor.address()).await;
    wire.send(head.as_bytes()).await;
    let piece = vec![b' '; MIB];
    wire.pour(LARGE / MIB, &piece, !is_told).await
}

#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_are_refused_and_bombs_are_bytes_like_others() {
    let database = TestDatabase::sqlite();
    let (server, visitor, bomb, token) = started(&database).await;
    let before = peak_memory(server.id());

    let signed = format!(
        "svix-id: msg_1\r\nsvix-timestamp: {}\r\nsvix-signature: v1,AAAA\r\ncontent-type: application/json\r\n",
        chrono::Utc::now().timestamp()
    );
    let json = format!("authorization: Bearer {token}\r\ncontent-type: application/json\r\n");
    let csv = json.replace("application/json", "text/csv");
    for (path, lines) in [(WEBHOOKS, &signed), (PREFERENCES, &json), (IMPORT, &csv)] {
        for is_told in [true, false] {
            let asking = (0..AT_ONCE).map(|_| status_of(&visitor, path, lines, is_told));
            for status in join_all(asking).await {
                assert_eq!(status, Some(413), "{path}, {is_told}");
            }
        }
    }

    // Signed as it is, so it is authentic: kept as it is, and no JSON.
    let id = bomb.id().to_owned();
    let ann = visitor
        .clone()
        .bearer(&token)
        .with("content-encoding", "gzip");
    let small = self::bomb(32 * MIB);
    for _ in 0..AT_ONCE {
        let taken = visitor.send(bomb.clone().with("content-encoding", "gzip"));
        taken.await.expect(204);
        for (method, path, content_type) in [
            (Method::PATCH, PREFERENCES, "application/json"),
            (Method::POST, IMPORT, "text/csv"),
        ] {
            let answer = ann
                .submit_as(method, path, content_type, small.clone())
                .await;
            answer.expect_problem(415, "unsupported_media_type");
        }
    }
    let grown = peak_memory(server.id()).saturating_sub(before);
    assert!(grown < GROWTH, "the peak grew by {grown} bytes");
    visitor.get("/health").await.expect(200);
    server.stop().await;

    let settings = StoreSettings {
        pool_size: 1,
        policy: domain::Policy::built_in().into(),
    };
    let store = Store::open(&database.url().parse().unwrap(), settings).unwrap();
    let line = store.deliveries.find(&id).await.unwrap().unwrap();
    assert_eq!((line.outcome, line.attempts), (Outcome::Quarantined, 8));
}
