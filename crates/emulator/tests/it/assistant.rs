use std::time::Duration;

use emulator::{AssistantFaults, Chaos};
use reqwest::Method;
use serde_json::{Value, json};

use crate::running::{Running, running};

const PATH: &str = "/assistant/v1/chat/completions";

fn question(stream: bool) -> Value {
    json!({
        "model": "any",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "what now"},
        ],
        "stream": stream,
    })
}

/// What a stream says until it ends, and whether it ends well.
async fn streamed(emulator: &Running) -> (Vec<Value>, bool, bool) {
    let request = emulator.request(Method::POST, PATH).json(&question(true));
    let mut response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = Vec::new();
    let ends_well = loop {
        match response.chunk().await {
            Ok(Some(bytes)) => body.extend(bytes),
            Ok(None) => break true,
            Err(_) => break false,
        }
    };
    let body = String::from_utf8(body).unwrap();
    let events: Vec<_> = body
        .split_terminator("\n\n")
        .map(|event| event.strip_prefix("data: ").unwrap())
        .collect();
    let is_done = events.last() == Some(&"[DONE]");
    let chunks = events.iter().filter(|event| **event != "[DONE]");
    let chunks = chunks.map(|event| serde_json::from_str(event).unwrap_or_default());
    (chunks.collect(), is_done, ends_well)
}

fn words(chunks: &[Value]) -> String {
    let words = chunks.iter().filter_map(|chunk| {
        let delta = &chunk["choices"][0]["delta"];
        delta["content"].as_str().map(str::to_owned)
    });
    words.collect()
}

async fn with(faults: AssistantFaults) -> Running {
    let emulator = running().await;
    let chaos = Chaos {
        assistant: faults,
        ..Chaos::default()
    };
    emulator.set_chaos(chaos).unwrap();
    emulator
}

#[tokio::test]
async fn the_same_conversation_gets_the_same_answer_at_once_or_streamed() {
    let emulator = running().await;
    let at_once = emulator.post(PATH, question(false)).await.ok();
    assert_eq!(
        at_once["choices"][0]["message"]["content"],
        "Message 2 was: what now"
    );
    assert_eq!(at_once, emulator.post(PATH, question(false)).await.ok());
    let (chunks, is_done, ends_well) = streamed(&emulator).await;
    assert_eq!(words(&chunks), "Message 2 was: what now");
    assert!(is_done && ends_well);
    assert_eq!(chunks.len(), 6, "a word each, and the end");
    assert_eq!(chunks[5]["choices"][0]["finish_reason"], "stop");
}

#[tokio::test]
async fn it_wants_a_model_and_messages() {
    let emulator = running().await;
    for body in [
        json!({}),
        json!({"model": "any"}),
        json!({"model": "any", "messages": []}),
        json!({"model": "any", "messages": [{"role": "robot", "content": "a"}]}),
        json!([]),
    ] {
        let answer = emulator.post(PATH, body).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.body["error"]["code"], "invalid_request");
    }
    assert_eq!(emulator.get(PATH).await.status, 405);
}

#[tokio::test]
async fn it_fails_as_the_control_api_says() {
    let emulator = running().await;
    for status in [302, 401, 429, 503] {
        let chaos = json!({"assistant": {"status": status}});
        let set = emulator.put("/__emu/chaos", chaos).await.ok();
        assert_eq!(set["assistant"]["status"], status);
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let url = format!("{}{PATH}", emulator.origin());
        let answer = client.post(url).json(&question(true)).send().await.unwrap();
        assert_eq!(answer.status(), status);
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["error"]["code"], "emulated_fault");
    }
    for wrong in [json!({"status": 200}), json!({"statuses": 1})] {
        let refused = emulator
            .put("/__emu/chaos", json!({ "assistant": wrong }))
            .await;
        assert!((400..500).contains(&refused.status), "{}", refused.status);
    }
    emulator.put("/__emu/chaos", json!({})).await.ok();
    emulator.post(PATH, question(false)).await.ok();
}

#[tokio::test]
async fn streams_break_off_and_hold_garbage() {
    let cut = with(AssistantFaults {
        cut_after: Some(2),
        ..AssistantFaults::default()
    })
    .await;
    let (chunks, is_done, ends_well) = streamed(&cut).await;
    assert_eq!(
        (words(&chunks).as_str(), is_done, ends_well),
        ("Message 2 ", false, false)
    );

    let garbled = with(AssistantFaults {
        garbage_after: Some(1),
        ..AssistantFaults::default()
    })
    .await;
    let (chunks, _, _) = streamed(&garbled).await;
    assert_eq!(chunks.iter().filter(|chunk| chunk.is_null()).count(), 1);

    let page = with(AssistantFaults {
        garbage: true,
        ..AssistantFaults::default()
    })
    .await;
    assert_eq!(
        page.post(PATH, question(true)).await.content_type,
        "text/html"
    );
    let whole = with(AssistantFaults {
        never_stream: true,
        ..AssistantFaults::default()
    })
    .await;
    let answer = whole.post(PATH, question(true)).await.ok();
    assert_eq!(answer["object"], "chat.completion");
}

#[tokio::test]
async fn answers_hang_before_the_first_word_and_in_the_middle() {
    for (faults, said) in [
        (
            AssistantFaults {
                hang: true,
                ..AssistantFaults::default()
            },
            "",
        ),
        (
            AssistantFaults {
                hang_after: Some(1),
                ..AssistantFaults::default()
            },
            "Message ",
        ),
    ] {
        let emulator = with(faults).await;
        let request = emulator.request(Method::POST, PATH).json(&question(true));
        let mut response = request
            .timeout(Duration::from_millis(300))
            .send()
            .await
            .unwrap();
        let mut body = Vec::new();
        let end = loop {
            match response.chunk().await {
                Ok(Some(bytes)) => body.extend(bytes),
                Ok(None) => panic!("it ended"),
                Err(error) => break error,
            }
        };
        assert!(end.is_timeout(), "{end}");
        assert_eq!(
            String::from_utf8(body).unwrap().contains("Message "),
            !said.is_empty()
        );
    }
}
