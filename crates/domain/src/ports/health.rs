use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::StoreError;

/// Whether the schema is the one that this program was built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MigrationState {
    /// Every migration that this program knows has run.
    Current,
    /// Some have not.
    Pending {
        /// How many.
        count: usize,
    },
}

/// What the store says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreReport {
    /// The schema.
    pub migrations: MigrationState,
    /// Whether the last write did not fail for want of a disk that takes it, as far as this process knows.
    pub takes_writes: bool,
    /// When the latest authentic delivery came.
    pub last_event_at: Option<DateTime<Utc>>,
    /// Deliveries that wait for a person.
    pub quarantined: u64,
}

/// What one process has of the store's, just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreLoad {
    /// Connections that there may be.
    pub max_connections: usize,
    /// Connections that there are.
    pub connections: usize,
    /// Of them, those that nobody uses.
    pub idle: usize,
    /// Calls that wait for a connection.
    pub waiting: usize,
    /// Deliveries that wait to be written.
    pub deliveries_waiting: usize,
}

/// Whether the store works.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait StoreHealth: Send + Sync {
    /// Asks the database itself.
    ///
    /// # Errors
    /// When it does not answer.
    async fn report(&self) -> Result<StoreReport, StoreError>;

    /// Looks at what is known, and asks nobody.
    fn load(&self) -> StoreLoad;
}
