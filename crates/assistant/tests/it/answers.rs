use emulator::{AssistantFaults, Chaos, Emulator, EmulatorConfig};
use serde_json::json;

use crate::stub::{KEY, Stub, ask, config, reply};

const WORDS: [&str; 6] = ["Message ", "3 ", "was: ", "what ", "now", ""];

#[tokio::test]
async fn the_question_is_asked_as_the_format_wants_it() {
    let stub = Stub::streaming(&[
        "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n",
        "data: [DONE]\n\n",
    ])
    .await;
    assert_eq!(
        ask(&config(&stub.url)).await,
        (vec!["Hi".to_owned()], Ok(()))
    );
    let [asked] = stub.asked().try_into().unwrap();
    assert_eq!(
        (asked.method.as_str(), asked.path.as_str()),
        ("POST", "/v1/chat/completions")
    );
    assert_eq!(asked.headers["authorization"], format!("Bearer {KEY}"));
    assert_eq!(asked.headers["content-type"], "application/json");
    assert_eq!(
        asked.body,
        json!({
            "model": "model-1",
            "stream": true,
            "messages": [
                {"role": "user", "content": "hello"},
                {"role": "assistant", "content": "hi"},
                {"role": "user", "content": "what now"},
            ],
        })
    );
}

#[tokio::test]
async fn without_a_key_none_is_sent() {
    let stub = Stub::streaming(&[
        "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\ndata: [DONE]\n\n",
    ])
    .await;
    let mut config = config(&stub.url);
    config.api_key = None;
    assert!(ask(&config).await.1.is_ok());
    assert!(!stub.asked()[0].headers.contains_key("authorization"));
}

#[tokio::test]
async fn the_emulator_answers_at_once_and_in_pieces() {
    let emulator = Emulator::start(EmulatorConfig::on_free_port())
        .await
        .unwrap();
    let config = config(&format!("{}/assistant/v1", emulator.origin()));
    let (pieces, end) = ask(&config).await;
    assert_eq!(
        (pieces, end),
        (
            WORDS[..5].iter().map(|it| (*it).to_owned()).collect(),
            Ok(())
        )
    );

    let never_stream = Chaos {
        assistant: AssistantFaults {
            never_stream: true,
            ..AssistantFaults::default()
        },
        ..Chaos::default()
    };
    emulator.set_chaos(never_stream).unwrap();
    assert_eq!(ask(&config).await, (vec![WORDS.concat()], Ok(())));
}

#[tokio::test]
async fn events_may_be_cut_anywhere() {
    let stub = Stub::streaming(&[
        ": wait\r\n\r\nda",
        "ta: {\"choices\":[{\"delta\":{\"con",
        "tent\":\"gr\u{fc}n\"}}]}\r",
        "\n\r\ndata: {\"choices\":[],\"usage\":{}}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"!\"}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DO",
        "NE]",
    ])
    .await;
    let (pieces, end) = ask(&config(&stub.url)).await;
    assert_eq!((pieces.concat().as_str(), end), ("gr\u{fc}n!", Ok(())));
}

#[tokio::test]
async fn the_end_may_be_told_either_way() {
    for ending in [
        &[
            "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n",
            "data: [DONE]\n\n",
            "data: nonsense\n\n",
        ][..],
        &[
            "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"length\"}]}\n\n",
        ],
        &["data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}"],
    ] {
        let stub = Stub::streaming(ending).await;
        assert_eq!(
            ask(&config(&stub.url)).await,
            (vec!["Hi".to_owned()], Ok(())),
            "{ending:?}"
        );
    }
}

#[tokio::test]
async fn whole_answers_are_taken() {
    let body = r#"{"choices":[{"message":{"role":"assistant","content":"All at once"},"finish_reason":"stop"}]}"#;
    let stub = Stub::answering(move || reply(200, "application/json; charset=utf-8", body)).await;
    assert_eq!(
        ask(&config(&stub.url)).await,
        (vec!["All at once".to_owned()], Ok(()))
    );
}
