//! A server that answers as a test says, and remembers what it was asked.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assistant::{AssistantConfig, ChatCompletions, Waits};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use domain::workspace::{ChatRole, Utterance};
use domain::{Answer, Assistant as _, AssistantError};
use futures_util::stream;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

pub(crate) const KEY: &str = "sk-stub-0123456789";

/// One request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

pub(crate) struct Stub {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    server: AbortHandle,
}

impl Stub {
    /// Answers every request so.
    pub(crate) async fn answering(
        reply: impl Fn() -> Response + Clone + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let remembered = Arc::clone(&asked);
        let handler = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| async move {
            remembered.lock().unwrap().push(Asked {
                method,
                path: uri.path().to_owned(),
                headers,
                body: serde_json::from_slice(&body).unwrap(),
            });
            reply()
        };
        let router = Router::new().fallback(handler);
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            url,
            asked,
            server: serving.abort_handle(),
        }
    }

    /// Streams these pieces of text, whole.
    pub(crate) async fn streaming(pieces: &'static [&'static str]) -> Self {
        Self::answering(|| events(pieces, false)).await
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A stream of events; it stays open after them if it is told to.
pub(crate) fn events(pieces: &'static [&'static str], stays_open: bool) -> Response {
    let pieces = stream::unfold(pieces.iter(), move |mut pieces| async move {
        match pieces.next() {
            Some(piece) => Some((
                Ok::<_, Infallible>(Bytes::from_static(piece.as_bytes())),
                pieces,
            )),
            None if stays_open => std::future::pending().await,
            None => None,
        }
    });
    let response = Response::builder().header("content-type", "text/event-stream; charset=utf-8");
    response.body(Body::from_stream(pieces)).unwrap()
}

pub(crate) fn reply(status: u16, content_type: &str, body: impl Into<Body>) -> Response {
    let response = Response::builder().status(status);
    let response = response.header("content-type", content_type);
    response.body(body.into()).unwrap()
}

/// Long enough for a busy machine where nothing is to take too long.
pub(crate) fn patient() -> Waits {
    Waits {
        connection: Duration::from_secs(30),
        beginning: Duration::from_secs(30),
        more: Duration::from_secs(30),
        end: Duration::from_secs(60),
    }
}

pub(crate) fn config(url: &str) -> AssistantConfig {
    AssistantConfig {
        api_key: Some(KEY.to_owned().into()),
        waits: patient(),
        ..AssistantConfig::new(url, "model-1")
    }
}

pub(crate) fn conversation() -> Vec<Utterance> {
    let said = [
        (ChatRole::User, "hello"),
        (ChatRole::Assistant, "hi"),
        (ChatRole::User, "what now"),
    ];
    let said = said.map(|(role, text)| Utterance {
        role,
        text: text.to_owned(),
    });
    said.into()
}

/// What is said, and how it ends.
pub(crate) async fn ask(config: &AssistantConfig) -> (Vec<String>, Result<(), AssistantError>) {
    let client = ChatCompletions::new(config).unwrap();
    let mut pieces = Vec::new();
    let mut answer: Box<dyn Answer> = match client.answer(&conversation()).await {
        Ok(answer) => answer,
        Err(error) => return (pieces, Err(error)),
    };
    loop {
        match answer.next().await {
            Ok(Some(piece)) => pieces.push(piece),
            Ok(None) => {
                assert_eq!(answer.next().await, Ok(None), "an end stays one");
                return (pieces, Ok(()));
            }
            Err(error) => return (pieces, Err(error)),
        }
    }
}

/// The error of a question that gets no word.
pub(crate) async fn refused(url: &str) -> AssistantError {
    let (pieces, end) = ask(&config(url)).await;
    assert_eq!(pieces, Vec::<String>::new());
    end.unwrap_err()
}
