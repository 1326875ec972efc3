//! Why the service does not start.

use std::net::SocketAddr;

use assistant::AssistantConfigError;
use auth::legacy::LegacyFault;
use cache::RedisLinkError;
use clerk::ClerkConfigError;
use persistence::{MigrationError, OpenError, RowSecurityProblem, SharedSessions};

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address} ({variable})")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// Where it is set.
        variable: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// The schema could not be brought up to date.
    #[error("the {product} database could not be migrated")]
    Migration {
        /// Which kind of database.
        product: &'static str,
        /// Why not.
        source: MigrationError,
    },
    /// A pooler shares the database's sessions.
    #[error(transparent)]
    Sessions(SharedSessions),
    /// Row-level security would not keep users apart.
    #[error(transparent)]
    RowSecurity(#[from] RowSecurityProblem),
    /// The assistant's settings are impossible.
    #[error("the assistant cannot be asked: {0}")]
    Assistant(#[from] AssistantConfigError),
    /// A route would be open to anybody by mistake.
    #[error(transparent)]
    Routes(#[from] api::Undeclared),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The verifier's settings are impossible.
    #[error("tokens cannot be verified: {0}")]
    Auth(#[from] auth::ConfigError),
    /// The settings of the bridge for a previous login are impossible.
    #[error("tokens of the previous login cannot be verified: {0:?}")]
    Legacy(Vec<LegacyFault>),
    /// The settings of Redis are impossible.
    #[error("Redis cannot be used: {0}")]
    Redis(#[from] RedisLinkError),
    /// The Backend API's settings are impossible.
    #[error("Clerk's Backend API cannot be asked: {0}")]
    ClerkApi(#[from] ClerkConfigError),
    /// The webhook secrets are impossible.
    #[error("webhooks cannot be verified: {0}")]
    Webhooks(#[from] webhooks::SecretError),
}
