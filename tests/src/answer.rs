//! What came back, and what holds of everything that comes back.

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

/// An answer of the service.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// What was asked, for messages.
    asked: String,
}

impl Answer {
    /// Reads the whole answer and checks what holds of each: a request id, and for a failing one the shape of a problem
    /// (RFC 9457), or of a page that says the same to people; health reports alone are free of it.
    pub(crate) async fn read(asked: String, response: reqwest::Response) -> reqwest::Result<Self> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await?;
        let answer = Self {
            status,
            headers,
            body,
            asked,
        };
        assert!(
            answer.header("x-request-id").is_some(),
            "no request id: {answer:?}"
        );
        let reports_health = answer.asked.contains("/health");
        if status >= 400 && !reports_health {
            if answer.is_page() {
                answer.check_page();
            } else {
                answer.check_problem();
            }
        }
        Ok(answer)
    }

    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The code of a problem.
    ///
    /// # Panics
    /// When the answer is none.
    #[must_use]
    pub fn code(&self) -> String {
        let code = self.json()["code"].as_str().map(str::to_owned);
        code.unwrap_or_else(|| panic!("no code: {self:?}"))
    }

    /// Expects this status.
    ///
    /// # Panics
    /// On another one.
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Expects JSON with this status.
    ///
    /// # Panics
    /// On another status or type.
    #[must_use]
    pub fn expect_json(self, status: u16) -> Value {
        let answer = self.expect(status);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        answer.json()
    }

    /// Expects a problem with this status and code.
    ///
    /// # Panics
    /// On anything else.
    pub fn expect_problem(self, status: u16, code: &str) -> Self {
        assert_eq!(
            (self.status, self.code().as_str()),
            (status, code),
            "{self:?}"
        );
        self.check_problem();
        self
    }

    /// Whether it is a page for people.
    #[must_use]
    pub fn is_page(&self) -> bool {
        self.header("content-type") == Some("text/html; charset=utf-8")
    }

    /// The body as text.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_else(|_| panic!("no text: {self:?}"))
    }

    /// Expects a page with this status.
    ///
    /// # Panics
    /// On anything else.
    pub fn expect_page(self, status: u16) -> Self {
        let answer = self.expect(status);
        assert!(answer.is_page(), "{answer:?}");
        answer
    }

    /// Expects a page that says what went wrong, with this status and code.
    ///
    /// # Panics
    /// On anything else.
    pub fn expect_failing_page(self, status: u16, code: &str) -> Self {
        let answer = self.expect_page(status);
        let says = format!("{status} · {code}");
        assert!(answer.text().contains(&says), "{code}: {}", answer.text());
        answer
    }

    /// What a failing page has, besides its words: the request's id, and the headers of a problem.
    fn check_page(&self) {
        let id = self.header("x-request-id").unwrap_or_default();
        assert!(self.text().contains(id), "{self:?}");
        let challenged = self.header("www-authenticate").is_some();
        assert_eq!(challenged, self.status == 401, "{self:?}");
    }

    fn check_problem(&self) {
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{self:?}"
        );
        let body = self.json();
        let code = self.code();
        assert_eq!(body["type"], format!("urn:clerk-sync:problem:{code}"));
        assert!(
            body["title"]
                .as_str()
                .is_some_and(|title| !title.is_empty())
        );
        assert_eq!(body["status"], self.status, "{self:?}");
        assert_eq!(body["instance"].as_str(), self.header("x-request-id"));
        let challenged = self.header("www-authenticate").is_some();
        assert_eq!(challenged, self.status == 401, "{self:?}");
        let may_retry = self.header("retry-after").is_some();
        assert_eq!(may_retry, matches!(self.status, 429 | 503), "{self:?}");
    }
}
