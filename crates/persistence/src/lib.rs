//! Turns port calls into SQL, on PostgreSQL (no libpq, TLS through rustls) and on bundled SQLite.
//!
//! The queries stand once, in `store/`, and are compiled for each database: `postgres.rs` and `sqlite.rs` each name a
//! connection type, a pool, a write lock and their migrations, and include the same files. This crate knows tables and
//! transactions; it will never know HTTP, tokens, signatures or Clerk's JSON. What wins over what is decided in
//! `domain`: here it is a comparison of two keys.

mod column;
mod commits;
mod database_url;
mod decimal_column;
mod migration;
mod moving;
mod pool;
mod postgres;
mod postgres_roles;
mod postgres_scope;
mod postgres_sessions;
mod postgres_tls;
mod postgres_url;
mod postgres_wake_ups;
mod row_security;
mod schema;
#[expect(
    clippy::duplicate_mod,
    reason = "the queries are compiled once for each database"
)]
mod sqlite;

use std::convert::Infallible;
use std::sync::Arc;

use async_trait::async_trait;

use domain::{
    Administration, AuditLog, Changes, Commits, Deliveries, Erasures, ExternalIds, FeedTail,
    Housekeeping, Invites, Mirror, MirrorRows, Overview, Policies, StoreHealth, StreamTickets,
    UsageMeter, UserStore, WakeUpError, WakeUps, Workspace,
};

use commits::Observed;
use postgres_wake_ups::PostgresWakeUps;

pub use database_url::{DatabaseUrl, DatabaseUrlError};
pub use migration::{MigrationError, MigrationStatus};
pub use moving::{Dialect, Move, MoveError, MoveProgress, Moved, Tally};
pub use postgres_sessions::SharedSessions;
pub use row_security::RowSecurityProblem;

/// The owned tables, by name.
pub const OWNED_TABLES: &[&str] = postgres::OWNED_TABLES;

/// What the store needs to know besides where the database is.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// Connections at most, per process.
    pub pool_size: usize,
    /// Decides the role and tier that a user's row shows.
    pub policy: Arc<Policies>,
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The pool's settings are impossible.
    #[error("the pool of connections cannot be made: {0}")]
    Pool(String),
    /// The system gives no thread to write deliveries.
    #[error("the thread that writes deliveries cannot be started")]
    Thread(#[from] std::io::Error),
}

/// One database behind every port.
#[derive(Clone)]
pub struct Store {
    /// Where deliveries take effect.
    pub mirror: Arc<dyn Mirror>,
    /// Where users are read.
    pub users: Arc<dyn UserStore>,
    /// Where the ledger is read.
    pub deliveries: Arc<dyn Deliveries>,
    /// Whether it works.
    pub health: Arc<dyn StoreHealth>,
    /// The change feed.
    pub changes: Arc<dyn Changes>,
    /// Mirrored rows, for reconciliation.
    pub rows: Arc<dyn MirrorRows>,
    /// Leases, checkpoints and pruning.
    pub housekeeping: Arc<dyn Housekeeping>,
    /// Invites, made and redeemed.
    pub invites: Arc<dyn Invites>,
    /// Metered features.
    pub usage: Arc<dyn UsageMeter>,
    /// Who did what.
    pub audit: Arc<dyn AuditLog>,
    /// What the team decides about users.
    pub administration: Arc<dyn Administration>,
    /// Lists for administrators.
    pub overview: Arc<dyn Overview>,
    /// The right to be forgotten.
    pub erasures: Arc<dyn Erasures>,
    /// Who is told of commits.
    pub commits: Arc<dyn Commits>,
    /// The end of the change feed.
    pub feed_tail: Arc<dyn FeedTail>,
    /// How other processes are heard.
    pub wake_ups: Arc<dyn WakeUps>,
    /// Tickets that open a stream once.
    pub tickets: Arc<dyn StreamTickets>,
    /// Users by the team's own ids.
    pub external_ids: Arc<dyn ExternalIds>,
    /// What belongs to users.
    pub workspace: Workspace,
}

impl Store {
    /// Opens the store. Connections are made when they are needed: a database that is away is not an error here.
    ///
    /// # Errors
    /// When the settings are impossible.
    pub fn open(url: &DatabaseUrl, settings: StoreSettings) -> Result<Self, OpenError> {
        let observed = Arc::new(Observed::default());
        Ok(match url {
            DatabaseUrl::Postgres(url) => {
                let store = postgres::open(url, settings, Arc::clone(&observed))?;
                let (store, wake_ups) = (Arc::new(store), PostgresWakeUps::new(url.clone()));
                let workspace = postgres::workspace(&store);
                Self::of(store, workspace, observed, Arc::new(wake_ups))
            }
            DatabaseUrl::Sqlite(path) => {
                let store = Arc::new(sqlite::open(path, settings, Arc::clone(&observed))?);
                let workspace = sqlite::workspace(&store);
                Self::of(store, workspace, observed, Arc::new(NobodyElse))
            }
        })
    }

