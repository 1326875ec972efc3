//! A chat assistant that anything that speaks OpenAI's chat completions can talk to. It knows nothing: the same
//! conversation always gets the same answer, which repeats the last message, so that a test can tell answers apart.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures_util::stream;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::chaos::AssistantFaults;
use crate::instance::Instance;

const ID: &str = "chatcmpl-emulator";
/// 2026-01-01: the same answer to the same question includes its time.
const CREATED: i64 = 1_767_225_600;

/// No key is asked for.
pub(crate) fn router() -> Router<Arc<Instance>> {
    Router::new().route("/chat/completions", post(complete))
}

#[derive(Deserialize)]
struct Request {
    model: String,
    messages: Vec<Message>,
    #[serde(default)]
    stream: bool,
}

#[derive(Deserialize)]
struct Message {
    #[expect(dead_code, reason = "it has to be there")]
    role: Role,
    content: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Role {
    System,
    Developer,
    User,
    Assistant,
}

async fn complete(State(instance): State<Arc<Instance>>, body: Bytes) -> Response {
    let faults = instance.webhooks.dice().assistant();
    if let Some(status) = faults.status {
        return refused(status);
    }
    let Request {
        model,
        messages,
        stream,
    } = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => return invalid(&error.to_string()),
    };
    let Some(last) = messages.last() else {
        return invalid("messages is empty");
    };
    if faults.garbage {
        let page = "<!doctype html><title>Checking your connection</title>";
        return (typed("text/html"), page).into_response();
    }
    let answer = format!("Message {} was: {}", messages.len(), last.content);
    if stream && !faults.never_stream {
        return streamed(&model, &answer, faults);
    }
    if faults.hang {
        pending::<Infallible>().await;
    }
    let choice = json!({
        "index": 0,
        "message": {"role": "assistant", "content": answer},
        "finish_reason": "stop",
    });
    Json(document("chat.completion", &model, choice)).into_response()
}

/// What a stream does next.
enum Step {
    Piece(String),
    Garbage,
    Hang,
    Cut,
}

fn streamed(model: &str, answer: &str, faults: AssistantFaults) -> Response {
    let steps = steps(model, answer, &faults).into_iter();
    let pace = Duration::from_millis(faults.pace_ms);
    let body = stream::unfold(steps, move |mut steps| async move {
        let step = steps.next()?;
        if !pace.is_zero() {
            tokio::time::sleep(pace).await;
        }
        // What was said before goes out before it goes wrong.
        if !matches!(step, Step::Piece(_)) {
            tokio::task::yield_now().await;
        }
        let bytes = match step {
            Step::Piece(data) => Ok(Bytes::from(format!("data: {data}\n\n"))),
            Step::Garbage => Ok(Bytes::from_static(b"data: {\"choices\":[{\"del\n\n")),
            Step::Hang => pending().await,
            Step::Cut => Err(io::Error::from(io::ErrorKind::ConnectionReset)),
        };
        Some((bytes, steps))
    });
    (typed("text/event-stream"), Body::from_stream(body)).into_response()
}

/// A chunk for each word with the space behind it, one that says that this was all, and the end.
fn steps(model: &str, answer: &str, faults: &AssistantFaults) -> Vec<Step> {
    let chunk = |delta: Value, reason: Option<&str>| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": reason});
        Step::Piece(document("chat.completion.chunk", model, choice).to_string())
    };
    let mut steps = Vec::new();
    for (said, word) in (0..).zip(answer.split_inclusive(' ').map(Some).chain([None])) {
        if faults.cut_after == Some(said) {
            steps.push(Step::Cut);
        }
        if faults.hang_after == Some(said) || (faults.hang && said == 0) {
            steps.push(Step::Hang);
        }
        if faults.garbage_after == Some(said) {
            steps.push(Step::Garbage);
        }
        steps.push(match word {
            Some(word) if said == 0 => chunk(json!({"role": "assistant", "content": word}), None),
            Some(word) => chunk(json!({ "content": word }), None),
            None => chunk(json!({}), Some("stop")),
        });
    }
    steps.push(Step::Piece("[DONE]".to_owned()));
    steps
}

fn document(object: &str, model: &str, choice: Value) -> Value {
    json!({"id": ID, "object": object, "created": CREATED, "model": model, "choices": [choice]})
}

fn typed(content_type: &'static str) -> [(HeaderName, &'static str); 1] {
    [(CONTENT_TYPE, content_type)]
}

/// As the settings want it. A redirection leads nowhere.
fn refused(status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let error = error(
        "emulated_fault",
        "The emulator's chaos settings: see /__emu/chaos.",
    );
    if status.is_redirection() {
        return (status, [(LOCATION, "http://127.0.0.1:9/")], error).into_response();
    }
    (status, error).into_response()
}

fn invalid(message: &str) -> Response {
    (StatusCode::BAD_REQUEST, error("invalid_request", message)).into_response()
}

fn error(code: &str, message: &str) -> Json<Value> {
    let kind = "invalid_request_error";
    Json(json!({"error": {"message": message, "type": kind, "param": null, "code": code}}))
}
