use std::time::Duration;

use assistant::Waits;
use axum::body::{Body, Bytes};
use axum::response::Response;
use domain::{AssistantError, AssistantWait};
use futures_util::stream;
use tokio::net::TcpListener;

use crate::stub::{Stub, ask, config, events, patient};

const SHORT: Duration = Duration::from_millis(150);
const HI: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n";

/// How a question ends that may wait so long.
async fn ends(url: &str, waits: Waits) -> (String, AssistantError) {
    let mut config = config(url);
    config.waits = waits;
    let (pieces, end) = ask(&config).await;
    (pieces.concat(), end.unwrap_err())
}

fn timed_out(said: &str, wait: AssistantWait) -> (String, AssistantError) {
    (said.to_owned(), AssistantError::TimedOut(wait))
}

fn short_beginning() -> Waits {
    Waits {
        beginning: SHORT,
        ..patient()
    }
}

#[tokio::test]
async fn no_head_of_an_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let beginning = timed_out("", AssistantWait::Beginning);
    assert_eq!(ends(&url, short_beginning()).await, beginning);
}

#[tokio::test]
async fn a_head_and_then_nothing_or_nothing_that_counts() {
    let beginning = timed_out("", AssistantWait::Beginning);
    for nothing in [
        &[][..],
        &[": waiting\n\n"],
        &["data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n"],
        &["data: {\"choices\":[{\"del"],
    ] {
        let stub = Stub::answering(move || events(nothing, true)).await;
        assert_eq!(
            ends(&stub.url, short_beginning()).await,
            beginning,
            "{nothing:?}"
        );
    }
}

#[tokio::test]
async fn comments_without_end_do_not_prolong_it() {
    let stub = Stub::answering(|| {
        let comments = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            Some((
                Ok::<_, std::io::Error>(Bytes::from_static(b": wait\n\n")),
                (),
            ))
        });
        let response = Response::builder().header("content-type", "text/event-stream");
        response.body(Body::from_stream(comments)).unwrap()
    })
    .await;
    let beginning = timed_out("", AssistantWait::Beginning);
    assert_eq!(ends(&stub.url, short_beginning()).await, beginning);
}

#[tokio::test]
async fn a_word_and_then_nothing() {
    let stub = Stub::answering(|| events(&[HI], true)).await;
    let waits = Waits {
        more: SHORT,
        ..patient()
    };
    assert_eq!(
        ends(&stub.url, waits).await,
        timed_out("Hi", AssistantWait::More)
    );
}

#[tokio::test]
async fn words_without_end() {
    let stub = Stub::answering(|| {
        let words = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            Some((
                Ok::<_, std::io::Error>(Bytes::from_static(HI.as_bytes())),
                (),
            ))
        });
        let response = Response::builder().header("content-type", "text/event-stream");
        response.body(Body::from_stream(words)).unwrap()
    })
    .await;
    let waits = Waits {
        end: Duration::from_millis(400),
        ..patient()
    };
    let (said, error) = ends(&stub.url, waits).await;
    assert_eq!(error, AssistantError::TimedOut(AssistantWait::End));
    assert!(said.replace("Hi", "").is_empty());
}

#[tokio::test]
async fn an_error_body_that_never_comes_does_not_hide_its_status() {
    let stub = Stub::answering(|| {
        let never = stream::pending::<Result<Bytes, std::io::Error>>();
        let response = Response::builder().status(503);
        response.body(Body::from_stream(never)).unwrap()
    })
    .await;
    let (_, error) = ends(&stub.url, short_beginning()).await;
    assert_eq!(error, AssistantError::Failed { status: Some(503) });
}
