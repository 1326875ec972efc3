//! The queue in front of the workers, and a single attempt.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_TYPE, USER_AGENT};
use reqwest::{Client, redirect};
use secrecy::ExposeSecret as _;
use serde_json::value::RawValue;
use tokio::sync::{mpsc, watch};

use super::answer::{beginning, explain, next_wait, parse_retry_after};
use super::endpoint::Endpoint;
use super::log::{Attempt, Delivery, DeliveryStatus, Log};
use super::signature::{generate_secret, sign};
use super::workers::{Due, LANES, Later, Workers};
use crate::chaos::{Dice, Fate, Mishap};
use crate::config::EmulatorError;
use crate::ids;
use crate::refusal::Refusal;
use crate::state::system_ms;

/// Svix gives a receiver this long.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);
/// Why an attempt failed that did not.
const LOST: &str = "the answer was lost on purpose";

/// The log of deliveries and the way in for new ones.
pub(crate) struct Webhooks {
    log: Mutex<Log>,
    endpoint: RwLock<Endpoint>,
    lanes: Vec<mpsc::UnboundedSender<String>>,
    later: mpsc::UnboundedSender<Later>,
    pending: watch::Sender<usize>,
    schedule: Vec<Duration>,
    client: Client,
    dice: Dice,
    held: Mutex<Vec<Held>>,
    submitted: AtomicU64,
}

/// A delivery that waits until later ones have been sent.
struct Held {
    id: String,
    lane_key: String,
    number: u64,
    behind: usize,
}

