use std::time::Duration;

use domain::AssistantError;
use emulator::{AssistantFaults, Chaos, Emulator, EmulatorConfig};
use tokio::net::TcpListener;

use crate::stub::{Stub, ask, config, refused, reply};

const HI: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n";

fn is_unreadable(error: &AssistantError) -> bool {
    matches!(error, AssistantError::Unreadable(_))
}

#[tokio::test]
async fn statuses_are_told_apart() {
    let error_body =
        r#"{"error":{"message":"sk-stub-0123456789 is wrong","code":"invalid_api_key"}}"#;
    for (status, expected) in [
        (
            401,
            AssistantError::Refused {
                status: 401,
                code: Some("invalid_api_key".to_owned()),
            },
        ),
        (429, AssistantError::Busy { retry_after: None }),
        (503, AssistantError::Failed { status: Some(503) }),
    ] {
        let stub = Stub::answering(move || reply(status, "application/json", error_body)).await;
        assert_eq!(refused(&stub.url).await, expected);
        assert_eq!(stub.asked().len(), 1, "nothing is tried twice");
    }
}

#[tokio::test]
async fn large_error_bodies_are_not_read() {
    let stub = Stub::answering(|| reply(500, "application/json", vec![b' '; 4 << 20])).await;
    let failed = AssistantError::Failed { status: Some(500) };
    assert_eq!(refused(&stub.url).await, failed);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Stub::streaming(&[HI]).await;
    let target = format!("{}/chat/completions", elsewhere.url);
    let stub = Stub::answering(move || {
        let mut response = reply(307, "text/plain", "");
        response
            .headers_mut()
            .insert("location", target.parse().unwrap());
        response
    })
    .await;
    let refusal = AssistantError::Refused {
        status: 307,
        code: None,
    };
    assert_eq!(refused(&stub.url).await, refusal);
    assert_eq!(elsewhere.asked().len(), 0);
}

#[tokio::test]
async fn nobody_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    assert!(matches!(
        refused(&url).await,
        AssistantError::Unreachable(_)
    ));
}

#[tokio::test]
async fn what_is_no_answer_is_not_taken_for_one() {
    for (content_type, body) in [
        ("text/html", "<!doctype html>"),
        ("application/json", "<!doctype html>"),
        ("application/json", "{}"),
        (
            "application/json",
            r#"{"choices":[{"message":{"content":""}}]}"#,
        ),
        ("text/event-stream", "data: <html>\n\n"),
        ("text/event-stream", "data: [DONE]\n\n"),
        (
            "text/event-stream",
            "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
        ),
    ] {
        let stub = Stub::answering(move || reply(200, content_type, body)).await;
        let error = refused(&stub.url).await;
        assert!(is_unreadable(&error), "{content_type} {body}: {error:?}");
    }
    for cut_off in ["", ": nothing\n\n", "\0\0\0", "{\"choices\":[]}"] {
        let stub = Stub::answering(move || reply(200, "text/event-stream", cut_off)).await;
        assert_eq!(
            refused(&stub.url).await,
            AssistantError::CutOff,
            "{cut_off:?}"
        );
    }
    let failed = "data: {\"error\":{\"message\":\"overloaded\"}}\n\n";
    let stub = Stub::answering(move || reply(200, "text/event-stream", failed)).await;
    assert_eq!(
        refused(&stub.url).await,
        AssistantError::Failed { status: None }
    );
}

#[tokio::test]
async fn nothing_is_read_without_end() {
    let stub = Stub::answering(|| reply(200, "application/json", vec![b' '; 2 << 20])).await;
    assert_eq!(refused(&stub.url).await, AssistantError::TooLong);
    let stub = Stub::answering(|| reply(200, "text/event-stream", vec![b'a'; 1 << 20])).await;
    assert!(is_unreadable(&refused(&stub.url).await));
    let long = format!(
        "data: {{\"choices\":[{{\"delta\":{{\"content\":\"{}\"}}}}]}}\n\n",
        "a".repeat(100_000)
    );
    let stub = Stub::answering(move || reply(200, "text/event-stream", long.repeat(10))).await;
    let (pieces, end) = ask(&config(&stub.url)).await;
    assert_eq!((pieces.len(), end), (5, Err(AssistantError::TooLong)));
}

#[tokio::test]
async fn an_answer_without_its_end_is_cut_off() {
    let stub = Stub::streaming(&[HI]).await;
    assert_eq!(
        ask(&config(&stub.url)).await,
        (vec!["Hi".to_owned()], Err(AssistantError::CutOff))
    );
}

#[tokio::test]
async fn the_emulators_faults_are_told_apart() {
    let emulator = Emulator::start(EmulatorConfig::on_free_port())
        .await
        .unwrap();
    let url = format!("{}/assistant/v1", emulator.origin());
    let suffer = |assistant| {
        let chaos = Chaos {
            assistant,
            ..Chaos::default()
        };
        emulator.set_chaos(chaos).unwrap();
    };
    suffer(AssistantFaults {
        status: Some(529),
        ..AssistantFaults::default()
    });
    let failed = AssistantError::Failed { status: Some(529) };
    assert_eq!(refused(&url).await, failed);
    suffer(AssistantFaults {
        garbage: true,
        ..AssistantFaults::default()
    });
    assert!(is_unreadable(&refused(&url).await));
    suffer(AssistantFaults {
        cut_after: Some(2),
        ..AssistantFaults::default()
    });
    let (pieces, end) = ask(&config(&url)).await;
    assert_eq!(
        (pieces.concat().as_str(), end),
        ("Message 3 ", Err(AssistantError::CutOff))
    );
    suffer(AssistantFaults {
        garbage_after: Some(1),
        ..AssistantFaults::default()
    });
    let (pieces, end) = ask(&config(&url)).await;
    assert_eq!(pieces.concat(), "Message ");
    assert!(is_unreadable(&end.unwrap_err()));
    suffer(AssistantFaults {
        hang: true,
        ..AssistantFaults::default()
    });
    let mut config = config(&url);
    config.waits.beginning = Duration::from_millis(200);
    let (pieces, end) = ask(&config).await;
    assert_eq!(pieces.len(), 0);
    assert!(matches!(end, Err(AssistantError::TimedOut(_))));
}
