//! PostgreSQL: connections, the pool, the write lock and the migrations. The queries are in `store/`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::BigInt;
use diesel::{ConnectionError, ConnectionResult, QueryResult};
use diesel_async::pooled_connection::deadpool::Pool as DeadPool;
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
};
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::{Client, NoTls};

use crate::commits::Observed;
use crate::migration::MigrationError;
use crate::postgres_roles::{is_forbidden, make_known, proof_of};
use crate::postgres_scope::{FOR_UPDATE, begin_owned, enter, leave, lock_name, one_of, tell};
use crate::postgres_url::PostgresTarget;
use crate::postgres_wake_ups::CHANNEL;

use crate::{OpenError, StoreSettings};

/// The connection that the shared queries are compiled for.
pub(crate) type Conn = AsyncPgConnection;
/// The database that the shared queries are compiled for.
pub(crate) type Db = Pg;
/// A connection as a statement takes it that may be sent together with others: PostgreSQL answers them in turn.
pub(crate) type Link<'c> = &'c Conn;
type Pool = DeadPool<Conn>;

/// Days since 1970 (UTC), of a line of the ledger and of a session.
const DAY_OF_RECEIPT: &str = "floor(extract(epoch from received_at) / 86400)::bigint";
const DAY_OF_SIGN_IN: &str = "floor(extract(epoch from signed_in_at) / 86400)::bigint";

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// How long to wait for the server's handshake. A delivery must be answered within five seconds whatever happens.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The key of the lock that one migrating process holds.
const MIGRATION_LOCK: i64 = 0x636c_6572_6b01;
/// The key of the lock under which the mirror is written.
const WRITE_LOCK: i64 = 0x636c_6572_6b02;

/// Settings of each connection. A process that dies or hangs in mid-transaction must not hold the write lock for long,
/// and no statement is of use to anybody after the time that a call may take. `read committed`, whatever the database's
/// default is: behind the write lock a transaction must see what was committed while it waited. No table is read whole
/// where an index serves: a statement that was planned while its table was small keeps its plan for as long as its
/// connection lives, and would go on reading a table of a million rows whole. And nothing is compiled: PostgreSQL would
/// compile what it thinks expensive, and takes each table that it must read whole for that, however small, now that reading
/// whole is forbidden; a fifth of a second for a table of four rows.
const SESSION_SETTINGS: &str = "set idle_in_transaction_session_timeout = '10s'; set statement_timeout = '5s'; \
                                set default_transaction_isolation = 'read committed'; set enable_seqscan = off; \
                                set jit = off;";

/// How rows are inserted: as columns, an array each. The statement is then the same for any number of rows, so that it is
/// prepared once for each connection.
macro_rules! bound {
    ($table:ident { $($column:ident: $type:ty,)+ }) => {
        type Bound = ($(Vec<$type>,)+);

        fn bound(rows: Vec<Self>) -> impl Iterator<Item = Self::Bound> + Send {
            $(let mut $column = Vec::with_capacity(rows.len());)+
            for row in rows {
                $($column.push(row.$column);)+
            }
            std::iter::once(($($column,)+))
        }

        fn walk_rows<'b>(
            bound: &'b Self::Bound,
            mut out: diesel::query_builder::AstPass<'_, 'b, super::Db>,
        ) -> diesel::QueryResult<()> {
            let ($($column,)+) = bound;
            let mut before = "select unnest(";
            $(
                out.push_sql(before);
                out.push_bind_param::<
                    diesel::sql_types::Array<<$table::$column as diesel::Expression>::SqlType>,
                    Vec<$type>,
                >($column)?;
                before = "), unnest(";
            )+
            let _ = before;
            out.push_sql(")");
            Ok(())
        }
    };
}

/// Runs calls on one connection in the order in which they stand, without waiting for one before the next is sent. Each
/// takes a [`Link`], sends at most one statement and reads nothing that another of them writes.
///
/// They arrive in order even when some have to be prepared first: these wait for one another at the connection's cache
/// of statements, which is entered in turn, and are first asked in turn.
macro_rules! together {
    ($conn:expr; $($($call:ident)::+($($argument:expr),* $(,)?)),+ $(,)?) => {{
        let link: super::Link<'_> = $conn;
        tokio::try_join!(biased; $($($call)::+(link, $($argument),*)),+)
    }};
}