    fn of(
        store: Arc<
            impl Mirror
            + UserStore
            + Deliveries
            + StoreHealth
            + Changes
            + MirrorRows
            + Housekeeping
            + Invites
            + UsageMeter
            + AuditLog
            + Administration
            + Overview
            + Erasures
            + FeedTail
            + StreamTickets
            + ExternalIds
            + 'static,
        >,
        workspace: Workspace,
        commits: Arc<Observed>,
        wake_ups: Arc<dyn WakeUps>,
    ) -> Self {
        Self {
            mirror: store.clone(),
            users: store.clone(),
            deliveries: store.clone(),
            health: store.clone(),
            changes: store.clone(),
            rows: store.clone(),
            housekeeping: store.clone(),
            invites: store.clone(),
            usage: store.clone(),
            audit: store.clone(),
            administration: store.clone(),
            overview: store.clone(),
            erasures: store.clone(),
            commits,
            feed_tail: store.clone(),
            wake_ups,
            tickets: store.clone(),
            external_ids: store,
            workspace,
        }
    }
}

/// SQLite tells nobody of commits: other processes on the file see them when they look.
struct NobodyElse;

#[async_trait]
impl WakeUps for NobodyElse {
    async fn listen(&self, _: &(dyn Fn() + Send + Sync)) -> Result<Infallible, WakeUpError> {
        std::future::pending().await
    }

    fn wake(&self) {}
}

/// Runs every migration that has not run yet, under a lock, so that several replicas may start at once. Answers the
/// names of what ran.
///
/// # Errors
/// When the database cannot be reached or refuses; what failed changed nothing.
pub async fn migrate_up(url: &DatabaseUrl) -> Result<Vec<String>, MigrationError> {
    match url {
        DatabaseUrl::Postgres(url) => postgres::migrate_up(url).await,
        DatabaseUrl::Sqlite(path) => sqlite::migrate_up(path).await,
    }
}

/// Grants the role that `application` connects as what the service needs on everything that `owner` has made: rows, but
/// not the tables themselves. On SQLite, which has no roles, there is nothing to do.
///
/// # Errors
/// As [`migrate_up`].
pub async fn let_in(owner: &DatabaseUrl, application: &DatabaseUrl) -> Result<(), MigrationError> {
    match (owner, application) {
        (DatabaseUrl::Postgres(owner), DatabaseUrl::Postgres(application)) => {
            postgres_roles::let_in(owner, application).await
        }
        _ => Ok(()),
    }
}

/// Whether connections to this URL share the server's sessions, as they do behind a pooler in transaction mode: the service
/// cannot work there, and nothing else here should be tried. SQLite has no sessions to share.
///
/// # Errors
/// As [`migrate_up`].
pub async fn sessions_are_shared(url: &DatabaseUrl) -> Result<bool, MigrationError> {
    match url {
        DatabaseUrl::Postgres(url) => Ok(postgres_sessions::are_shared(url).await?),
        DatabaseUrl::Sqlite(_) => Ok(false),
    }
}

/// What is wrong with the role of `application`, if row-level security does not hold for it, or does not let admins in;
/// `None` on SQLite, which has none. The tables must be there.
///
/// # Errors
/// As [`migrate_up`].
pub async fn row_security_problem(
    application: &DatabaseUrl,
) -> Result<Option<RowSecurityProblem>, MigrationError> {
    match application {
        DatabaseUrl::Postgres(url) => postgres_roles::row_security_problem(url).await,
        DatabaseUrl::Sqlite(_) => Ok(None),
    }
}

/// Reverts the latest `steps` migrations, the latest first. Answers their names.
///
/// # Errors
/// As [`migrate_up`].
pub async fn migrate_down(url: &DatabaseUrl, steps: usize) -> Result<Vec<String>, MigrationError> {
    match url {
        DatabaseUrl::Postgres(url) => postgres::migrate_down(url, steps).await,
        DatabaseUrl::Sqlite(path) => sqlite::migrate_down(path, steps).await,
    }
}

/// Every migration that this program knows, oldest first.
///
/// # Errors
/// As [`migrate_up`].
pub async fn migration_status(url: &DatabaseUrl) -> Result<Vec<MigrationStatus>, MigrationError> {
    match url {
        DatabaseUrl::Postgres(url) => postgres::migration_status(url).await,
        DatabaseUrl::Sqlite(path) => sqlite::migration_status(path).await,
    }
}
