//! Streams of the change feed: who gets one, and how long it lasts.

use std::time::Duration;

use e2e::{Message, TestDatabase, Visitor, Wire, World, sample, within};

const SERVICE: (&str, &str) = ("SERVICE_TOKENS", "search=0123456789abcdef0123456789abcdef");
const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const CHANGES: &str = "/api/v1/changes";

async fn ask(address: std::net::SocketAddr, accept: &str) -> Wire {
    let mut wire = Wire::to(address).await;
    let request = format!(
        "GET {CHANGES} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {TOKEN}\r\naccept: {accept}\r\n\r\n"
    );
    wire.send(request.as_bytes()).await;
    wire
}

#[tokio::test(flavor = "multi_thread")]
async fn open_streams_end_when_the_service_stops() {
    let (database, clerk) = (TestDatabase::sqlite(), World::new_clerk().await);
    let server = World::new_server(database.url(), &clerk, &[SERVICE]).await;
    let mut streams = Vec::new();
    for _ in 0..3 {
        let mut stream = ask(server.address(), "text/event-stream").await;
        stream.until("\r\n\r\n").await;
        streams.push(stream);
    }
    // Far less than requests under way are given.
    within(Duration::from_secs(10), "the end", server.shutdown()).await;
    for mut stream in streams {
        let rest = stream.rest().await;
        assert!(rest.ends_with("0\r\n\r\n"), "cut off: {rest:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_outlives_the_time_that_a_request_has() {
    let (database, clerk) = (TestDatabase::sqlite(), World::new_clerk().await);
    let own = [SERVICE, ("REQUEST_TIMEOUT_SECONDS", "1")];
    let server = World::new_server(database.url(), &clerk, &own).await;
    let mut stream = ask(server.address(), "text/event-stream").await;
    stream.until("\r\n\r\n").await;
    // The very time has to pass.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let news = Message::signed(&clerk.webhook_secret(), sample("user.created"));
    Visitor::of(server.address()).send(news).await.expect(204);
    stream.until("id: 1\n").await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_prefers_json_gets_json() {
    let (database, clerk) = (TestDatabase::sqlite(), World::new_clerk().await);
    let server = World::new_server(database.url(), &clerk, &[SERVICE]).await;
    for (accept, content_type) in [
        ("application/json, text/event-stream", "application/json"),
        ("text/html;q=0.1, text/event-stream", "text/event-stream"),
        ("text/event-stream;q=0", "application/json"),
        ("*/*", "application/json"),
    ] {
        let head = ask(server.address(), accept).await.until("\r\n\r\n").await;
        let line = format!("content-type: {content_type}\r\n");
        assert!(head.contains(&line), "{accept}: {head}");
        let is_unbuffered = head.contains("x-accel-buffering: no\r\n");
        assert_eq!(is_unbuffered, content_type == "text/event-stream", "{head}");
    }
    server.shutdown().await;
}