impl Webhooks {
    pub(crate) fn new(
        endpoint: Endpoint,
        schedule: Vec<Duration>,
        log_limit: usize,
        dice: Dice,
    ) -> Result<(Arc<Self>, Workers), EmulatorError> {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(ATTEMPT_TIMEOUT)
            .build()
            .map_err(EmulatorError::HttpClient)?;
        let (lanes, lane_ends) = (0..LANES).map(|_| mpsc::unbounded_channel()).unzip();
        let (later, later_end) = mpsc::unbounded_channel();
        let webhooks = Self {
            log: Mutex::new(Log::new(log_limit)),
            endpoint: RwLock::new(endpoint),
            lanes,
            later,
            pending: watch::Sender::new(0),
            schedule,
            client,
            dice,
            held: Mutex::new(Vec::new()),
            submitted: AtomicU64::new(0),
        };
        Ok((
            Arc::new(webhooks),
            Workers {
                lanes: lane_ends,
                retries: later_end,
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
        let fate = if addressed {
            self.dice.webhook(event_type)
        } else {
            Fate::default()
        };
        let number = self.submitted.fetch_add(1, Ordering::Relaxed);
        self.log().add(Delivery {
            id: id.clone(),
            event_type: event_type.to_owned(),
            object_id: object_id.map(str::to_owned),
            status: if !addressed {
                DeliveryStatus::Unsent
            } else if fate.mishaps.contains(&Mishap::Drop) {
                DeliveryStatus::Dropped
            } else {
                DeliveryStatus::Pending
            },
            created_at: system_ms(),
            chaos: fate.mishaps.clone(),
            attempts: Vec::new(),
            payload,
            lane_key: lane_key.to_owned(),
            number,
        });
        if addressed {
            self.send_off(&id, lane_key, number, &fate);
        }
        id
    }

    /// Queues a new delivery as its fate wants.
    fn send_off(&self, id: &str, lane_key: &str, number: u64, fate: &Fate) {
        let struck = |mishap| fate.mishaps.contains(&mishap);
        if struck(Mishap::Drop) {
            return;
        }
        if struck(Mishap::Duplicate) {
            self.do_later(id, Due::Copy, fate.copy_after);
        }
        if struck(Mishap::Delay) {
            self.do_later(id, Due::Attempt { round: 0 }, fate.delay);
        } else if struck(Mishap::Reorder) {
            self.held().push(Held {
                id: id.to_owned(),
                lane_key: lane_key.to_owned(),
                number,
                behind: fate.behind,
            });
            self.do_later(id, Due::Release, fate.hold);
        } else {
            self.queue(id.to_owned(), lane_key);
        }
    }

    fn do_later(&self, id: &str, due: Due, wait: Duration) {
        let id = id.to_owned();
        self.count_one();
        if self.later.send(Later { id, due, wait }).is_err() {
            self.settle_one();
        }
    }

    fn held(&self) -> MutexGuard<'_, Vec<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a delivery out of those held back, if it is there still.
    pub(super) fn release(&self, id: &str) -> bool {
        let mut held = self.held();
        let before = held.len();
        held.retain(|it| it.id != id);
        held.len() < before
    }

    /// Lets those go that waited for this delivery's first attempt.
    fn passed(&self, number: u64) {
        let mut held = self.held();
        for it in held.iter_mut().filter(|it| it.number < number) {
            it.behind = it.behind.saturating_sub(1);
        }
        for it in held.extract_if(.., |it| it.behind == 0) {
            self.enqueue(it.id, &it.lane_key);
        }
    }

    /// Sends a settled delivery again, under its old id.
    pub(crate) fn replay(&self, id: &str) -> Result<Delivery, Refusal> {
        let delivery = self.log().reopen(id)?;
        self.queue(delivery.id.clone(), &delivery.lane_key);
        Ok(delivery)
    }

    fn queue(&self, id: String, lane_key: &str) {
        self.count_one();
        self.enqueue(id, lane_key);
    }

    /// Puts a delivery that is counted already into its lane.
    fn enqueue(&self, id: String, lane_key: &str) {
        let mut hasher = DefaultHasher::new();
        lane_key.hash(&mut hasher);
        let lane = usize::try_from(hasher.finish() % LANES as u64).unwrap_or(0);
        if self
            .lanes
            .get(lane)
            .is_none_or(|lane| lane.send(id).is_err())
        {
            self.settle_one();
        }
    }

    fn count_one(&self) {
        self.pending.send_modify(|pending| *pending += 1);
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

    pub(crate) fn dice(&self) -> &Dice {
        &self.dice
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
        let strikes = |mishap| round == 0 && delivery.chaos.contains(&mishap);
        let corrupt = strikes(Mishap::Corrupt) && !delivery.attempts.iter().any(|it| it.corrupt);
        let (mut attempt, retry_after) = self.send(&delivery, corrupt).await;
        let is_lost = |it: &Attempt| it.error.as_deref() == Some(LOST);
        if strikes(Mishap::Fail) && !delivery.attempts.iter().any(is_lost) {
            attempt.status = None;
            attempt.error = Some(LOST.to_owned());
        }
        if round == 0 {
            self.passed(delivery.number);
        }
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
            let due = Due::Attempt { round: round + 1 };
            self.later.send(Later { id, due, wait }).is_ok()
        });
        if !scheduled {
            self.settle_one();
        }
    }

    /// Sends a second copy, which is not retried and decides nothing.
    pub(super) async fn copy(&self, id: &str) {
        let delivery = self.log().get(id).cloned();
        if let Some(delivery) = delivery {
            let (attempt, _) = self.send(&delivery, false).await;
            self.log().add_attempt(id, attempt);
        }
        self.settle_one();
    }

    fn settle_one(&self) {
        self.pending
            .send_modify(|pending| *pending = pending.saturating_sub(1));
    }

    async fn send(&self, delivery: &Delivery, corrupt: bool) -> (Attempt, Option<Duration>) {
        let started = Instant::now();
        let timestamp = system_ms() / 1000;
        let mut attempt = Attempt {
            corrupt,
            timestamp,
            status: None,
            answer: String::new(),
            error: None,
            duration_ms: 0,
        };
        let mut retry_after = None;
        match self.request(delivery, timestamp, corrupt) {
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

    fn request(
        &self,
        delivery: &Delivery,
        timestamp: i64,
        corrupt: bool,
    ) -> Result<reqwest::Request, String> {
        let mut endpoint = self.endpoint();
        if corrupt {
            endpoint = Endpoint::new(endpoint.url, generate_secret().into());
        }
        let url = endpoint
            .url
            .clone()
            .ok_or_else(|| "there is no endpoint".to_owned())?;
        let body = delivery.payload.get();
        let signatures: Result<Vec<String>, _> = endpoint
            .secrets()
            .map(|secret| {
                sign(
                    secret.expose_secret(),
                    &delivery.id,
                    timestamp,
                    body.as_bytes(),
                )
            })
            .collect();
        let signatures = signatures.map_err(|error| error.to_string())?;
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
            .header("svix-signature", signatures.join(" "))
            .body(body.to_owned())
            .build()
            .map_err(|error| explain(&error))
    }
}
