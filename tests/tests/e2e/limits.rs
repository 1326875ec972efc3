//! Connections that ask for too much, or for too long.

use e2e::{ME, TestDatabase, WEBHOOKS, Wire, World, migrated_postgres};

/// The head of a request without its end.
fn head_of(lines: &str) -> Vec<u8> {
    format!("GET /health/live HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{lines}")
        .into_bytes()
}

async fn status(world: &World, bytes: &[u8]) -> Option<u16> {
    Wire::to(world.address()).await.status_of(bytes).await
}

async fn status_after_end(world: &World, bytes: &[u8]) -> Option<u16> {
    let wire = Wire::to(world.address()).await;
    wire.status_after_end_of(bytes).await
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_have_a_size() {
    let world = World::start(TestDatabase::sqlite()).await;
    let lines = |count: usize, length: usize| {
        let lines: String = (0..count)
            .map(|number| format!("x-{number}: {}\r\n", "v".repeat(length)))
            .collect();
        head_of(&format!("{lines}\r\n"))
    };
    assert_eq!(status(&world, &lines(90, 10)).await, Some(200));
    assert_eq!(status(&world, &lines(1, 30_000)).await, Some(200));
    assert_eq!(status(&world, &lines(101, 10)).await, Some(431));
    assert_eq!(status(&world, &lines(1, 33_000)).await, Some(431));
    assert_eq!(status(&world, &lines(50, 1000)).await, Some(431));
    world.anonymous().get("/health/ready").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_with_two_ends_are_refused() {
    let world = World::start(TestDatabase::sqlite()).await;
    let signed = world.signed(e2e::sample("user.created"));
    let body = signed.body().to_vec();
    let head = String::from_utf8(signed.head(WEBHOOKS, body.len())).unwrap();
    let with = |line: &str| [head.as_bytes(), line.as_bytes(), b"\r\n\r\n", &body].concat();
    for line in [
        "content-length: 3",
        "transfer-encoding: xchunked",
        "transfer-encoding: gzip",
        "transfer-encoding : chunked",
        "content-length: -1",
        "content-length: +5",
    ] {
        let refused = status(&world, &with(line)).await;
        assert_eq!(refused, Some(400), "{line}");
    }
    assert_eq!(world.delivery(signed.id()).await, None);
    let sent = status(&world, &with("connection: close")).await;
    assert_eq!(sent, Some(204));
}

/// A proxy in front may have gone by the length, where RFC 9112 6.1 goes by the pieces: then what follows the pieces
/// would be another caller's request. So nothing that follows is read.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_smuggled_behind_pieces() {
    let world = World::start(TestDatabase::sqlite()).await;
    let hidden = "GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let body = format!("2\r\n{{}}\r\n0\r\n\r\n{hidden}");
    let message = world.signed("{}");
    let head = String::from_utf8(message.head(WEBHOOKS, body.len())).unwrap();
    let chunked = "transfer-encoding: chunked\r\n";
    for head in [
        format!("{head}{chunked}"),
        head.replacen("\r\n", &format!("\r\n{chunked}"), 1),
    ] {
        let mut wire = Wire::to(world.address()).await;
        wire.send(format!("{head}\r\n{body}").as_bytes()).await;
        let answers = wire.rest().await;
        assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{answers}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_is_no_fault_of_ours() {
    let world = World::start(TestDatabase::sqlite()).await;
    for bytes in [
        &b"\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost localhost\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        &[0; 4096],
    ] {
        let answer = status_after_end(&world, bytes).await;
        assert!(
            answer.is_none_or(|status| (400..500).contains(&status)),
            "{answer:?}"
        );
    }
    world.anonymous().get("/health/ready").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_off_is_refused() {
    let world = World::start(migrated_postgres().await).await;
    let signed = world.signed(e2e::sample("user.created"));
    let mut bytes = signed.head(WEBHOOKS, signed.body().len());
    bytes.extend_from_slice(b"connection: close\r\n\r\n");
    bytes.extend_from_slice(&signed.body()[..40]);
    let answer = status_after_end(&world, &bytes).await;
    assert!(answer.is_none_or(|status| status == 400), "{answer:?}");
    assert_eq!(world.delivery(signed.id()).await, None);
    world.send(signed).await.expect(204);
}

/// Waits for real time to pass: ten seconds, for all kinds of slowness at once. `faults::slow_clients` does it by hundreds.
#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_are_let_go() {
    let world = World::start(TestDatabase::sqlite()).await;
    let signed = world.signed(e2e::sample("user.created"));

    let mut silent = Wire::to(world.address()).await;
    let mut begun = Wire::to(world.address()).await;
    begun.send(&head_of("x-1: a\r\n")).await;
    let mut slow = Wire::to(world.address()).await;
    slow.send(&signed.head(WEBHOOKS, signed.body().len())).await;
    slow.send(b"\r\n").await;
    slow.send(&signed.body()[..40]).await;

    // Nobody else has to wait meanwhile.
    world.caller("ann").await.get(ME).await.expect(200);

    let (silent, begun, slow) =
        tokio::join!(silent.rest(), begun.rest(), slow.until("body_timeout"));
    assert_eq!(silent, "");
    assert!(
        begun.is_empty() || begun.starts_with("HTTP/1.1 408"),
        "{begun}"
    );
    assert!(slow.starts_with("HTTP/1.1 408"), "{slow}");
    assert_eq!(world.delivery(signed.id()).await, None);
    world.send(signed).await.expect(204);
}
