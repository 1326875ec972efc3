//! What the client needs to know, and what it refuses to start with.

use std::{num::NonZeroU32, time::Duration};

use secrecy::SecretString;
use url::{Host, Url};

/// The version of the Backend API whose objects `mapping` reads.
pub const API_VERSION: &str = "2026-05-12";

/// The most objects that Clerk puts on one page.
const LARGEST_PAGE: u16 = 500;

/// How to reach Clerk.
#[derive(Debug, Clone)]
pub struct ClerkApiConfig {
    /// `https://api.clerk.com`, with or without `/v1`; plain http on this machine's own addresses only.
    pub base_url: String,
    /// `sk_…`
    pub secret_key: SecretString,
    /// Sent as `Clerk-API-Version`.
    pub api_version: String,
    /// Requests in any ten seconds: Clerk allows 1000 to a production key and 100 to a development key.
    pub budget: NonZeroU32,
    /// How long anything may take.
    pub timeouts: Timeouts,
    /// How often one question is asked, the first time included.
    pub attempts: u32,
    /// The pause before the second attempt; it doubles with every further one.
    pub first_pause: Duration,
    /// Objects on a page, 1 to 500.
    pub page_size: u16,
}

/// How long anything may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// A connection.
    pub connect: Duration,
    /// One request, from its beginning to the last byte of the answer.
    pub request: Duration,
    /// An answer that a person waits for, with every wait and every attempt.
    pub login: Duration,
    /// An answer for a sweep, with every wait and every attempt.
    pub sweep: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            request: Duration::from_secs(30),
            login: Duration::from_secs(5),
            sweep: Duration::from_secs(180),
        }
    }
}

impl ClerkApiConfig {
    /// Clerk's own limits for a development key, and times that suit its API.
    #[must_use]
    pub fn new(base_url: impl Into<String>, secret_key: SecretString) -> Self {
        Self {
            base_url: base_url.into(),
            secret_key,
            api_version: API_VERSION.to_owned(),
            budget: NonZeroU32::MIN.saturating_add(99),
            timeouts: Timeouts::default(),
            attempts: 5,
            first_pause: Duration::from_millis(250),
            page_size: LARGEST_PAGE,
        }
    }
}

/// Why the client cannot be set up. No value is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClerkConfigError {
    /// It is no URL, has a user, query or fragment, or is neither https nor on this machine.
    #[error("the URL of Clerk's Backend API is not usable: https is demanded outside loopback")]
    BaseUrl,
    /// It is empty, or no header can hold it.
    #[error("the secret key is not usable")]
    SecretKey,
    /// It is empty, or no header can hold it.
    #[error("the version of Clerk's Backend API is not usable")]
    ApiVersion,
    /// It is not between 1 and 500.
    #[error("the page size is not between 1 and {LARGEST_PAGE}")]
    PageSize,
    /// The HTTP client could not be set up, most likely for want of root certificates.
    #[error("the HTTP client could not be set up")]
    HttpClient,
}

pub(crate) fn page_size(config: &ClerkApiConfig) -> Result<u16, ClerkConfigError> {
    if (1..=LARGEST_PAGE).contains(&config.page_size) {
        Ok(config.page_size)
    } else {
        Err(ClerkConfigError::PageSize)
    }
}

/// The URL without `/v1` and without a slash at its end.
pub(crate) fn base(text: &str) -> Result<Url, ClerkConfigError> {
    let text = text.trim_end_matches('/');
    let text = text.strip_suffix("/v1").unwrap_or(text);
    let url = Url::parse(text).map_err(|_| ClerkConfigError::BaseUrl)?;
    let is_bare = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    let is_protected = match url.scheme() {
        "https" => url.has_host(),
        "http" => is_loopback(&url),
        _ => false,
    };
    if is_bare && is_protected {
        Ok(url)
    } else {
        Err(ClerkConfigError::BaseUrl)
    }
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

    #[test]
    fn the_version_in_the_path_is_optional() {
        for text in [
            "https://api.clerk.com",
            "https://api.clerk.com/",
            "https://api.clerk.com/v1",
            "https://api.clerk.com/v1/",
        ] {
            assert_eq!(base(text).unwrap().as_str(), "https://api.clerk.com/");
        }
        assert_eq!(
            base("https://proxy.example.com/clerk/v1").unwrap().path(),
            "/clerk"
        );
    }

    #[test]
    fn the_key_travels_in_the_open_on_this_machine_only() {
        for fine in [
            "http://127.0.0.1:4100",
            "http://localhost:4100/v1",
            "http://[::1]:1",
        ] {
            assert!(base(fine).is_ok(), "{fine}");
        }
        for wrong in [
            "http://api.clerk.com",
            "http://127.0.0.1.example.com",
            "ftp://api.clerk.com",
            "https://user@api.clerk.com",
            "https://:secret@api.clerk.com",
            "https://api.clerk.com/?a=1",
            "https://api.clerk.com/#a",
            "api.clerk.com",
            "",
        ] {
            assert_eq!(base(wrong), Err(ClerkConfigError::BaseUrl), "{wrong}");
        }
    }
}
