//! The settings of `serve`, read from the environment: the one place that knows variable names.
//!
//! Every fault is found before any is reported, and no value is ever shown: it may be a secret.

mod administration;
mod cache;
mod clerk;
mod clerk_api_url;
mod console;
mod edges;
mod environment;
mod invites;
mod legacy;
mod policy;
mod sync;
mod variables;
mod workspace;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use ::cache::CacheSettings;
use ::clerk::ClerkApiConfig;
use ::console::ConsoleSettings;
use api::InviteGate;
use auth::AuthConfig;
use domain::Policy;
use persistence::DatabaseUrl;
use secrecy::SecretString;
use webhooks::{Receiver, ReceiverConfig};

pub use administration::AdministrationConfig;
use clerk::Clerk;
pub use edges::EdgesConfig;
pub use environment::environment;
pub use legacy::BridgeConfig;
pub use sync::{JobConfig, SyncConfig};
use variables::Variables;
pub use workspace::WorkspaceConfig;

const DEFAULT_DATABASE: &str = "sqlite://clerk-sync.db";
const DEFAULT_PORT: u16 = 8080;
const DEFAULT_POOL: usize = 10;
const MIB: usize = 1024 * 1024;
/// Below the 15 seconds after which Svix gives up.
const DEFAULT_REQUEST_SECONDS: u64 = 14;

/// Everything that `serve` needs.
#[derive(Debug, Clone)]
pub struct Config {
    /// Whether this is no production: the emulator's keys are believed, and a role that no row-level security binds will do.
    pub is_development: bool,
    /// Where to listen.
    pub bind: SocketAddr,
    /// The databases.
    pub database: DatabaseConfig,
    /// How tokens are verified.
    pub auth: AuthConfig,
    /// What is remembered of callers.
    pub cache: CacheSettings,
    /// The pages; `None`: there are none.
    pub console: Option<ConsoleSettings>,
    /// Tokens of a previous login; `None`: none are let in.
    pub legacy: Option<BridgeConfig>,
    /// How webhooks are verified.
    pub webhooks: ReceiverConfig,
    /// How Clerk's Backend API is asked; `None` without a secret key.
    pub clerk_api: Option<ClerkApiConfig>,
    /// Background work.
    pub sync: SyncConfig,
    /// Machine callers: a name and a token each.
    pub service_tokens: Vec<(String, SecretString)>,
    /// Who may do what.
    pub policy: Policy,
    /// Who is let in by invite.
    pub invites: InviteGate,
    /// What follows from admins' decisions.
    pub administration: AdministrationConfig,
    /// Who may send how much, from where, and from which pages.
    pub edges: EdgesConfig,
    /// The assistant, and files of positions.
    pub workspace: WorkspaceConfig,
    /// Whether the first request of an unknown user makes a row.
    pub jit_provisioning: bool,
    /// Bytes.
    pub webhook_body_limit: usize,
    /// How long a request may take in all.
    pub request_timeout: Duration,
}

/// Where rows are.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// What the service works with.
    pub url: DatabaseUrl,
    /// Owns the tables and runs the migrations, where that is another role.
    pub migration_url: Option<DatabaseUrl>,
    /// Connections at most.
    pub pool_size: usize,
}

/// One setting that is missing or wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFault {
    /// The variable.
    pub variable: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

/// Every setting that is missing or wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigFault>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} to mend before the service can start:",
            count(self.0.len())
        )?;
        for fault in &self.0 {
            write!(f, "\n  {}: {}", fault.variable, fault.message)?;
        }
        Ok(())
    }
}

fn count(faults: usize) -> String {
    if faults == 1 {
        "1 setting".to_owned()
    } else {
        format!("{faults} settings")
    }
}

impl std::error::Error for ConfigErrors {}

impl Config {
    /// Reads the settings through `lookup`, which answers a variable's value.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigErrors> {
        let mut vars = Variables::new(&lookup);
        let is_development = vars.choice(
            "CLERK_SYNC_ENV",
            &[("production", false), ("development", true)],
            false,
        );
        let database = database(&mut vars);
        let Clerk {
            auth,
            secret_key,
            api_url,
        } = clerk::read(&mut vars, is_development);
        let config = Self {
            is_development,
            bind: bind(&mut vars),
            webhooks: webhooks(&mut vars),
            policy: policy::read(&mut vars),
            invites: invites::read(&mut vars),
            administration: administration::read(&mut vars),
            workspace: workspace::read(&mut vars),
            edges: edges::read(&mut vars),
            jit_provisioning: vars.flag("JIT_PROVISIONING", true),
            webhook_body_limit: vars.number("WEBHOOK_BODY_LIMIT", MIB, 1024..=64 * MIB),
            request_timeout: Duration::from_secs(vars.number(
                "REQUEST_TIMEOUT_SECONDS",
                DEFAULT_REQUEST_SECONDS,
                1..=300,
            )),
            database,
            cache: cache::read(&mut vars),
            console: console::read(&mut vars, &auth),
            legacy: legacy::read(&mut vars, &auth),
            auth,
            clerk_api: sync::clerk_api(&mut vars, secret_key, api_url),
            sync: sync::read(&mut vars),
            service_tokens: service_tokens(&mut vars),
        };
        vars.finish(config)
    }
}

