//! Webhook messages as they stand on the wire: signed, and then changed by whoever attacks.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

use crate::Event;

/// A message with the headers and the body that are sent. The signature is made here and not by the library that the
/// service verifies with, so that both are held to what Svix publishes; and over any bytes, text or not.
#[derive(Debug, Clone)]
pub struct Message {
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

/// A message id that nobody has used.
#[must_use]
pub fn new_message_id() -> String {
    format!("msg_{}", Uuid::now_v7().simple())
}

impl Message {
    /// Signs a body as of now, under a new id.
    ///
    /// # Panics
    /// When the secret is none.
    #[must_use]
    pub fn signed(secret: &str, body: impl Into<Vec<u8>>) -> Self {
        let now = chrono::Utc::now().timestamp();
        Self::signed_at(&[secret], &new_message_id(), now, body)
    }

    /// Signs a body by several secrets, as Svix does while one replaces another, at `timestamp` in seconds since 1970.
    ///
    /// # Panics
    /// When a secret is none.
    #[must_use]
    pub fn signed_at(secrets: &[&str], id: &str, timestamp: i64, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let signatures: Vec<String> = secrets
            .iter()
            .map(|secret| signature(secret, id, timestamp, &body))
            .collect();
        let headers = [
            ("svix-id", id.to_owned()),
            ("svix-timestamp", timestamp.to_string()),
            ("svix-signature", signatures.join(" ")),
        ];
        Self {
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.into_bytes()))
                .to_vec(),
            body,
        }
    }

    /// The value of a header.
    ///
    /// # Panics
    /// When it is not there or no text.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        let (_, value) = found.expect("a header of this name");
        std::str::from_utf8(value).expect("text")
    }

    /// The message id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.header("svix-id")
    }

    /// Without a header.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self
    }

    /// With one more header, whether one of this name is there or not.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers
            .push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// With another value of a header.
    #[must_use]
    pub fn replace(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.without(name).with(name, value)
    }

    /// With another body under the same signature.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Under the names of the Standard Webhooks specification: `webhook-id` and so on.
    #[must_use]
    pub fn unbranded(mut self) -> Self {
        for (name, _) in &mut self.headers {
            *name = name.replace("svix-", "webhook-");
        }
        self
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Puts headers and body on a request.
    pub(crate) fn onto(self, mut request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        request
            .header("content-type", "application/json")
            .body(self.body)
    }

    /// The request as bytes, for whoever speaks to the socket itself.
    #[must_use]
    pub fn head(&self, path: &str, length: usize) -> Vec<u8> {
        let mut head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n"
        )
        .into_bytes();
        for (name, value) in &self.headers {
            head.extend_from_slice(name.as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(value);
            head.extend_from_slice(b"\r\n");
        }
        head
    }
}

impl From<Event> for Vec<u8> {
    fn from(event: Event) -> Self {
        event.0.to_string().into_bytes()
    }
}

/// `v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`.
fn signature(secret: &str, id: &str, timestamp: i64, body: &[u8]) -> String {
    let encoded = secret.strip_prefix("whsec_").unwrap_or(secret);
    let key = STANDARD.decode(encoded).expect("a secret in base64");
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let content = [id.as_bytes(), timestamp.to_string().as_bytes(), body].join(&b'.');
    format!("v1,{}", STANDARD.encode(hmac::sign(&key, &content)))
}
