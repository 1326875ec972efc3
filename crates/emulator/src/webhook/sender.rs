//! The queue in front of the workers, and a single attempt.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_TYPE, USER_AGENT};
use reqwest::{Client, Url, redirect};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::value::RawValue;
use tokio::sync::{mpsc, watch};

use super::answer::{beginning, explain, next_wait, parse_retry_after};
use super::log::{Attempt, Delivery, DeliveryStatus, Log};
use super::signature::sign;
use super::workers::{LANES, Retry, Workers};
use crate::config::EmulatorError;
use crate::ids;
use crate::refusal::Refusal;
use crate::state::system_ms;

/// Svix gives a receiver this long.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);

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
    pub(super) async fn attempt(&self, id: String, round: usize) {
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
