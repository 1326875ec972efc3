//! A webhook endpoint that writes down what arrives and answers as told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use svix::webhooks::{Webhook, WebhookError};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

#[derive(Clone)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub(crate) fn event(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn event_type(&self) -> String {
        self.event()["type"].as_str().unwrap().to_owned()
    }

    /// What Svix's own verifier says.
    pub(crate) fn verify(&self, secret: &str) -> Result<(), WebhookError> {
        Webhook::new(secret)
            .unwrap()
            .verify(&self.body, &self.headers)
    }
}

#[derive(Default)]
struct Book {
    received: Vec<Received>,
    answers: VecDeque<u16>,
}

pub(crate) struct Receiver {
    origin: String,
    book: Arc<Mutex<Book>>,
    task: JoinHandle<()>,
}

impl Receiver {
    /// Answers 204.
    pub(crate) async fn start() -> Self {
        Self::answering(&[]).await
    }

    /// Gives these answers in order, then 204.
    pub(crate) async fn answering(answers: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let book = Arc::new(Mutex::new(Book {
            answers: answers.iter().copied().collect(),
            ..Book::default()
        }));
        let router = Router::new()
            .fallback(receive)
            .with_state(Arc::clone(&book));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { origin, book, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("{}/webhooks", self.origin)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.book.lock().unwrap().received.clone()
    }

    pub(crate) fn types(&self) -> Vec<String> {
        self.received().iter().map(Received::event_type).collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn receive(
    State(book): State<Arc<Mutex<Book>>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut book = book.lock().unwrap();
    book.received.push(Received {
        path: uri.path().to_owned(),
        headers,
        body,
    });
    let status = book.answers.pop_front().unwrap_or(204);
    let status = StatusCode::from_u16(status).unwrap();
    let heading = [("location", "/elsewhere"), ("x-answer", "scripted")];
    if status == StatusCode::NO_CONTENT {
        return status.into_response();
    }
    (status, heading, format!("answer {status}")).into_response()
}
