//! An emulator on a free port with a client that knows its secret key.

use std::ops::Deref;
use std::sync::OnceLock;
use std::time::Duration;

use emulator::{Emulator, EmulatorConfig, SigningKey};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

use crate::receiver::Receiver;

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: Value,
}

impl Answer {
    /// The first error's code.
    pub(crate) fn code(&self) -> &str {
        assert!(self.body["clerk_trace_id"].is_string(), "{}", self.body);
        self.body["errors"][0]["code"].as_str().unwrap()
    }

    /// The body of a 200.
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        assert_eq!(self.content_type, "application/json");
        self.body
    }
}

pub(crate) struct Running {
    pub(crate) emulator: Emulator,
    client: Client,
}

/// One key for all tests of this process.
pub(crate) fn shared_key() -> SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::generate().unwrap()).clone()
}

pub(crate) fn config() -> EmulatorConfig {
    EmulatorConfig {
        key: Some(shared_key()),
        retry_schedule: vec![Duration::from_millis(10); 2],
        ..EmulatorConfig::on_free_port()
    }
}

pub(crate) async fn running() -> Running {
    running_with(config()).await
}

pub(crate) async fn running_with(config: EmulatorConfig) -> Running {
    let emulator = Emulator::start(config).await.unwrap();
    let client = Client::builder().no_proxy().build().unwrap();
    Running { emulator, client }
}

/// An emulator whose webhooks arrive at the receiver.
pub(crate) async fn delivering_to(receiver: &Receiver) -> Running {
    running_with(EmulatorConfig {
        webhook_url: Some(receiver.url()),
        ..config()
    })
    .await
}

impl Running {
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.emulator.origin()))
    }

    pub(crate) async fn send(request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let content_type = response
            .headers()
            .get("content-type")
            .map(|value| value.to_str().unwrap().to_owned())
            .unwrap_or_default();
        let body = response.bytes().await.unwrap();
        Answer {
            status,
            content_type,
            body: serde_json::from_slice(&body).unwrap_or_default(),
        }
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = self
            .request(method, path)
            .bearer_auth(self.emulator.secret_key());
        if let Some(body) = body {
            request = request.json(&body);
        }
        Self::send(request).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PATCH, path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, None).await
    }

    /// Waits until every delivery has arrived or failed for good.
    pub(crate) async fn settled(&self) {
        tokio::time::timeout(Duration::from_secs(30), self.emulator.settled())
            .await
            .expect("deliveries settle");
    }

    /// The types of all events so far.
    pub(crate) fn events(&self) -> Vec<String> {
        let deliveries = self.emulator.deliveries();
        deliveries.into_iter().map(|it| it.event_type).collect()
    }
}

impl Deref for Running {
    type Target = Emulator;

    fn deref(&self) -> &Emulator {
        &self.emulator
    }
}