/// Runs the block in a transaction of its own.
macro_rules! write_tx {
    ($conn:expr, $block:expr) => {
        diesel_async::AsyncConnection::transaction($conn, $block).await
    };
}

/// Writers of this process at a time: one at work, and one that waits for the lock in the database, so that the lock is
/// never idle.
pub(crate) const WRITERS: usize = 2;

/// Takes the lock that makes mirror writes follow one another until commit, on every replica: the change feed's numbers
/// are then in commit order, without gaps that fill later, and two facts about one user never miss each other. In the same
/// round trip it leaves word for those who listen, which goes out with the commit.
async fn lock_writes(conn: &mut Conn) -> QueryResult<()> {
    conn.batch_execute(&lock_and_notify()).await
}

/// Begins a transaction and takes the lock of [`lock_writes`]. Whatever is sent after it sees what was committed before
/// the lock was taken. It is the lease that ends a transaction that goes wrong, with the connection.
async fn begin_writing(mut link: Link<'_>) -> QueryResult<()> {
    link.batch_execute(&format!("begin; {}", lock_and_notify()))
        .await
}

/// Takes the lock of [`lock_writes`] and leaves word for those who listen, which goes out with the commit. Until then a
/// prepared statement keeps its one plan: what writes the mirror finds a few rows by their keys, in a way that does not depend
/// on which, and PostgreSQL would plan it for each list of keys anew, for longer than it then runs.
fn lock_and_notify() -> String {
    format!(
        "select pg_advisory_xact_lock({WRITE_LOCK}), pg_notify('{CHANNEL}', ''), \
         set_config('plan_cache_mode', 'force_generic_plan', true)"
    )
}

/// Commits what [`begin_writing`] began. It is a prepared statement, as what is sent before it: so it cannot overtake.
pub(crate) async fn commit(mut link: Link<'_>) -> QueryResult<()> {
    Commit.execute(&mut link).await.map(drop)
}

#[derive(QueryId)]
struct Commit;

impl QueryFragment<Pg> for Commit {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("commit");
        Ok(())
    }
}

impl<C> diesel::RunQueryDsl<C> for Commit {}

/// Writers of owned rows follow one another only where they meet.
pub(crate) const QUEUES_OWNERS: bool = false;

pub(crate) async fn connect(url: &str) -> ConnectionResult<Conn> {
    let PostgresTarget { config, tls } = target(url)?;
    let mut conn = match tls {
        None => {
            let (client, connection) = config.connect(NoTls).await.map_err(shown)?;
            AsyncPgConnection::try_from_client_and_connection(client, connection).await?
        }
        Some(roots) => {
            let connector = crate::postgres_tls::connector(&roots)?;
            let (client, connection) = config.connect(connector).await.map_err(shown)?;
            AsyncPgConnection::try_from_client_and_connection(client, connection).await?
        }
    };
    conn.batch_execute(SESSION_SETTINGS)
        .await
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
}

/// A connection without any settings, for simple queries. It is worked by a task that ends with it.
pub(crate) async fn bare(url: &str) -> ConnectionResult<Client> {
    let PostgresTarget { config, tls } = target(url)?;
    Ok(match tls {
        None => {
            let (client, connection) = config.connect(NoTls).await.map_err(shown)?;
            tokio::spawn(connection);
            client
        }
        Some(roots) => {
            let connector = crate::postgres_tls::connector(&roots)?;
            let (client, connection) = config.connect(connector).await.map_err(shown)?;
            tokio::spawn(connection);
            client
        }
    })
}

fn target(url: &str) -> ConnectionResult<PostgresTarget> {
    let mut target = PostgresTarget::parse(url)
        .map_err(|error| ConnectionError::BadConnection(error.to_string()))?;
    if target.config.get_connect_timeout().is_none() {
        target.config.connect_timeout(CONNECT_TIMEOUT);
    }
    if target.config.get_application_name().is_none() {
        target.config.application_name("clerk-sync");
    }
    Ok(target)
}

/// The driver's error with its causes.
pub(crate) fn shown(error: tokio_postgres::Error) -> ConnectionError {
    ConnectionError::BadConnection(described(&error))
}

