//! A server that answers as a test says, and remembers what it was asked.

use std::{
    collections::HashMap,
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Body,
    extract::Request,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use clerk::{ClerkApi, ClerkApiConfig};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::AbortHandle};

pub(crate) const KEY: &str = "sk_test_stub_0123456789";

/// One request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) body: Vec<u8>,
    /// The path and query, escaped as they came.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    /// How many came before it.
    pub(crate) before: usize,
}

impl Asked {
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }

    /// A parameter of the query.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let url = url::Url::parse(&format!("http://stub{}", self.target)).unwrap();
        let parameters: HashMap<_, _> = url.query_pairs().into_owned().collect();
        parameters.get(name).cloned()
    }
}

/// What the stub does.
pub(crate) enum Reply {
    Json(u16, Value),
    Raw(Response),
    Never,
}

pub(crate) fn ok(body: Value) -> Reply {
    Reply::Json(200, body)
}

/// An error in Clerk's shape.
pub(crate) fn fault(status: u16, code: &str) -> Reply {
    let body =
        json!({"errors": [{"code": code, "message": "Clerk's words"}], "clerk_trace_id": "trace1"});
    Reply::Json(status, body)
}

pub(crate) fn raw(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Reply {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    Reply::Raw(response.body(body.into()).unwrap())
}

pub(crate) struct Stub {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    server: AbortHandle,
}

impl Stub {
    pub(crate) async fn start(
        answer: impl Fn(&Asked) -> Reply + Clone + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let app = Router::new().fallback(move |request: Request| {
            let (log, answer) = (Arc::clone(&log), answer.clone());
            async move {
                let (head, body) = request.into_parts();
                let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
                let reply = {
                    let mut log = log.lock().unwrap();
                    let asked = Asked {
                        method: head.method.to_string(),
                        body: body.to_vec(),
                        target: head.uri.to_string(),
                        headers: head.headers,
                        before: log.len(),
                    };
                    log.push(asked.clone());
                    answer(&asked)
                };
                match reply {
                    Reply::Json(status, body) => {
                        (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
                    }
                    Reply::Raw(response) => response,
                    Reply::Never => pending().await,
                }
            }
        });
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            url,
            asked,
            server: server.abort_handle(),
        }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn targets(&self) -> Vec<String> {
        let targets = self.asked().into_iter().map(|asked| asked.target);
        targets.collect()
    }

    /// Settings for it, with pauses that a test can wait for.
    pub(crate) fn config(&self) -> ClerkApiConfig {
        let mut config = ClerkApiConfig::new(self.url.as_str(), SecretString::from(KEY));
        config.first_pause = Duration::from_millis(1);
        config.budget = config.budget.saturating_add(100_000);
        config
    }

    pub(crate) fn client(&self) -> ClerkApi {
        self.client_with(|_| {})
    }

    pub(crate) fn client_with(&self, change: impl FnOnce(&mut ClerkApiConfig)) -> ClerkApi {
        let mut config = self.config();
        change(&mut config);
        ClerkApi::new(&config).unwrap()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.server.abort();
    }
}
