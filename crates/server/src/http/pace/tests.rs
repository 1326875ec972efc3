//! Clients that take their time, by a clock that stands still until all wait.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::io::ReaderStream;
use tower::service_fn;

use super::*;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

type End = JoinHandle<hyper::Result<()>>;

/// A connection that is answered so, each time.
fn answered<F>(
    buffer: usize,
    answer: impl Fn() -> F + Clone + Send + 'static,
) -> (DuplexStream, End)
where
    F: Future<Output = Body> + Send + 'static,
{
    let (client, stream) = duplex(buffer);
    let service = service_fn(move |_: Request<Heard>| {
        let body = answer();
        async move { Ok::<_, Infallible>(Response::new(body.await)) }
    });
    (
        client,
        tokio::spawn(super::super::connection(stream, peer(), service)),
    )
}

fn peer() -> Peer {
    ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 1)))
}

fn quick() -> (DuplexStream, End) {
    answered(64 * 1024, async || Body::from("fine"))
}

/// Seconds until the connection is closed.
async fn seconds_left(mut client: DuplexStream) -> u64 {
    let began = Instant::now();
    client.read_to_end(&mut Vec::new()).await.unwrap();
    began.elapsed().as_secs()
}

async fn ask(client: &mut DuplexStream) {
    client.write_all(REQUEST).await.unwrap();
    read_until(client, "fine").await;
}

async fn read_until(client: &mut DuplexStream, words: &str) -> String {
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains(words) {
        read.push(client.read_u8().await.unwrap());
    }
    String::from_utf8(read).unwrap()
}

#[tokio::test(start_paused = true)]
async fn whoever_says_nothing_is_let_go() {
    let (client, _) = quick();
    assert_eq!(seconds_left(client).await, HEAD_TIME.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_head_has_its_time_however_it_drips() {
    for asked in [false, true] {
        let (mut client, _) = quick();
        if asked {
            ask(&mut client).await;
            sleep(Duration::from_secs(40)).await;
        }
        client.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        let (mut reader, mut writer) = tokio::io::split(client);
        tokio::spawn(async move {
            while writer.write_all(b"x-a: b\r\n").await.is_ok() {
                sleep(Duration::from_secs(1)).await;
            }
        });
        let began = Instant::now();
        reader.read_to_end(&mut Vec::new()).await.unwrap();
        assert_eq!(began.elapsed().as_secs(), HEAD_TIME.as_secs(), "{asked}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_has_asked_is_waited_for_longer() {
    let (mut client, _) = quick();
    for _ in 0..3 {
        ask(&mut client).await;
        sleep(IDLE_TIME - Duration::from_secs(1)).await;
    }
    ask(&mut client).await;
    assert_eq!(seconds_left(client).await, IDLE_TIME.as_secs());
}

#[tokio::test(start_paused = true)]
async fn work_and_streams_take_the_time_that_they_take() {
    const HOUR: Duration = Duration::from_secs(3600);
    let (mut client, _) = answered(1024, async || {
        sleep(HOUR).await;
        let (mut writer, reader) = duplex(64);
        tokio::spawn(async move {
            sleep(HOUR).await;
            writer.write_all(b"fine").await
        });
        Body::from_stream(ReaderStream::new(reader))
    });
    let began = Instant::now();
    ask(&mut client).await;
    assert_eq!(began.elapsed(), HOUR * 2);
    assert_eq!(seconds_left(client).await, IDLE_TIME.as_secs());
}

#[tokio::test(start_paused = true)]
async fn an_answer_before_the_body_says_that_the_connection_ends() {
    for (length, says_so) in [(100_000, true), (0, false)] {
        let (mut client, _) = quick();
        let head =
            format!("POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n");
        client.write_all(head.as_bytes()).await.unwrap();
        let answer = read_until(&mut client, "fine").await;
        assert_eq!(answer.contains("connection: close"), says_so, "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_reads_is_given_up() {
    let (mut client, end) = answered(1024, async || Body::from("x".repeat(1024 * 1024)));
    client.write_all(REQUEST).await.unwrap();
    // As long as something is taken now and then, it goes on.
    for _ in 0..5 {
        sleep(UNREAD_TIME - Duration::from_secs(1)).await;
        client.read_exact(&mut [0; 512]).await.unwrap();
    }
    let began = Instant::now();
    end.await.unwrap().unwrap_err();
    assert_eq!(began.elapsed().as_secs(), UNREAD_TIME.as_secs());
}

#[tokio::test(start_paused = true)]
async fn whoever_has_read_an_answer_late_is_waited_for_no_longer_than_others() {
    let long = "x".repeat(4096) + "fine";
    let (mut client, _) = answered(1024, move || std::future::ready(Body::from(long.clone())));
    client.write_all(REQUEST).await.unwrap();
    sleep(UNREAD_TIME / 2).await;
    read_until(&mut client, "fine").await;
    assert_eq!(seconds_left(client).await, IDLE_TIME.as_secs());
}
