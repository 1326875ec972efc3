//! Starting, holding and stopping an emulator.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use secrecy::ExposeSecret as _;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::chaos::Dice;
use crate::config::{EmulatorConfig, EmulatorError};
use crate::instance::{Caller, Front, Instance};
use crate::key::SigningKey;
use crate::refusal::Refusal;
use crate::router::{router, serve};
use crate::session::Session;
use crate::state::State;
use crate::state_file;
use crate::user::User;
use crate::webhook::{self, Endpoint, Webhooks};

/// How long a shutdown waits for answers under way.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(5);

/// A running emulator. Dropping it stops it at once; [`Emulator::shutdown`] lets answers under way finish. It derefs
/// to its [`Instance`], which has every operation; the few here spare a test the [`Caller`].
pub struct Emulator {
    instance: Arc<Instance>,
    address: SocketAddr,
    state_path: Option<PathBuf>,
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
    served: watch::Receiver<bool>,
}

impl Emulator {
    /// Binds and serves in background tasks of the current Tokio runtime.
    ///
    /// # Errors
    /// [`EmulatorError`]: an address that may not or cannot be bound, a key or state file that cannot be used, a
    /// malformed webhook URL or secret.
    pub async fn start(config: EmulatorConfig) -> Result<Self, EmulatorError> {
        let EmulatorConfig {
            bind,
            allow_non_loopback,
            key_path,
            key,
            state_path,
            seed,
            webhook_url,
            webhook_secret,
            retry_schedule,
            delivery_log_limit,
            chaos,
            public_url,
            page_origins,
            assets,
            frontend,
        } = config;
        let chaos = chaos.checked().map_err(EmulatorError::Chaos)?;
        if !bind.ip().is_loopback() && !allow_non_loopback {
            return Err(EmulatorError::NonLoopback { bind });
        }
        let url = webhook_url
            .map(|text| Endpoint::parse_url(&text).ok_or(EmulatorError::WebhookUrl))
            .transpose()?;
        let public_url = public_url
            .map(|text| Endpoint::parse_url(&text).ok_or(EmulatorError::PublicUrl))
            .transpose()?;
        if let Some(path) = assets.as_ref().filter(|path| !path.is_dir()) {
            let path = path.clone();
            return Err(EmulatorError::Assets { path });
        }
        let key = match (key, key_path) {
            (Some(key), _) => key,
            (None, Some(path)) => SigningKey::load_or_create(&path)?,
            (None, None) => SigningKey::generate()?,
        };
        let read = state_path
            .as_deref()
            .map(state_file::read)
            .transpose()?
            .flatten();
        let mut state = read.map_or_else(|| State::empty(seed), |state| state.resumed(seed));
        let secret = webhook_secret.unwrap_or_else(|| {
            let kept = state
                .webhook_secret
                .get_or_insert_with(webhook::generate_secret);
            kept.as_str().into()
        });
        if !webhook::is_secret(secret.expose_secret()) {
            return Err(EmulatorError::WebhookSecret);
        }

        let listener = TcpListener::bind(bind)
            .await
            .map_err(|source| EmulatorError::Bind { bind, source })?;
        let address = listener
            .local_addr()
            .map_err(|source| EmulatorError::Bind { bind, source })?;
        let (webhooks, workers) = Webhooks::new(
            Endpoint::new(url, secret),
            retry_schedule,
            delivery_log_limit,
            Dice::new(chaos),
        )?;
        let front = Front {
            origin: public_url.map_or_else(
                || reachable(address),
                |url| url.as_str().trim_end_matches('/').to_owned(),
            ),
            page_origins,
            assets,
            settings: Mutex::new(frontend),
        };
        let instance = Arc::new(Instance::new(key, state, Arc::clone(&webhooks), front));

        let mut tasks = JoinSet::new();
        workers.spawn(&webhooks, &mut tasks);
        if let Some(path) = state_path.clone() {
            tasks.spawn(keep_state(Arc::clone(&instance), path));
        }
        let (stop, stopping) = watch::channel(false);
        let (serving, served) = watch::channel(false);
        tasks.spawn(serve(
            listener,
            router(Arc::clone(&instance), bind.ip().is_loopback()),
            stopping,
            serving,
        ));
        Ok(Self {
            instance,
            address,
            state_path,
            tasks,
            stop,
            served,
        })
    }

