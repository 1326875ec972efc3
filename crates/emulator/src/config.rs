//! What an emulator is started with, and why it may not start.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use crate::chaos::Chaos;
use crate::instance::FrontendSettings;
use crate::key::SigningKey;
use crate::refusal::Refusal;

/// How to start an emulator. The default is what people want on their own machine: `127.0.0.1:4100`, a key and a
/// state in memory, no webhook endpoint.
#[derive(Debug, Clone)]
pub struct EmulatorConfig {
    /// Where to listen; port 0 takes a free one.
    pub bind: SocketAddr,
    /// Allows an address that others can reach. Whoever reaches it can mint any token, so it is refused without this.
    pub allow_non_loopback: bool,
    /// The file with the RSA key, made when missing. `None` keeps a new key in memory. Ignored when `key` is set.
    pub key_path: Option<PathBuf>,
    /// A key made before, for instance one that all tests of a run share.
    pub key: Option<SigningKey>,
    /// The file with users and sessions, read at start and rewritten after changes. `None` forgets them.
    pub state_path: Option<PathBuf>,
    /// Makes object ids and times repeatable. Message ids, token ids and secrets that are not given stay random.
    pub seed: Option<u64>,
    /// Where webhooks go. Without it events are only recorded.
    pub webhook_url: Option<String>,
    /// The `whsec_…` secret that signs webhooks. When absent, one is generated, and kept in the state file if there is
    /// one.
    pub webhook_secret: Option<SecretString>,
    /// The waits between a failed attempt and the next; after the last one a delivery has failed.
    pub retry_schedule: Vec<Duration>,
    /// How many deliveries are remembered; unfinished ones are never forgotten.
    pub delivery_log_limit: usize,
    /// What goes wrong on purpose; nothing by default.
    pub chaos: Chaos,
    /// Where browsers reach the emulator when that is another address than the one bound, as in a container. Such as
    /// `http://localhost:4100`.
    pub public_url: Option<String>,
    /// Origins beyond this machine whose pages may use the Frontend API. Pages of this machine always may.
    pub page_origins: Vec<String>,
    /// A folder with Clerk's browser bundles, laid out as `node_modules/@clerk`.
    pub assets: Option<PathBuf>,
    /// The Frontend API's switches.
    pub frontend: FrontendSettings,
}

impl Default for EmulatorConfig {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 4100)),
            allow_non_loopback: false,
            key_path: None,
            key: None,
            state_path: None,
            seed: None,
            webhook_url: None,
            webhook_secret: None,
            retry_schedule: Self::svix_schedule(),
            delivery_log_limit: 10_000,
            chaos: Chaos::default(),
            public_url: None,
            page_origins: Vec::new(),
            assets: None,
            frontend: FrontendSettings::default(),
        }
    }
}

impl EmulatorConfig {
    /// The default on a free port, for tests.
    #[must_use]
    pub fn on_free_port() -> Self {
        Self {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            ..Self::default()
        }
    }

    /// Svix's schedule after the first attempt: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h. Without its jitter.
    #[must_use]
    pub fn svix_schedule() -> Vec<Duration> {
        [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000]
            .map(Duration::from_secs)
            .to_vec()
    }
}

/// Why an emulator does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmulatorError {
    /// The address is not a loopback one.
    #[error(
        "refusing to listen on {bind}: everyone who reaches the emulator can mint tokens; allow it explicitly to go on"
    )]
    NonLoopback {
        /// The address asked for.
        bind: SocketAddr,
    },
    /// The address cannot be bound.
    #[error("cannot listen on {bind}")]
    Bind {
        /// The address asked for.
        bind: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// No RSA key could be made.
    #[error("no RSA key could be generated")]
    KeyGeneration,
    /// The key file cannot be read or written.
    #[error("cannot use the key file {}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The key file holds something else.
    #[error("the key file {} holds no RSA key in PKCS#8 PEM; delete it to have a new one made", path.display())]
    KeyFileCorrupt {
        /// The file.
        path: PathBuf,
    },
    /// The state file cannot be read or written.
    #[error("cannot use the state file {}", path.display())]
    StateFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The state file holds something else.
    #[error("the state file {} is not one of the emulator's; move it away to start anew", path.display())]
    StateFileCorrupt {
        /// The file.
        path: PathBuf,
        /// Where it stops making sense.
        source: serde_json::Error,
    },
    /// The state file was written by another version.
    #[error("the state file {} has version {found}, this emulator reads {}", path.display(), crate::state_file::VERSION)]
    StateFileVersion {
        /// The file.
        path: PathBuf,
        /// The version that it states.
        found: u64,
    },
    /// The webhook URL is not an absolute http or https URL.
    #[error("the webhook URL must begin with http:// or https:// and name a host")]
    WebhookUrl,
    /// The webhook secret cannot be used.
    #[error("the webhook secret must be whsec_ followed by base64")]
    WebhookSecret,
    /// The public URL is not an absolute http or https URL.
    #[error("the public URL must begin with http:// or https:// and name a host")]
    PublicUrl,
    /// The folder with Clerk's browser bundles is not there.
    #[error("there is no folder {} to take Clerk's browser bundles from", path.display())]
    Assets {
        /// The folder asked for.
        path: PathBuf,
    },
    /// The chaos settings are out of bounds.
    #[error("the chaos settings cannot be used")]
    Chaos(#[source] Refusal),
    /// The HTTP client that delivers webhooks cannot be built.
    #[error("the HTTP client for webhooks cannot be built")]
    HttpClient(#[source] reqwest::Error),
}
