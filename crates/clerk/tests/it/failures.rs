//! Clerk is slow, busy, broken or somebody else.

use std::time::Duration;

use axum::body::Body;
use clerk::ClerkApi;
use domain::{Directory as _, DirectoryError, Listing, Page};
use futures_util::{StreamExt as _, stream};
use serde_json::json;
use tokio::net::TcpListener;

use crate::{
    rows::{id, user},
    stub::{KEY, Reply, Stub, fault, ok, raw},
};

const JSON: (&str, &str) = ("content-type", "application/json");

async fn page(client: &ClerkApi) -> Result<Page, DirectoryError> {
    client.page(Listing::Users, None).await
}

fn unavailable(answer: Result<Page, DirectoryError>) -> String {
    match answer {
        Err(DirectoryError::Unavailable(words)) => words,
        other => panic!("not unavailable: {other:?}"),
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    for status in [429, 500, 502, 503, 504, 408] {
        let stub = Stub::start(move |asked| match asked.before {
            0 | 1 => raw(status, &[("retry-after", "0")], "busy"),
            _ => ok(json!([user("user_1")])),
        })
        .await;
        let page = page(&stub.client()).await.unwrap();
        assert_eq!(page.writes.len(), 1);
        assert_eq!(stub.asked().len(), 3, "{status}");
    }
}

#[tokio::test]
async fn attempts_come_to_an_end_with_clerks_last_words() {
    for (status, code) in [(429, "too_many_requests"), (503, "maintenance")] {
        let stub = Stub::start(move |_| {
            let Reply::Json(_, body) = fault(status, code) else {
                panic!("an error in JSON");
            };
            raw(status, &[JSON, ("retry-after", "0")], body.to_string())
        })
        .await;
        let client = stub.client_with(|config| config.attempts = 3);
        let words = unavailable(page(&client).await);
        assert_eq!(
            words,
            format!("status {status}, {code}: Clerk's words (trace trace1), after 3 attempts")
        );
        assert_eq!(stub.asked().len(), 3);
    }
}

#[tokio::test]
async fn a_pause_beyond_ones_patience_is_told_at_once_and_holds_for_everybody() {
    let stub = Stub::start(|_| raw(429, &[JSON, ("retry-after", "600")], "{}")).await;
    let client = stub.client_with(|config| config.timeouts.login = Duration::from_millis(100));
    let words = unavailable(page(&client).await);
    assert!(words.starts_with("status 429"), "{words}");
    // Nobody asks Clerk again before it is over, not even a login.
    let login = client.user(&id("user_1")).await;
    assert!(
        matches!(login, Err(DirectoryError::Unavailable(_))),
        "{login:?}"
    );
    assert_eq!(stub.asked().len(), 1);
}

#[tokio::test]
async fn a_server_that_hangs_is_left() {
    let stub = Stub::start(|_| Reply::Never).await;
    let client = stub.client_with(|config| {
        config.timeouts.request = Duration::from_millis(500);
        config.attempts = 2;
    });
    let words = unavailable(page(&client).await);
    assert_eq!(words, "no answer in time, after 2 attempts");
    assert_eq!(stub.asked().len(), 2);

    let client = stub.client_with(|config| config.timeouts.sweep = Duration::from_millis(50));
    let words = unavailable(page(&client).await);
    assert!(words.starts_with("no answer within 50ms"), "{words}");
}

#[tokio::test]
async fn a_body_that_hangs_is_left() {
    let stub = Stub::start(|_| raw(200, &[JSON, ("content-length", "100")], hanging_body())).await;
    let client = stub.client_with(|config| {
        config.timeouts.request = Duration::from_millis(500);
        config.attempts = 2;
    });
    assert_eq!(
        unavailable(page(&client).await),
        "no answer in time, after 2 attempts"
    );
}

/// A body that begins and never goes on.
fn hanging_body() -> Body {
    let beginning = stream::iter([Ok::<_, std::io::Error>("[")]);
    Body::from_stream(beginning.chain(stream::pending()))
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let stub = Stub::start(|_| ok(json!([]))).await;
    let client = stub.client_with(|config| config.base_url = format!("http://{address}"));
    let words = unavailable(page(&client).await);
    assert!(words.ends_with("after 5 attempts"), "{words}");
    assert!(!words.contains("/v1/users"), "{words}");
}

#[tokio::test]
async fn garbage_is_not_read_and_not_asked_for_again() {
    for (headers, body) in [
        (&[JSON][..], "<html>"),
        (&[JSON], "[{\"id\":"),
        (&[JSON], ""),
        (&[JSON], "[\"\u{feff}\"] x"),
        (&[("content-type", "text/html")], "[]"),
        (&[("content-type", "application/jsonp")], "[]"),
        (&[], "[]"),
    ] {
        let stub = Stub::start(move |_| raw(200, headers, body)).await;
        let answer = page(&stub.client()).await;
        assert!(
            matches!(answer, Err(DirectoryError::Unreadable(_))),
            "{answer:?}"
        );
        assert_eq!(stub.asked().len(), 1);
    }
    let stub = Stub::start(|_| {
        let charset = [("content-type", "application/json; charset=utf-8")];
        raw(200, &charset, "[]")
    })
    .await;
    assert_eq!(page(&stub.client()).await.unwrap(), Page::default());
}

#[tokio::test]
async fn a_body_without_end_is_cut() {
    let stub = Stub::start(|asked| {
        let large = vec![b' '; 16 * 1024 * 1024 + 1];
        match asked.before {
            0 => raw(200, &[JSON], large),
            _ => {
                let chunks = large.chunks(1024 * 1024).map(<[u8]>::to_vec);
                let chunks: Vec<_> = chunks.map(Ok::<_, std::io::Error>).collect();
                raw(200, &[JSON], Body::from_stream(stream::iter(chunks)))
            }
        }
    })
    .await;
    let client = stub.client();
    for _ in 0..2 {
        let fault = page(&client).await.unwrap_err();
        assert!(
            fault.to_string().contains("more than 16777216 bytes"),
            "{fault}"
        );
    }
    assert_eq!(stub.asked().len(), 2);
}

#[tokio::test]
async fn a_redirection_is_not_followed() {
    let elsewhere = Stub::start(|_| ok(json!([]))).await;
    let location = elsewhere.url.clone();
    let stub = Stub::start(move |_| raw(307, &[("location", &location)], "")).await;
    let answer = page(&stub.client()).await;
    assert!(matches!(answer, Err(DirectoryError::Unreadable(_))));
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn a_wrong_key_is_refused_once_and_never_repeated() {
    let stub = Stub::start(|asked| {
        let sent = asked.headers["authorization"].to_str().unwrap();
        let message = format!("The key of `{sent}` is invalid.");
        Reply::Json(
            401,
            json!({"errors": [{"code": "clerk_key_invalid", "message": message}], "clerk_trace_id": "t1"}),
        )
    })
    .await;
    let client = stub.client();
    let Err(fault @ DirectoryError::Refused(_)) = page(&client).await else {
        panic!("not refused");
    };
    assert_eq!(
        fault.to_string(),
        "Clerk's Backend API refused: status 401, clerk_key_invalid: The key of `Bearer [key]` is invalid. (trace t1)"
    );
    assert_eq!(stub.asked().len(), 1);
    assert!(!format!("{client:?} {fault:?}").contains(KEY));
}

#[tokio::test]
async fn a_listing_that_clerk_does_not_know_is_an_error() {
    let stub = Stub::start(|_| fault(404, "resource_not_found")).await;
    let client = stub.client();
    assert!(matches!(
        page(&client).await,
        Err(DirectoryError::Refused(_))
    ));
    assert!(matches!(
        client.count(Listing::Memberships).await,
        Err(DirectoryError::Refused(_))
    ));
}