    /// The state with every operation.
    #[must_use]
    pub fn instance(&self) -> &Arc<Instance> {
        &self.instance
    }

    /// The address that is listened on, with the real port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Such as `http://127.0.0.1:4100`: the Backend API without `/v1`. For an address that means all, loopback.
    #[must_use]
    pub fn origin(&self) -> String {
        reachable(self.address)
    }

    /// Where the public keys are.
    #[must_use]
    pub fn jwks_url(&self) -> String {
        format!("{}/.well-known/jwks.json", self.origin())
    }

    /// The `iss` of its tokens.
    #[must_use]
    pub fn issuer(&self) -> &'static str {
        crate::ISSUER
    }

    /// Encodes the host in the issuer.
    #[must_use]
    pub fn publishable_key(&self) -> String {
        publishable_key()
    }

    /// The secret key to give to clients.
    #[must_use]
    pub fn secret_key(&self) -> &'static str {
        crate::SECRET_KEY
    }

    /// The public key as PEM, for verifiers without a network.
    #[must_use]
    pub fn jwt_key_pem(&self) -> &str {
        self.instance.key().public_pem()
    }

    /// A user with this verified primary address; emits `user.created`.
    ///
    /// # Errors
    /// A malformed or taken address.
    pub fn new_user(&self, email: &str) -> Result<User, Refusal> {
        self.instance
            .create_user(json!({ "email_address": [email] }), &Caller::default())
    }

    /// A session of this user; emits `session.created`.
    ///
    /// # Errors
    /// As [`Instance::create_session`].
    pub fn new_session(&self, user_id: &str) -> Result<Session, Refusal> {
        self.instance.create_session(user_id, &Caller::default())
    }

    /// Returns when the emulator no longer serves.
    pub async fn stopped(&self) {
        // A closed channel means the same: the serving task is gone.
        let _ = self.served.clone().wait_for(|ended| *ended).await;
    }

    /// Takes no new connections, lets answers under way finish (for 5 s), writes the state and stops everything. Deliveries that
    /// wait for a retry are given up.
    ///
    /// # Errors
    /// [`EmulatorError::StateFile`] when the last write fails.
    pub async fn shutdown(mut self) -> Result<(), EmulatorError> {
        self.stop.send_replace(true);
        if tokio::time::timeout(SHUTDOWN_LIMIT, self.stopped())
            .await
            .is_err()
        {
            tracing::warn!("answers under way were cut off");
        }
        self.tasks.shutdown().await;
        match self.state_path.take() {
            Some(path) => self
                .instance
                .write_state(&path)
                .map_err(|source| EmulatorError::StateFile { path, source }),
            None => Ok(()),
        }
    }
}

impl Deref for Emulator {
    type Target = Instance;

    fn deref(&self) -> &Instance {
        &self.instance
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.tasks.abort_all();
        if let Some(path) = self.state_path.take()
            && let Err(error) = self.instance.write_state(&path)
        {
            tracing::error!(%error, path = %path.display(), "the state file could not be written");
        }
    }
}

fn reachable(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{address}")
}

/// Writes the state after changes, many changes at once when they come fast. A crash loses what came after the last
/// write; the file itself is whole at any time. After a write it rests four times as long as that took, or a large
/// instance under change would do nothing else.
async fn keep_state(instance: Arc<Instance>, path: PathBuf) {
    loop {
        instance.changed().await;
        let began = Instant::now();
        let (of, to) = (Arc::clone(&instance), path.clone());
        let written = tokio::task::spawn_blocking(move || of.write_state(&to)).await;
        if let Ok(Err(error)) = written {
            tracing::error!(%error, path = %path.display(), "the state file could not be written");
        }
        tokio::time::sleep(began.elapsed().saturating_mul(4)).await;
    }
}

/// The publishable key of every emulator: it encodes [`crate::FRONTEND_API_HOST`].
#[must_use]
pub fn publishable_key() -> String {
    format!(
        "pk_test_{}",
        STANDARD_NO_PAD.encode(format!("{}$", crate::FRONTEND_API_HOST))
    )
}
