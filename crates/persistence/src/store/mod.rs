//! The ports, made of queries that stand once and are compiled for each database (`super::Conn` says which).

mod about_users;
mod activity;
mod addresses;
mod administration;
mod admins;
mod apply;
mod audit;
mod batch;
mod changes;
mod consequences;
mod delivery_list;
mod erasures;
mod export;
mod external_ids;
mod feed_tail;
mod foreseen;
mod forgetting;
mod forgotten;
mod guarded;
pub(super) mod health;
mod housekeeping;
mod insertion;
mod invite_attempts;
mod invites;
mod lease;
mod ledger;
mod local;
mod memberships;
mod mentions;
mod mirror;
mod notices;
mod objects;
mod organizations;
mod overview;
pub(crate) mod owned;
mod plans;
mod prepared;
mod relink;
mod resync;
mod rows;
mod run;
mod search;
mod session_ends;
mod sessions;
mod standing;
mod storable;
mod stored_pages;
mod subscriptions;
mod tickets;
mod usage;
mod user_overview;
mod user_rows;
mod user_writes;
mod users;
mod waves;

use std::future::Future;
use std::io;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use domain::{Policies, StoreError};
use tokio::sync::Semaphore;

use super::{Conn, Db, Link, Pool, WRITERS};
use crate::StoreSettings;
use crate::commits::Observed;
use crate::row_security::AdminProof;
use batch::Batcher;

/// How long a call may take in all. A hung database must not hold the sender until it gives up by itself.
const CALL_LIMIT: Duration = Duration::from_millis(4500);

/// How long a file of positions may take, which is one call of a hundred thousand rows: less than a request may.
const IMPORT_LIMIT: Duration = Duration::from_secs(12);

/// One database.
pub(crate) struct Store {
    core: Arc<Core>,
    batcher: Batcher,
}

/// Where connections come from.
pub(crate) struct Pools {
    /// For requests.
    pub(crate) work: Pool,
    /// For the end of the change feed: one connection.
    pub(crate) tail: Pool,
    /// For deliveries: one connection.
    pub(crate) deliveries: Pool,
}

/// What every call needs.
pub(crate) struct Core {
    pool: Pool,
    /// Not taken by requests.
    tail: Pool,
    /// Of the thread that writes deliveries.
    deliveries: Pool,
    observed: Arc<Observed>,
    policy: Arc<Policies>,
    writers: Semaphore,
    /// Whether the last write failed because the database takes none.
    unwritable: AtomicBool,
    /// Only where there are policies.
    admin_proof: Option<AdminProof>,
}

impl Store {
    /// Starts the thread that writes deliveries.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn new(
        pools: Pools,
        settings: StoreSettings,
        observed: Arc<Observed>,
        admin_proof: Option<AdminProof>,
    ) -> io::Result<Self> {
        // One connection at least is the readers', if there are two.
        let writers = settings.pool_size.saturating_sub(1).clamp(1, WRITERS);
        let core = Arc::new(Core {
            pool: pools.work,
            tail: pools.tail,
            deliveries: pools.deliveries,
            observed,
            policy: settings.policy,
            writers: Semaphore::new(writers),
            unwritable: AtomicBool::new(false),
            admin_proof,
        });
        Ok(Self {
            batcher: Batcher::start(Arc::clone(&core))?,
            core,
        })
    }
}

impl Deref for Store {
    type Target = Core;

    fn deref(&self) -> &Core {
        &self.core
    }
}

/// Gives up on a call that takes too long. Its transaction, if one is open, dies with the connection: see [`lease`].
fn limited<T>(
    call: impl Future<Output = Result<T, StoreError>> + Send,
) -> impl Future<Output = Result<T, StoreError>> + Send {
    limited_to(CALL_LIMIT, call)
}

async fn limited_to<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, StoreError>> + Send,
) -> Result<T, StoreError> {
    tokio::time::timeout(limit, call)
        .await
        .unwrap_or_else(|elapsed| Err(StoreError::Unavailable(elapsed.into())))
}

/// Tells what may succeed later from what never will.
pub(super) fn store_error(error: diesel::result::Error) -> StoreError {
    use diesel::result::DatabaseErrorKind as Kind;
    use diesel::result::Error;
    match error {
        Error::DeserializationError(cause) => StoreError::Unreadable(cause.to_string()),
        Error::DatabaseError(
            Kind::ClosedConnection
            | Kind::SerializationFailure
            | Kind::UnableToSendCommand
            | Kind::ReadOnlyTransaction,
            _,
        )
        | Error::BrokenTransactionManager => StoreError::Unavailable(error.into()),
        Error::DatabaseError(Kind::Unknown, ref info) if is_passing(info.message()) => {
            StoreError::Unavailable(error.into())
        }
        other => StoreError::Refused(other.into()),
    }
}

/// Failures that both drivers report without a kind of their own: a busy or full SQLite, a PostgreSQL that is starting,
/// stopping, out of connections or memory, one that ended a deadlock at this transaction's cost, or a failing disk.
fn is_passing(message: &str) -> bool {
    [
        "database is locked",
        "database or disk is full",
        "disk I/O error",
        "unable to open database file",
        "attempt to write a readonly database",
        "locking protocol",
        "disk image is malformed",
        "file is not a database",
        "the database system is",
        "terminating connection",
        "too many clients",
        "remaining connection slots",
        "connection closed",
        "canceling statement",
        "deadlock detected",
        "out of memory",
        "out of shared memory",
        "could not extend file",
        "could not read block",
        "could not write",
        "invalid page in block",
        "No space left on device",
    ]
    .iter()
    .any(|known| message.contains(known))
}

/// Whether the database answers and takes nothing: its disk is full or failing, or it is there to be read only.
pub(super) fn is_unwritable(error: &diesel::result::Error) -> bool {
    use diesel::result::DatabaseErrorKind as Kind;
    use diesel::result::Error;
    match error {
        Error::DatabaseError(Kind::ReadOnlyTransaction, _) => true,
        Error::DatabaseError(Kind::Unknown, info) => [
            "database or disk is full",
            "disk I/O error",
            "attempt to write a readonly database",
            "could not extend file",
            "could not write",
            "No space left on device",
        ]
        .iter()
        .any(|known| info.message().contains(known)),
        _ => false,
    }
}

/// A schema or rights other than this program was built for: no fault of what was to be written, and a person mends it.
fn is_misfit(message: &str) -> bool {
    [
        "does not exist",
        "no such table",
        "no such column",
        "has no column named",
        "permission denied",
        "cached plan must not change result type",
    ]
    .iter()
    .any(|known| message.contains(known))
}