impl DatabaseConfig {
    /// Reads only what the schema commands need.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigErrors> {
        let mut vars = Variables::new(&lookup);
        let database = database(&mut vars);
        vars.finish(database)
    }
}

fn database(vars: &mut Variables<'_>) -> DatabaseConfig {
    let parsed = |vars: &mut Variables<'_>, variable, text: Option<String>| {
        text.and_then(|text| {
            text.parse()
                .map_err(|error| vars.fault(variable, format!("{error}")))
                .ok()
        })
    };
    let text = vars
        .secret_text("DATABASE_URL")
        .unwrap_or_else(|| DEFAULT_DATABASE.to_owned());
    let url: Option<DatabaseUrl> = parsed(vars, "DATABASE_URL", Some(text));
    let migration_text = vars.secret_text("DATABASE_MIGRATION_URL");
    let migration_url: Option<DatabaseUrl> = parsed(vars, "DATABASE_MIGRATION_URL", migration_text);
    // A file that was not readable leaves the default, which says nothing about the kind.
    if let (Some(url), Some(migration), false) =
        (&url, &migration_url, vars.is_faulty("DATABASE_URL"))
        && migration.product() != url.product()
    {
        vars.fault(
            "DATABASE_MIGRATION_URL",
            "names another kind of database than DATABASE_URL",
        );
    }
    let pool_size = vars.number("DATABASE_POOL_SIZE", DEFAULT_POOL, 1..=1000);
    DatabaseConfig {
        // Looked at only when there is no fault.
        url: url.unwrap_or(DatabaseUrl::Sqlite(Default::default())),
        migration_url,
        pool_size,
    }
}

/// `BIND_ADDR`; without it, a `PORT` as hosting platforms set it means every address of the machine.
fn bind(vars: &mut Variables<'_>) -> SocketAddr {
    let default = SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT));
    if let Some(text) = vars.text("BIND_ADDR") {
        return text.parse().unwrap_or_else(|_| {
            vars.fault("BIND_ADDR", "is no address and port: write 127.0.0.1:8080");
            default
        });
    }
    match vars.text("PORT").map(|text| text.parse::<u16>()) {
        None => default,
        Some(Ok(port)) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
        Some(Err(_)) => {
            vars.fault("PORT", "is no port: write a number from 0 to 65535");
            default
        }
    }
}

fn webhooks(vars: &mut Variables<'_>) -> ReceiverConfig {
    const NAME: &str = "CLERK_WEBHOOK_SECRET";
    const ALIAS: &str = "CLERK_WEBHOOK_SIGNING_SECRET";
    let (list, name) = match (vars.secret_text(NAME), vars.secret_text(ALIAS)) {
        (None, Some(list)) => (Some(list), ALIAS),
        // An alias that cannot be read is what has to be mended.
        (None, None) if vars.is_faulty(ALIAS) => (None, ALIAS),
        (list, _) => (list, NAME),
    };
    let secrets: Vec<SecretString> = list
        .iter()
        .flat_map(|list| list.split(','))
        .map(|secret| secret.trim().to_owned().into())
        .collect();
    let config = ReceiverConfig {
        secrets,
        instance_id: vars.text("CLERK_INSTANCE_ID"),
    };
    if let Err(error) = Receiver::new(config.clone()) {
        vars.fault(
            name,
            format!(
                "{error}: copy the signing secret (whsec_…) from the endpoint in Clerk's dashboard"
            ),
        );
    }
    config
}

#[cfg(test)]
mod tests;

/// The shortest service token: what is shorter can be guessed.
const SHORTEST_TOKEN: usize = 32;

fn service_tokens(vars: &mut Variables<'_>) -> Vec<(String, SecretString)> {
    const NAME: &str = "SERVICE_TOKENS";
    let list = vars.secret_text(NAME);
    let mut tokens = Vec::new();
    for pair in list.iter().flat_map(|list| list.split(',')) {
        match pair.trim().split_once('=') {
            Some((name, token)) if !name.is_empty() && token.len() >= SHORTEST_TOKEN => {
                tokens.push((name.to_owned(), token.to_owned().into()));
            }
            _ => vars.fault(
                NAME,
                format!("wants name=token pairs, separated by commas, with tokens of {SHORTEST_TOKEN} characters or more"),
            ),
        }
    }
    tokens
}
