//! Where webhooks go.

use std::time::Instant;

use reqwest::Url;
use secrecy::SecretString;

/// Where webhooks go and what signs them.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) url: Option<Url>,
    pub(crate) secret: SecretString,
    /// The secret before a rotation, which signs too until then.
    pub(crate) previous: Option<(SecretString, Instant)>,
}

impl Endpoint {
    pub(crate) fn new(url: Option<Url>, secret: SecretString) -> Self {
        Self {
            url,
            secret,
            previous: None,
        }
    }

    /// The secrets that sign now, the newest first.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &SecretString> {
        let previous = self
            .previous
            .as_ref()
            .filter(|(_, until)| Instant::now() < *until);
        std::iter::once(&self.secret).chain(previous.map(|(secret, _)| secret))
    }

    /// An absolute http or https URL.
    pub(crate) fn parse_url(text: &str) -> Option<Url> {
        Url::parse(text)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_absolute_http_urls_are_endpoints() {
        for bad in [
            "",
            "hooks",
            "/hooks",
            "ftp://host/",
            "http://",
            "file:///etc",
        ] {
            assert!(Endpoint::parse_url(bad).is_none(), "{bad}");
        }
        assert!(Endpoint::parse_url("http://127.0.0.1:8080/api/webhooks/clerk").is_some());
    }
}