fn described(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

fn pool(url: &SecretString, settings: &StoreSettings) -> Result<Pool, OpenError> {
    let mut config = ManagerConfig::default();
    // The connection tells by itself when it is closed: a test query on each use would double the round trips.
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(|url| {
        let url = url.to_owned();
        Box::pin(async move { connect(&url).await })
    });
    let manager = AsyncDieselConnectionManager::new_with_config(url.expose_secret(), config);
    crate::pool::build(manager, settings)
}

/// Opens the store behind a URL. Connections are made when they are needed, so a server that is away is no error yet.
pub(crate) fn open(
    url: &SecretString,
    settings: StoreSettings,
    observed: Arc<Observed>,
) -> Result<store::Store, OpenError> {
    let single = StoreSettings {
        pool_size: 1,
        ..settings.clone()
    };
    let pools = store::Pools {
        work: pool(url, &settings)?,
        tail: pool(url, &single)?,
        deliveries: pool(url, &single)?,
    };
    let proof = proof_of(url);
    Ok(store::Store::new(pools, settings, observed, proof)?)
}

/// A harness on an own connection that holds the migration lock: it is given back when the connection closes.
async fn migration_harness(
    url: &SecretString,
) -> Result<AsyncMigrationHarness<Conn>, MigrationError> {
    let mut conn = connect(url.expose_secret()).await?;
    // A replica may wait here for another's long migration.
    conn.batch_execute("set statement_timeout = 0").await?;
    diesel::sql_query("select pg_advisory_lock($1)")
        .bind::<BigInt, _>(MIGRATION_LOCK)
        .execute(&mut conn)
        .await?;
    Ok(AsyncMigrationHarness::new(conn))
}

/// The versions that have run. The harness cannot say so to a role that owns nothing: it makes its table first, unless that
/// is there, and PostgreSQL asks for the right to make one before it looks.
async fn applied(conn: &mut Conn) -> Result<BTreeSet<String>, MigrationError> {
    match store::health::applied_versions(conn).await {
        // There is no list yet.
        Err(diesel::result::Error::DatabaseError(_, info))
            if info.message().contains("does not exist") =>
        {
            Ok(BTreeSet::new())
        }
        other => Ok(other?),
    }
}

async fn is_current(conn: &mut Conn) -> Result<bool, MigrationError> {
    let applied = applied(conn).await?;
    let mut known = known_versions().into_iter();
    Ok(known.all(|version| applied.contains(&version)))
}

/// Runs what has not run yet; answers the names of what ran.
pub(crate) async fn migrate_up(url: &SecretString) -> Result<Vec<String>, MigrationError> {
    let mut conn = connect(url.expose_secret()).await?;
    let ran = if is_current(&mut conn).await? {
        Vec::new()
    } else {
        crate::migration::up(&mut migration_harness(url).await?, &MIGRATIONS)?
    };
    if let Some(proof) = proof_of(url) {
        let known = make_known(&mut conn, &proof).await;
        // A role that owns nothing, and has nothing to migrate: the owner makes it known, when it grants.
        known.or_else(|error| {
            if is_forbidden(&error) {
                Ok(())
            } else {
                Err(error)
            }
        })?;
    }
    Ok(ran)
}

/// Reverts the latest `steps`; answers the names of what was reverted.
pub(crate) async fn migrate_down(
    url: &SecretString,
    steps: usize,
) -> Result<Vec<String>, MigrationError> {
    crate::migration::down(&mut migration_harness(url).await?, &MIGRATIONS, steps)
}

/// What has run and what has not.
pub(crate) async fn migration_status(
    url: &SecretString,
) -> Result<Vec<crate::migration::MigrationStatus>, MigrationError> {
    let applied = applied(&mut connect(url.expose_secret()).await?).await?;
    crate::migration::status::<diesel::pg::Pg>(&applied, &MIGRATIONS)
}

/// The migrations that this program was built with.
pub(crate) fn known_versions() -> Vec<String> {
    crate::migration::known_versions::<diesel::pg::Pg>(&MIGRATIONS)
}

#[path = "store/mod.rs"]
mod store;

pub(crate) use store::owned::{TABLES as OWNED_TABLES, workspace};
