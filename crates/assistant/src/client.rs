//! Asking: one request, and what its head says of the answer.

use async_trait::async_trait;
use bytes::BytesMut;
use domain::workspace::{ChatRole, Utterance};
use domain::{Answer, Assistant, AssistantError, AssistantWait};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::answer::{Given, Streamed, whole};
use crate::config::{endpoint, is_loopback};
use crate::refusal::refusal;
use crate::{AssistantConfig, AssistantConfigError, Waits};

/// The largest body that is read as a whole, in bytes.
const BODY_LIMIT: usize = 1024 * 1024;
/// The largest error body that is looked at, in bytes.
const ERROR_LIMIT: usize = 16 * 1024;

const USER_AGENT: &str = concat!("clerk-sync/", env!("CARGO_PKG_VERSION"));

/// An endpoint that answers `POST …/chat/completions`.
#[derive(Debug)]
pub struct ChatCompletions {
    client: reqwest::Client,
    endpoint: Url,
    model: String,
    waits: Waits,
}

#[derive(Serialize)]
struct Request<'request> {
    model: &'request str,
    messages: Vec<Message<'request>>,
    stream: bool,
}

#[derive(Serialize)]
struct Message<'request> {
    role: &'static str,
    content: &'request str,
}

impl ChatCompletions {
    /// Sets up the client; connects to nothing yet.
    ///
    /// # Errors
    /// [`AssistantConfigError`], which shows no value.
    pub fn new(config: &AssistantConfig) -> Result<Self, AssistantConfigError> {
        let endpoint = endpoint(config)?;
        let mut client = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .default_headers(headers(config)?)
            // The key and the question are for one host, and a redirection could name another.
            .redirect(Policy::none())
            .connect_timeout(config.waits.connection);
        // A proxy from the environment has no business with this machine's own ports.
        if is_loopback(&endpoint) {
            client = client.no_proxy();
        }
        Ok(Self {
            client: client
                .build()
                .map_err(|_| AssistantConfigError::HttpClient)?,
            endpoint,
            model: config.model.clone(),
            waits: config.waits,
        })
    }
}

#[async_trait]
impl Assistant for ChatCompletions {
    async fn answer(&self, conversation: &[Utterance]) -> Result<Box<dyn Answer>, AssistantError> {
        let asked_at = Instant::now();
        let first_by = asked_at + self.waits.beginning.min(self.waits.end);
        let late = |_| AssistantError::TimedOut(AssistantWait::Beginning);
        let request = self.client.post(self.endpoint.clone()).json(&Request {
            model: &self.model,
            messages: conversation.iter().map(message).collect(),
            stream: true,
        });
        let response = timeout_at(first_by, request.send())
            .await
            .map_err(late)?
            .map_err(unsent)?;
        let status = response.status();
        if !status.is_success() {
            let headers = response.headers().clone();
            // Without its body, or with a part of it, it is refused all the same.
            let body = timeout_at(first_by, body(response, ERROR_LIMIT)).await;
            let body = body.ok().and_then(Result::ok).unwrap_or_default();
            return Err(refusal(status, &headers, &body));
        }
        match content_type(response.headers()).as_str() {
            // Some endpoints answer at once, whatever they are asked.
            "application/json" => {
                let body = timeout_at(first_by, body(response, BODY_LIMIT))
                    .await
                    .map_err(late)??;
                Ok(Box::new(Given::new(whole(&body)?)))
            }
            "text/html" => Err(AssistantError::Unreadable("it is a web page".to_owned())),
            _ => Ok(Box::new(Streamed::new(
                response, self.waits, asked_at, first_by,
            ))),
        }
    }
}

fn message(said: &Utterance) -> Message<'_> {
    Message {
        role: match said.role {
            ChatRole::User => "user",
            ChatRole::Assistant => "assistant",
        },
        content: &said.text,
    }
}

fn headers(config: &AssistantConfig) -> Result<HeaderMap, AssistantConfigError> {
    let mut headers = HeaderMap::new();
    let accept = "text/event-stream, application/json;q=0.5";
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    if let Some(key) = &config.api_key {
        let bearer = format!("Bearer {}", key.expose_secret().trim());
        let mut bearer = HeaderValue::from_str(&bearer).map_err(|_| AssistantConfigError::Key)?;
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
    }
    Ok(headers)
}

/// Without its parameters, in small letters.
fn content_type(headers: &HeaderMap) -> String {
    let text = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// A body up to a limit.
async fn body(mut response: reqwest::Response, limit: usize) -> Result<BytesMut, AssistantError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| AssistantError::CutOff)? {
        if body.len() + chunk.len() > limit {
            return Err(AssistantError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Why a request was not answered. The URL stays out of it, and so does everything that the error's causes repeat.
fn unsent(fault: reqwest::Error) -> AssistantError {
    if fault.is_timeout() {
        AssistantError::TimedOut(AssistantWait::Connection)
    } else if fault.is_connect() {
        AssistantError::Unreachable("no connection could be made".to_owned())
    } else {
        AssistantError::Unreachable("the connection ended before there was an answer".to_owned())
    }
}
