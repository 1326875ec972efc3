//! One Clerk instance: the state, every operation on it, and the events that they cause.
//!
//! An operation changes the state and submits its events under one lock, so the order of events is the order of
//! changes. Every change that the Backend API can show has an event; a receiver that applies all of them ends with
//! what a listing shows.

mod account;
mod billing;
pub(crate) mod browsers;
pub(crate) mod domains;
mod emails;
mod events;
mod front;
mod handshakes;
pub(crate) mod invitations;
pub(crate) mod memberships;
mod organizations;
mod phones;
mod seed;
mod sessions;
mod sign_ins;
mod sign_up_invitations;
pub(crate) mod sign_up_params;
mod sign_ups;
mod snapshot;
pub(crate) mod social;
mod templates;
mod tickets;
mod tokens;
mod user_params;
mod users;
mod waitlist;

pub use billing::{BillingStep, Terms};
pub(crate) use front::Front;
pub use front::FrontendSettings;
pub use seed::{Seed, Seeded};
pub(crate) use tokens::age_ms;

use std::io;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::sync::Notify;

use snapshot::Snapshot;

use crate::chaos::Chaos;
use crate::key::SigningKey;
use crate::refusal::Refusal;
use crate::state::State;
use crate::state_file;
use crate::webhook::{self, Delivery, DeliveryStatus, Endpoint, Webhooks};

/// Who caused a change; becomes the events' `event_attributes.http_request`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The peer's address.
    pub client_ip: String,
    /// His `User-Agent`, empty when he sent none.
    pub user_agent: String,
}

impl Default for Caller {
    /// A caller in this process.
    fn default() -> Self {
        Self {
            client_ip: "0.0.0.0".to_owned(),
            user_agent: String::new(),
        }
    }
}

/// The emulated Clerk instance. Shared by the HTTP routes and, through [`crate::Emulator`], by tests.
pub struct Instance {
    key: SigningKey,
    other_key: OnceLock<SigningKey>,
    state: Mutex<State>,
    pub(crate) webhooks: Arc<Webhooks>,
    pub(crate) front: Front,
    dirty: Notify,
    file: Mutex<()>,
}

/// The state under change. It is announced as changed at the end, while still locked, so that whoever writes the file
/// then waits for the lock and sees the change.
struct Change<'a> {
    state: MutexGuard<'a, State>,
    dirty: &'a Notify,
}

impl Deref for Change<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl DerefMut for Change<'_> {
    fn deref_mut(&mut self) -> &mut State {
        &mut self.state
    }
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        self.dirty.notify_one();
    }
}

