//! The workers that deliver.
//!
//! First attempts run in [`LANES`] lanes, chosen by the user an event is about, so bulk changes go out side by side
//! while one user's events, his sessions' among them, are first sent in the order in which they happened, each after
//! the answer to the one before. A failed attempt leaves its lane and is retried by itself, so retries arrive out of
//! order; they do so with Svix too.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER, USER_AGENT};
use reqwest::{Client, Url, redirect};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::value::RawValue;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use super::log::{Attempt, Delivery, DeliveryStatus, Log};
use super::signature::sign;
use crate::config::EmulatorError;
use crate::ids;
use crate::refusal::Refusal;
use crate::state::system_ms;

/// How many first attempts, and how many retries, are under way at once.
const LANES: usize = 16;
/// Svix gives a receiver this long.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);
const ANSWER_LIMIT: usize = 1024;

/// Where webhooks go and what signs them.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) url: Option<Url>,
    pub(crate) secret: SecretString,
}

impl Endpoint {
    /// An absolute http or https URL.
    pub(crate) fn parse_url(text: &str) -> Option<Url> {
        Url::parse(text)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
    }
}

/// The log of deliveries and the way in for new ones.
pub(crate) struct Webhooks {
    log: Mutex<Log>,
    endpoint: RwLock<Endpoint>,
    lanes: Vec<mpsc::UnboundedSender<String>>,
    retries: mpsc::UnboundedSender<Retry>,
    pending: watch::Sender<usize>,
    schedule: Vec<Duration>,
    client: Client,
}

/// The receiving ends, to be spawned once.
pub(crate) struct Workers {
    lanes: Vec<mpsc::UnboundedReceiver<String>>,
    retries: mpsc::UnboundedReceiver<Retry>,
}

struct Retry {
    id: String,
    round: usize,
    wait: Duration,
}

impl Webhooks {
    pub(crate) fn new(
        endpoint: Endpoint,
        schedule: Vec<Duration>,
        log_limit: usize,
    ) -> Result<(Arc<Self>, Workers), EmulatorError> {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(ATTEMPT_TIMEOUT)
            .build()
            .map_err(EmulatorError::HttpClient)?;
        let (lanes, lane_ends) = (0..LANES).map(|_| mpsc::unbounded_channel()).unzip();
        let (retries, retry_end) = mpsc::unbounded_channel();
        let webhooks = Self {
            log: Mutex::new(Log::new(log_limit)),
            endpoint: RwLock::new(endpoint),
            lanes,
            retries,
            pending: watch::Sender::new(0),
            schedule,
            client,
        };
        Ok((
            Arc::new(webhooks),
            Workers {
                lanes: lane_ends,
                retries: retry_end,
            },
        ))
    }

    /// Records an event and, when there is an endpoint, queues it. Returns the message id.
    pub(crate) fn submit(
        &self,
        event_type: &str,
        object_id: Option<&str>,
        lane_key: &str,
        payload: Box<RawValue>,
    ) -> String {
        let id = ids::random("msg_");
        let addressed = self.endpoint().url.is_some();
        self.log().add(Delivery {
            id: id.clone(),
            event_type: event_type.to_owned(),
            object_id: object_id.map(str::to_owned),
            status: if addressed {
                DeliveryStatus::Pending
            } else {
                DeliveryStatus::Unsent
            },
            created_at: system_ms(),
            attempts: Vec::new(),
            payload,
            lane_key: lane_key.to_owned(),
        });
        if addressed {
            self.queue(id.clone(), lane_key);
        }
        id
    }

    /// Sends a settled delivery again, under its old id.
    pub(crate) fn replay(&self, id: &str) -> Result<Delivery, Refusal> {
        let delivery = self.log().reopen(id)?;
        self.queue(delivery.id.clone(), &delivery.lane_key);
        Ok(delivery)
    }

    fn queue(&self, id: String, lane_key: &str) {
        let mut hasher = DefaultHasher::new();
        lane_key.hash(&mut hasher);
        let lane = usize::try_from(hasher.finish() % LANES as u64).unwrap_or(0);
        self.pending.send_modify(|pending| *pending += 1);
        if self
            .lanes
            .get(lane)
            .is_none_or(|lane| lane.send(id).is_err())
        {
            self.pending
                .send_modify(|pending| *pending = pending.saturating_sub(1));
        }
    }

    /// Returns once no delivery waits for an attempt.
    pub(crate) async fn settled(&self) {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self
            .pending
            .subscribe()
            .wait_for(|pending| *pending == 0)
            .await;
    }

