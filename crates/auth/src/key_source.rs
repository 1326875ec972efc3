//! The port through which a key set is fetched, and its HTTP adapter.

use std::error::Error;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use secrecy::ExposeSecret as _;
use url::Url;

use crate::config::{ConfigFault, JwksSource, KeyCacheSettings, fetchable, is_loopback};

/// Where a key set comes from. An adapter belongs to one Clerk instance: what it fetches decides who that instance's
/// users are.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait KeySource: Send + Sync {
    /// Fetches the JWKS document as it stands now, unparsed, or says why not. An adapter bounds the size of the answer
    /// and the time it takes, and does not try again by itself: the caller decides when the next attempt is due.
    async fn fetch(&self) -> Result<Bytes, KeySourceError>;
}

/// Why a key set could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum KeySourceError {
    /// No answer in time.
    #[error("the JWKS did not arrive in time")]
    Timeout,
    /// Another status than 200; redirects are not followed and count here.
    #[error("the JWKS was answered with status {0}")]
    Status(u16),
    /// The body exceeds the limit.
    #[error("the JWKS is larger than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// No connection, or one that broke.
    #[error("the JWKS could not be fetched")]
    Transport(#[source] Box<dyn Error + Send + Sync>),
}

/// Fetches the key set over HTTP: no redirects, so that nobody but the configured host is ever believed or sent the
/// bearer secret, and no more than the allowed bytes, counted while they arrive.
#[derive(Debug)]
pub struct HttpKeySource {
    client: reqwest::Client,
    url: Url,
    body_limit: usize,
}

impl HttpKeySource {
    /// Sets up the client for one URL; connects to nothing yet.
    pub fn new(source: &JwksSource, settings: &KeyCacheSettings) -> Result<Self, ConfigFault> {
        let url = fetchable(&source.url)?;
        let mut headers = HeaderMap::new();
        if let Some(bearer) = &source.bearer {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", bearer.expose_secret()))
                .map_err(|_| ConfigFault::JwksBearer)?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let mut client = reqwest::Client::builder()
            .default_headers(headers)
            .redirect(Policy::none())
            .timeout(settings.fetch_timeout)
            .connect_timeout(settings.fetch_timeout);
        // A proxy from the environment has no business with this machine's own ports.
        if is_loopback(&url) {
            client = client.no_proxy();
        }
        let client = client.build().map_err(|_| ConfigFault::HttpClient)?;
        Ok(Self {
            client,
            url,
            body_limit: settings.body_limit,
        })
    }
}

#[async_trait]
impl KeySource for HttpKeySource {
    async fn fetch(&self) -> Result<Bytes, KeySourceError> {
        let mut response = self
            .client
            .get(self.url.clone())
            .send()
            .await
            .map_err(failed)?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(KeySourceError::Status(response.status().as_u16()));
        }
        let too_large = KeySourceError::TooLarge {
            limit: self.body_limit,
        };
        if response
            .content_length()
            .is_some_and(|length| length > self.body_limit as u64)
        {
            return Err(too_large);
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > self.body_limit {
                return Err(too_large);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}

fn failed(error: reqwest::Error) -> KeySourceError {
    if error.is_timeout() {
        KeySourceError::Timeout
    } else {
        KeySourceError::Transport(Box::new(error.without_url()))
    }
}