impl Instance {
    pub(crate) fn new(
        key: SigningKey,
        mut state: State,
        webhooks: Arc<Webhooks>,
        front: Front,
    ) -> Self {
        state.set_origin(&front.origin);
        Self {
            key,
            other_key: OnceLock::new(),
            state: Mutex::new(state),
            webhooks,
            front,
            dirty: Notify::new(),
            file: Mutex::new(()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For reading; sessions and invitations past their end are shown so.
    fn current(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        state.expire();
        state
    }

    /// For writing: whatever happens through the guard is written to the state file after it is dropped.
    fn change(&self) -> Change<'_> {
        let mut state = self.current();
        state.quiet = false;
        Change {
            state,
            dirty: &self.dirty,
        }
    }

    /// Runs `look` over the state of now, which nobody changes meanwhile, without copying it.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.current())
    }

    /// The key that signs tokens.
    #[must_use]
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// The JWKS document.
    #[must_use]
    pub fn jwks(&self) -> Value {
        json!({ "keys": [self.key.jwk()] })
    }

    /// Everything that is remembered, as the Backend API shows it and in the order of creation, without password
    /// digests, and where webhooks go.
    #[must_use]
    pub fn snapshot(&self) -> Value {
        self.write_snapshot(|snapshot| serde_json::to_value(snapshot).unwrap_or_default())
    }

    /// [`Self::snapshot`] for one who writes it out at once.
    pub(crate) fn write_snapshot<T>(&self, write: impl FnOnce(Snapshot<'_>) -> T) -> T {
        let endpoint = self.webhooks.endpoint();
        self.read(|state| {
            write(Snapshot {
                state,
                webhook_url: endpoint.url.map(String::from),
                deliveries_pending: self.webhooks.pending(),
            })
        })
    }

    /// Forgets all objects and settled deliveries, without events, and starts seeded ids and times anew. Keys, the
    /// endpoint and deliveries on their way stay. A mirror that is to follow a seeded run again must be emptied too,
    /// since the same ids come back with the same, now old, times.
    pub fn reset(&self) {
        let mut state = self.change();
        state.clear();
        self.webhooks.log().clear();
    }

    /// Sets where webhooks go (`None`: nowhere) and, when given, the secret that signs them.
    ///
    /// # Errors
    /// [`Refusal::ParamInvalid`] for a URL that is not absolute http or https, [`Refusal::WebhookSecretInvalid`].
    pub fn set_webhook(&self, url: Option<&str>, secret: Option<&str>) -> Result<(), Refusal> {
        let url = url
            .map(|text| {
                Endpoint::parse_url(text)
                    .ok_or_else(|| crate::params::invalid("url", "an absolute http or https URL"))
            })
            .transpose()?;
        let secret = match secret {
            Some(text) if webhook::is_secret(text) => text.into(),
            Some(_) => return Err(Refusal::WebhookSecretInvalid),
            None => self.webhooks.endpoint().secret,
        };
        self.webhooks.set_endpoint(Endpoint::new(url, secret));
        Ok(())
    }

    /// Begins to sign with another secret, a new one unless given, and returns it. The old one signs too for `grace`,
    /// so that a receiver has the time to learn of it; Svix does so for a day.
    ///
    /// # Errors
    /// [`Refusal::WebhookSecretInvalid`].
    pub fn rotate_webhook_secret(
        &self,
        secret: Option<&str>,
        grace: Duration,
    ) -> Result<String, Refusal> {
        let new = secret.map_or_else(webhook::generate_secret, str::to_owned);
        if !webhook::is_secret(&new) {
            return Err(Refusal::WebhookSecretInvalid);
        }
        let mut state = self.change();
        if let Some(kept) = &mut state.webhook_secret {
            kept.clone_from(&new);
        }
        let Endpoint { url, secret, .. } = self.webhooks.endpoint();
        let until = Instant::now().checked_add(grace);
        self.webhooks.set_endpoint(Endpoint {
            url,
            secret: new.as_str().into(),
            previous: until.map(|until| (secret, until)),
        });
        Ok(new)
    }

    /// What goes wrong on purpose.
    #[must_use]
    pub fn chaos(&self) -> Chaos {
        self.webhooks.dice().chaos()
    }

    /// Changes what goes wrong on purpose, and begins the dice anew. Deliveries on their way keep their fate.
    ///
    /// # Errors
    /// [`Refusal::ParamInvalid`] for a share that is none.
    pub fn set_chaos(&self, chaos: Chaos) -> Result<(), Refusal> {
        self.webhooks.dice().set(chaos.checked()?);
        Ok(())
    }

    /// The secret that signs webhooks, `whsec_…`.
    #[must_use]
    pub fn webhook_secret(&self) -> String {
        self.webhooks.endpoint().secret.expose_secret().to_owned()
    }

    /// The remembered deliveries, in the order of their events.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.webhooks.log().iter().cloned().collect()
    }

    /// One delivery by its message id.
    #[must_use]
    pub fn delivery(&self, id: &str) -> Option<Delivery> {
        self.webhooks.log().get(id).cloned()
    }

    /// Sends a settled delivery again, under its old id with a fresh timestamp and signature, and retries as at first.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for an unknown or forgotten id, [`Refusal::DeliveryPending`] for one still on its way.
    pub fn replay(&self, id: &str) -> Result<Delivery, Refusal> {
        self.webhooks.replay(id)
    }

    /// Returns once no delivery waits for an attempt: all are delivered, failed or unsent. With Svix's own schedule
    /// and a receiver that is away this takes a day.
    pub async fn settled(&self) {
        self.webhooks.settled().await;
    }

    /// Waits until [`Self::settled`] and gives the deliveries that no attempt brought home.
    pub async fn undelivered(&self) -> Vec<Delivery> {
        self.settled().await;
        let log = self.webhooks.log();
        log.iter()
            .filter(|it| it.status != DeliveryStatus::Delivered)
            .cloned()
            .collect()
    }

    /// Returns once something has changed since the last time.
    pub(crate) async fn changed(&self) {
        self.dirty.notified().await;
    }

    /// Replaces the state file. One writer at a time, and each takes the state when its turn has come, so the last
    /// file holds the newest state.
    pub(crate) fn write_state(&self, path: &Path) -> io::Result<()> {
        let _turn = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = state_file::encode(&self.state())?;
        state_file::replace(path, &bytes)
    }
}