    pub(crate) fn pending(&self) -> usize {
        *self.pending.borrow()
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        self.endpoint
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn set_endpoint(&self, endpoint: Endpoint) {
        *self
            .endpoint
            .write()
            .unwrap_or_else(PoisonError::into_inner) = endpoint;
    }

    pub(crate) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One attempt, recorded; after a failure the next one is scheduled, if there is one.
    async fn attempt(&self, id: String, round: usize) {
        let Some(delivery) = self.log().get(&id).cloned() else {
            self.settle_one();
            return;
        };
        let (attempt, retry_after) = self.send(&delivery).await;
        let delivered = attempt
            .status
            .is_some_and(|status| (200..300).contains(&status));
        tracing::debug!(svix_id = %id, event = %delivery.event_type, status = attempt.status, round, "webhook attempt");
        let next = if delivered {
            None
        } else {
            self.schedule.get(round).copied()
        };
        let status = match (delivered, next) {
            (true, _) => DeliveryStatus::Delivered,
            (false, Some(_)) => DeliveryStatus::Pending,
            (false, None) => DeliveryStatus::Failed,
        };
        self.log().record(&id, Some(attempt), status);
        let scheduled = next.is_some_and(|planned| {
            let wait = next_wait(planned, retry_after);
            self.retries
                .send(Retry {
                    id,
                    round: round + 1,
                    wait,
                })
                .is_ok()
        });
        if !scheduled {
            self.settle_one();
        }
    }

    fn settle_one(&self) {
        self.pending
            .send_modify(|pending| *pending = pending.saturating_sub(1));
    }

    async fn send(&self, delivery: &Delivery) -> (Attempt, Option<Duration>) {
        let started = Instant::now();
        let timestamp = system_ms() / 1000;
        let mut attempt = Attempt {
            timestamp,
            status: None,
            answer: String::new(),
            error: None,
            duration_ms: 0,
        };
        let mut retry_after = None;
        match self.request(delivery, timestamp) {
            Err(reason) => attempt.error = Some(reason),
            Ok(request) => match self.client.execute(request).await {
                Err(error) => attempt.error = Some(explain(&error)),
                Ok(response) => {
                    attempt.status = Some(response.status().as_u16());
                    retry_after = parse_retry_after(response.headers());
                    attempt.answer = beginning(response).await;
                }
            },
        }
        attempt.duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        (attempt, retry_after)
    }

    fn request(&self, delivery: &Delivery, timestamp: i64) -> Result<reqwest::Request, String> {
        let Endpoint { url, secret } = self.endpoint();
        let url = url.ok_or_else(|| "there is no endpoint".to_owned())?;
        let body = delivery.payload.get();
        let signature = sign(
            secret.expose_secret(),
            &delivery.id,
            timestamp,
            body.as_bytes(),
        )
        .map_err(|error| error.to_string())?;
        self.client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header(
                USER_AGENT,
                concat!(
                    "Svix-Webhooks/0 (offline emulator ",
                    env!("CARGO_PKG_VERSION"),
                    ")"
                ),
            )
            .header("svix-id", &delivery.id)
            .header("svix-timestamp", timestamp)
            .header("svix-signature", signature)
            .body(body.to_owned())
            .build()
            .map_err(|error| explain(&error))
    }
}

impl Workers {
    /// Starts the workers; they end with the set that holds them.
    pub(crate) fn spawn(self, webhooks: &Arc<Webhooks>, tasks: &mut JoinSet<()>) {
        for mut lane in self.lanes {
            let webhooks = Arc::clone(webhooks);
            tasks.spawn(async move {
                while let Some(id) = lane.recv().await {
                    webhooks.attempt(id, 0).await;
                }
            });
        }
        tasks.spawn(run_retries(self.retries, Arc::clone(webhooks)));
    }
}

/// Each waiting retry is a task of its own; they end together with this one.
async fn run_retries(mut retries: mpsc::UnboundedReceiver<Retry>, webhooks: Arc<Webhooks>) {
    let under_way = Arc::new(Semaphore::new(LANES));
    let mut waiting = JoinSet::new();
    while let Some(Retry { id, round, wait }) = retries.recv().await {
        while waiting.try_join_next().is_some() {}
        let (webhooks, under_way) = (Arc::clone(&webhooks), Arc::clone(&under_way));
        waiting.spawn(async move {
            tokio::time::sleep(wait).await;
            let _permit = under_way.acquire().await;
            webhooks.attempt(id, round).await;
        });
    }
}

/// The kind of failure, without the URL.
fn explain(error: &reqwest::Error) -> String {
    let kind = if error.is_timeout() {
        "no answer within 15 s"
    } else if error.is_connect() {
        "the connection failed"
    } else {
        "the exchange failed"
    };
    kind.to_owned()
}

/// Svix honours `Retry-After` between once and twice the planned wait.
fn next_wait(planned: Duration, asked: Option<Duration>) -> Duration {
    asked
        .unwrap_or(planned)
        .clamp(planned, planned.saturating_mul(2))
}

/// Seconds or an HTTP date.
fn parse_retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = DateTime::parse_from_rfc2822(text).ok()?;
    (at.with_timezone(&Utc) - Utc::now()).to_std().ok()
}

async fn beginning(mut response: reqwest::Response) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < ANSWER_LIMIT {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) | Err(_) => break,
        }
    }
    bytes.truncate(ANSWER_LIMIT);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry_after(value: &str) -> Option<Duration> {
        parse_retry_after(&HeaderMap::from_iter([(
            RETRY_AFTER,
            value.parse().unwrap(),
        )]))
    }

    #[test]
    fn retry_after_takes_seconds_and_dates() {
        assert_eq!(retry_after("7"), Some(Duration::from_secs(7)));
        let later = (Utc::now() + chrono::TimeDelta::minutes(10)).to_rfc2822();
        assert!(retry_after(&later).is_some_and(|wait| wait > Duration::from_secs(500)));
        assert_eq!(retry_after("soon"), None);
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:37 GMT"), None);
    }

    #[test]
    fn retry_after_stretches_the_wait_to_twice_at_most() {
        let planned = Duration::from_secs(5);
        let wait = |asked| next_wait(planned, asked).as_secs();
        assert_eq!(wait(None), 5);
        assert_eq!(wait(Some(Duration::from_secs(1))), 5);
        assert_eq!(wait(Some(Duration::from_secs(8))), 8);
        assert_eq!(wait(Some(Duration::from_secs(600))), 10);
    }

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
