//! Whoever calls.

use std::net::SocketAddr;

use reqwest::{Client, Method, RequestBuilder, redirect};
use serde_json::Value;

use crate::{Answer, Message, PATIENCE, WEBHOOKS};

/// Somebody with one way of proving who he is, or none.
#[derive(Debug, Clone)]
pub struct Visitor {
    client: Client,
    origin: String,
    headers: Vec<(String, String)>,
    user_id: String,
    session_id: String,
}

impl Visitor {
    /// Somebody who calls this server.
    ///
    /// # Panics
    /// When the HTTP client cannot be built.
    #[must_use]
    pub fn of(address: SocketAddr) -> Self {
        Self::new(client(), address)
    }

    pub(crate) fn new(client: Client, address: SocketAddr) -> Self {
        Self {
            client,
            origin: format!("http://{address}"),
            headers: Vec::new(),
            user_id: String::new(),
            session_id: String::new(),
        }
    }

    /// Where the server listens.
    ///
    /// # Panics
    /// Never: it was made of an address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        let address = self.origin.trim_start_matches("http://");
        address.parse().expect("an address")
    }

    /// As whom it asks.
    #[must_use]
    pub fn known_as(mut self, user_id: &str, session_id: &str) -> Self {
        self.user_id = user_id.to_owned();
        self.session_id = session_id.to_owned();
        self
    }

    /// With one more header on each request.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// With a session token in the `Authorization` header.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.with("authorization", format!("Bearer {token}"))
    }

    /// Clerk's id of the user; empty for strangers.
    #[must_use]
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// Clerk's id of the session; empty for strangers.
    #[must_use]
    pub fn session_id(&self) -> &str {
        &self.session_id
    }

    /// `GET`.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path).await
    }

    /// Any method, without a body.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn ask(&self, method: Method, path: &str) -> Answer {
        let request = self.client.request(method.clone(), self.url(path));
        match self.answer(format!("{method} {path}"), request).await {
            Ok(answer) => answer,
            Err(error) => panic!("{method} {path}: no answer: {error:?}"),
        }
    }

    /// Any method, with a JSON body.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn submit(&self, method: Method, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        self.submit_as(method, path, "application/json", body).await
    }

    /// Any method, with a body of any type.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn submit_as(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: impl Into<Vec<u8>>,
    ) -> Answer {
        let request = self.client.request(method.clone(), self.url(path));
        let request = request
            .header("content-type", content_type)
            .body(body.into());
        match self.answer(format!("{method} {path}"), request).await {
            Ok(answer) => answer,
            Err(error) => panic!("{method} {path}: no answer: {error:?}"),
        }
    }

    /// Sends a webhook as it stands.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn send(&self, message: Message) -> Answer {
        match self.try_send(message).await {
            Ok(answer) => answer,
            Err(error) => panic!("POST {WEBHOOKS}: no answer: {error:?}"),
        }
    }

    /// Sends a webhook as it stands, to a server that may be on its way out.
    ///
    /// # Errors
    /// When there is no answer, or not the whole of it.
    pub async fn try_send(&self, message: Message) -> reqwest::Result<Answer> {
        let request = message.onto(self.client.post(self.url(WEBHOOKS)));
        self.answer(format!("POST {WEBHOOKS}"), request).await
    }

    /// `GET`, of a server that may be on its way out.
    ///
    /// # Errors
    /// When there is no answer, or not the whole of it.
    pub async fn try_get(&self, path: &str) -> reqwest::Result<Answer> {
        let request = self.client.get(self.url(path));
        self.answer(format!("GET {path}"), request).await
    }

    async fn answer(&self, asked: String, mut request: RequestBuilder) -> reqwest::Result<Answer> {
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        Answer::read(asked, request.send().await?).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }
}

/// A client that goes where it is sent and nowhere else.
pub(crate) fn client() -> Client {
    let builder = Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .timeout(PATIENCE);
    builder.build().expect("an HTTP client")
}
