//! What the client needs to know, and what it refuses to start with.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use url::{Host, Url};

/// How to reach the assistant.
#[derive(Debug, Clone)]
pub struct AssistantConfig {
    /// The base URL with its version, such as `https://api.openai.com/v1`: `/chat/completions` is added.
    pub base_url: String,
    /// Sent as bearer token. Endpoints of one's own often need none.
    pub api_key: Option<SecretString>,
    /// The model, as the endpoint calls it.
    pub model: String,
    /// How long anything may take.
    pub waits: Waits,
}

impl AssistantConfig {
    /// An endpoint without a key, and times that suit models in a data centre.
    #[must_use]
    pub fn new(base_url: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            api_key: None,
            model: model.into(),
            waits: Waits::default(),
        }
    }
}

/// How long anything may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    /// A connection.
    pub connection: Duration,
    /// From the question to the first word.
    pub beginning: Duration,
    /// From one word to the next.
    pub more: Duration,
    /// From the question to the last word.
    pub end: Duration,
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            connection: Duration::from_secs(5),
            beginning: Duration::from_secs(30),
            more: Duration::from_secs(20),
            end: Duration::from_secs(180),
        }
    }
}

/// Why the client cannot be set up. No value is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AssistantConfigError {
    /// It is no URL, is neither http nor https, or has a user, query or fragment.
    #[error(
        "the URL of the assistant is not usable: an http or https URL such as https://api.openai.com/v1 is wanted"
    )]
    Url,
    /// Plain http would carry the key over a network.
    #[error(
        "the URL of the assistant has to begin with https, since there is a key and it is not on this machine"
    )]
    KeyInTheOpen,
    /// It is empty, or no header can hold it.
    #[error("the key of the assistant is not usable")]
    Key,
    /// It is empty.
    #[error("the model of the assistant is missing")]
    Model,
    /// The HTTP client could not be set up, most likely for want of root certificates.
    #[error("the HTTP client could not be set up")]
    HttpClient,
}

/// Where completions are asked for.
pub(crate) fn endpoint(config: &AssistantConfig) -> Result<Url, AssistantConfigError> {
    let base = config.base_url.trim_end_matches('/');
    let url =
        Url::parse(&format!("{base}/chat/completions")).map_err(|_| AssistantConfigError::Url)?;
    let is_bare = url.username().is_empty()
        && url.password().is_none()
        && !base.contains(['?', '#'])
        && url.has_host();
    if !is_bare || !matches!(url.scheme(), "http" | "https") {
        return Err(AssistantConfigError::Url);
    }
    if url.scheme() == "http" && config.api_key.is_some() && !is_loopback(&url) {
        return Err(AssistantConfigError::KeyInTheOpen);
    }
    if config.model.trim().is_empty() {
        return Err(AssistantConfigError::Model);
    }
    if let Some(key) = &config.api_key
        && key.expose_secret().trim().is_empty()
    {
        return Err(AssistantConfigError::Key);
    }
    Ok(url)
}

/// Whether a URL stays on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(base_url: &str, key: Option<&str>) -> Result<String, AssistantConfigError> {
        let config = AssistantConfig {
            api_key: key.map(|key| key.to_owned().into()),
            ..AssistantConfig::new(base_url, "model")
        };
        endpoint(&config).map(String::from)
    }

    #[test]
    fn the_path_is_added_to_the_base() {
        for base in ["https://llm.example/v1", "https://llm.example/v1/"] {
            assert_eq!(
                judged(base, Some("key")).unwrap(),
                "https://llm.example/v1/chat/completions"
            );
        }
        assert!(
            judged("https://llm.example", None)
                .unwrap()
                .ends_with("example/chat/completions")
        );
    }

    #[test]
    fn a_key_travels_in_the_open_on_this_machine_only() {
        for near in [
            "http://127.0.0.1:11434/v1",
            "http://localhost/v1",
            "http://[::1]:1/v1",
        ] {
            assert!(judged(near, Some("key")).is_ok(), "{near}");
        }
        for far in ["http://llm.internal/v1", "http://127.0.0.1.example/v1"] {
            assert_eq!(
                judged(far, Some("key")),
                Err(AssistantConfigError::KeyInTheOpen)
            );
            assert!(judged(far, None).is_ok(), "{far}");
        }
    }

    #[test]
    fn what_cannot_work_is_named() {
        for wrong in [
            "",
            "llm.example/v1",
            "ftp://llm.example/v1",
            "https://user@llm.example/v1",
            "https://:key@llm.example/v1",
            "https://llm.example/v1?key=1",
            "https://llm.example/v1#a",
            "file:///etc/passwd",
            "unix:/run/llm",
        ] {
            assert_eq!(
                judged(wrong, None),
                Err(AssistantConfigError::Url),
                "{wrong}"
            );
        }
        assert_eq!(
            judged("https://llm.example", Some(" ")),
            Err(AssistantConfigError::Key)
        );
        let nameless = AssistantConfig::new("https://llm.example", " ");
        assert_eq!(endpoint(&nameless), Err(AssistantConfigError::Model));
    }
}
