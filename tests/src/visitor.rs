//! Whoever calls.

use reqwest::{Client, Method, RequestBuilder};

use crate::Answer;

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
    pub(crate) fn new(client: Client, origin: String) -> Self {
        Self {
            client,
            origin,
            headers: Vec::new(),
            user_id: String::new(),
            session_id: String::new(),
        }
    }

    pub(crate) fn known_as(mut self, user_id: &str, session_id: &str) -> Self {
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
        self.answer(format!("{method} {path}"), request).await
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(self.url(path))
    }

    pub(crate) async fn answer(&self, asked: String, mut request: RequestBuilder) -> Answer {
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        match request.send().await {
            Ok(response) => Answer::read(asked, response).await,
            Err(error) => panic!("{asked}: no answer: {error:?}"),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }
}
