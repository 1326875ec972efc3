//! Requests to Clerk: within the budget, again where that helps, and never without end.

use std::{error::Error, sync::Arc, time::Duration};

use bytes::BytesMut;
use chrono::Utc;
use domain::{DirectoryError, DirectoryReport, SharedBudget};
use reqwest::{
    Method,
    header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue},
    redirect::Policy,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;

use crate::{
    ClerkApiConfig, ClerkConfigError, Timeouts,
    answer::{Answer, Attempt, Received, unreadable},
    backoff::pause_after,
    budget::{Budget, Priority},
    config::is_loopback,
    experience::Experience,
};

/// The largest body that is read, in bytes: 500 users of 32 KiB each.
const BODY_LIMIT: usize = 16 * 1024 * 1024;

const USER_AGENT: &str = concat!("clerk-sync/", env!("CARGO_PKG_VERSION"));

/// One request.
#[derive(Debug)]
pub(crate) struct Question {
    method: Method,
    url: Url,
    body: Option<Value>,
}

impl Question {
    pub(crate) fn get(url: Url) -> Self {
        Self {
            method: Method::GET,
            url,
            body: None,
        }
    }

    /// An order without more to say than its URL does.
    pub(crate) fn post(url: Url) -> Self {
        Self {
            method: Method::POST,
            url,
            body: None,
        }
    }

    /// A change, as JSON.
    pub(crate) fn patch(url: Url, body: Value) -> Self {
        Self {
            method: Method::PATCH,
            url,
            body: Some(body),
        }
    }
}

/// The way to one Clerk instance.
#[derive(Debug)]
pub(crate) struct Transport {
    client: reqwest::Client,
    secret_key: SecretString,
    budget: Budget,
    experience: Experience,
    timeouts: Timeouts,
    attempts: u32,
    first_pause: Duration,
}

impl Transport {
    /// Sets up the client; connects to nothing yet. `base` is the only place that it will be asked for.
    pub(crate) fn new(config: &ClerkApiConfig, base: &Url) -> Result<Self, ClerkConfigError> {
        let timeouts = config.timeouts;
        let mut client = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .default_headers(headers(config)?)
            // The key is for one host, and a redirection could name another.
            .redirect(Policy::none())
            .connect_timeout(timeouts.connect)
            .timeout(timeouts.request);
        // A proxy from the environment has no business with this machine's own ports.
        if is_loopback(base) {
            client = client.no_proxy();
        }
        Ok(Self {
            client: client.build().map_err(|_| ClerkConfigError::HttpClient)?,
            secret_key: config.secret_key.clone(),
            budget: Budget::new(config.budget),
            experience: Experience::new(),
            timeouts,
            attempts: config.attempts.max(1),
            first_pause: config.first_pause,
        })
    }

    /// Asks no more often than all processes of the service may together.
    pub(crate) fn share(&mut self, budget: Option<Arc<dyn SharedBudget>>) {
        self.budget.share(budget);
    }

    /// What asking has come to so far.
    pub(crate) fn report(&self) -> DirectoryReport {
        self.experience.report()
    }

    /// Asks until there is an answer or no hope.
    pub(crate) async fn get(&self, url: Url, priority: Priority) -> Result<Answer, DirectoryError> {
        self.ask(Question::get(url), priority).await
    }

    /// Asks, or orders, until there is an answer or no hope. An order may be given more than once, so give none that must
    /// not be.
    pub(crate) async fn ask(
        &self,
        question: Question,
        priority: Priority,
    ) -> Result<Answer, DirectoryError> {
        let limit = match priority {
            Priority::Login => self.timeouts.login,
            Priority::Sweep => self.timeouts.sweep,
        };
        let deadline = Instant::now() + limit;
        let mut last = None;
        let attempts = self.attempts(&question, priority, deadline, &mut last);
        match timeout_at(deadline, attempts).await {
            Ok(answer) => answer,
            Err(_) => Err(DirectoryError::Unavailable(format!(
                "no answer within {limit:?}: {}",
                last.as_deref()
                    .unwrap_or("the request budget is spent, or Clerk is slow")
            ))),
        }
    }

    async fn attempts(
        &self,
        question: &Question,
        priority: Priority,
        deadline: Instant,
        last: &mut Option<String>,
    ) -> Result<Answer, DirectoryError> {
        let mut number = 0;
        loop {
            self.budget.take(priority).await;
            number += 1;
            let attempt = self.attempt(question).await;
            self.experience.note(&attempt);
            let (pause, words) = match attempt {
                Attempt::Settled(answer) => return answer,
                Attempt::TooMany(pause, words) => {
                    // Whoever asks next waits in the budget, this caller among them.
                    self.budget.pause(Instant::now() + pause);
                    (pause, words)
                }
                Attempt::Failed(wanted, words) => {
                    let pause = pause_after(number, self.first_pause);
                    (pause.max(wanted.unwrap_or_default()), words)
                }
            };
            // To wait for longer than there is time would only hide the reason.
            let is_hopeless = Instant::now()
                .checked_add(pause)
                .is_none_or(|next| next >= deadline);
            if number >= self.attempts || is_hopeless {
                let words = format!("{words}, after {number} attempts");
                return Err(DirectoryError::Unavailable(words));
            }
            *last = Some(words);
            sleep(pause).await;
        }
    }

    async fn attempt(&self, question: &Question) -> Attempt {
        let Question { method, url, body } = question;
        let mut request = self.client.request(method.clone(), url.clone());
        if let Some(body) = body {
            request = request.json(body);
        }
        let asked_at = Utc::now();
        let mut response = match request.send().await {
            Ok(response) => response,
            Err(fault) => return Attempt::Failed(None, words_of(fault)),
        };
        self.experience.compare_clocks(response.headers(), asked_at);
        let too_large = || {
            let words = format!("a body of more than {BODY_LIMIT} bytes");
            Attempt::Settled(Err(unreadable(words)))
        };
        if response
            .content_length()
            .is_some_and(|length| length > BODY_LIMIT as u64)
        {
            return too_large();
        }
        let mut body = BytesMut::new();
        loop {
            match response.chunk().await {
                Ok(None) => break,
                Ok(Some(chunk)) if body.len() + chunk.len() > BODY_LIMIT => return too_large(),
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Err(fault) => return Attempt::Failed(None, words_of(fault)),
            }
        }
        Received {
            status: response.status(),
            headers: response.headers(),
            body: &body,
        }
        .read(&self.secret_key)
    }
}

fn headers(config: &ClerkApiConfig) -> Result<HeaderMap, ClerkConfigError> {
    let key = config.secret_key.expose_secret();
    let mut bearer =
        HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| ClerkConfigError::SecretKey)?;
    bearer.set_sensitive(true);
    let version =
        HeaderValue::from_str(&config.api_version).map_err(|_| ClerkConfigError::ApiVersion)?;
    if key.is_empty() {
        return Err(ClerkConfigError::SecretKey);
    }
    if version.is_empty() {
        return Err(ClerkConfigError::ApiVersion);
    }
    Ok(HeaderMap::from_iter([
        (AUTHORIZATION, bearer),
        (
            reqwest::header::HeaderName::from_static("clerk-api-version"),
            version,
        ),
        (ACCEPT, HeaderValue::from_static("application/json")),
    ]))
}

/// Why there was no answer. The URL stays out: it holds ids.
fn words_of(fault: reqwest::Error) -> String {
    let fault = fault.without_url();
    if fault.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut words = fault.to_string();
    let mut cause = fault.source();
    while let Some(fault) = cause {
        words = format!("{words}: {fault}");
        cause = fault.source();
    }
    words
}
