//! Bundled SQLite: connections, the pool, write transactions and the migrations. The queries are in `store/`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use diesel::query_builder::AstPass;
use diesel::sqlite::Sqlite;
use diesel::{Connection as _, ConnectionError, QueryResult, SqliteConnection};
use diesel_async::pooled_connection::deadpool::Pool as DeadPool;
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
};
use diesel_async::sync_connection_wrapper::SyncConnectionWrapper;
use diesel_async::{AsyncConnection as _, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use crate::column::{DbUuid, Id};
use crate::commits::Observed;
use crate::migration::MigrationError;
use crate::row_security::Told;
use crate::{DatabaseUrl, OpenError, StoreSettings};

/// The connection that the shared queries are compiled for.
pub(crate) type Conn = SyncConnectionWrapper<SqliteConnection>;
/// The database that the shared queries are compiled for.
pub(crate) type Db = Sqlite;
/// A connection as a statement takes it that may be sent together with others where there is a way to send them.
pub(crate) type Link<'c> = &'c mut Conn;
type Pool = DeadPool<Conn>;

/// Days since 1970 (UTC), of a line of the ledger and of a session.
const DAY_OF_RECEIPT: &str = "received_at / 86400000000";
const DAY_OF_SIGN_IN: &str = "signed_in_at / 86400000000";

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// `busy_timeout` first, as the others may meet a busy file. `synchronous = full`: what was acknowledged survives a
/// power cut, at the price of one flush a commit.
const SETTINGS: &str = "pragma busy_timeout = 5000; pragma journal_mode = wal; pragma synchronous = full; \
                        pragma foreign_keys = on;";

/// Of two processes that make a new file's journal a write-ahead log at once, SQLite tells one that the file is locked,
/// without waiting: each holds what the other wants. It only has to try again.
const OPENING_TRIES: usize = 50;
const OPENING_PAUSE: Duration = Duration::from_millis(50);

/// How rows are inserted: a statement each. That is as quick, as nothing travels.
macro_rules! bound {
    ($table:ident { $($column:ident: $type:ty,)+ }) => {
        type Bound = Self;

        fn bound(rows: Vec<Self>) -> impl Iterator<Item = Self::Bound> + Send {
            rows.into_iter()
        }

        fn walk_rows<'b>(
            bound: &'b Self::Bound,
            mut out: diesel::query_builder::AstPass<'_, 'b, super::Db>,
        ) -> diesel::QueryResult<()> {
            let mut before = "values (";
            $(
                out.push_sql(before);
                out.push_bind_param::<<$table::$column as diesel::Expression>::SqlType, $type>(&bound.$column)?;
                before = ", ";
            )+
            let _ = before;
            out.push_sql(")");
            Ok(())
        }
    };
}

/// Runs calls that each take a [`Link`], one after the other.
macro_rules! together {
    ($conn:expr; $($($call:ident)::+($($argument:expr),* $(,)?)),+ $(,)?) => {{
        let link: super::Link<'_> = $conn;
        async { diesel::QueryResult::Ok(($($($call)::+(&mut *link, $($argument),*).await?,)+)) }.await
    }};
}

/// Runs the block in a write transaction. It begins `immediate`, as one that reads first and writes later can fail as
/// busy however long it waits.
macro_rules! write_tx {
    ($conn:expr, $block:expr) => {
        $conn.immediate_transaction($block).await
    };
}

/// Writers of this process at a time: SQLite takes one, and here they queue fairly instead of polling its file.
pub(crate) const WRITERS: usize = 1;

/// Nothing to do: SQLite has one writer at a time.
async fn lock_writes(_: &mut Conn) -> QueryResult<()> {
    Ok(())
}

/// Begins a write transaction. It is the lease that ends one that goes wrong, with the connection.
async fn begin_writing(link: Link<'_>) -> QueryResult<()> {
    link.batch_execute("begin immediate").await
}

/// Commits what [`begin_writing`] began.
async fn commit(link: Link<'_>) -> QueryResult<()> {
    link.batch_execute("commit").await
}

/// Writers of owned rows queue as all writers do.
pub(crate) const QUEUES_OWNERS: bool = true;

/// SQLite has one writer at a time, and nothing to keep rows from.
const FOR_UPDATE: &str = "";

/// The end of a condition: that what stands before is one of these.
fn one_of<'b>(mut out: AstPass<'_, 'b, Sqlite>, ids: &'b [Id]) -> QueryResult<()> {
    out.push_sql(" in (");
    for (n, id) in ids.iter().enumerate() {
        if n > 0 {
            out.push_sql(", ");
        }
        out.push_bind_param::<DbUuid, Id>(id)?;
    }
    out.push_sql(")");
    Ok(())
}

/// Nothing to do: a statement that reads is a transaction by itself.
async fn enter(_: Link<'_>) -> QueryResult<()> {
    Ok(())
}

/// Nothing to do, as [`enter`] began nothing.
async fn leave(_: Link<'_>) -> QueryResult<()> {
    Ok(())
}

/// Begins a transaction that writes owned rows.
async fn begin_owned(link: Link<'_>) -> QueryResult<()> {
    begin_writing(link).await
}

/// Nothing to do: SQLite has no policies.
async fn tell(_: Link<'_>, _: &Told) -> QueryResult<()> {
    Ok(())
}

/// Nothing to do: SQLite has one writer at a time.
async fn lock_name(_: Link<'_>, _: Option<&str>) -> QueryResult<()> {
    Ok(())
}

fn pool(path: &Path, settings: &StoreSettings) -> Result<Pool, OpenError> {
    let mut config = ManagerConfig::default();
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(|path| {
        let path = path.to_owned();
        Box::pin(async move {
            let mut conn = Conn::establish(&path).await?;
            conn.batch_execute(SETTINGS)
                .await
                .map_err(ConnectionError::CouldntSetupConfiguration)?;
            Ok(conn)
        })
    });
    let manager = AsyncDieselConnectionManager::new_with_config(DatabaseUrl::file(path), config);
    crate::pool::build(manager, settings)
}

/// Opens the store in a file.
pub(crate) fn open(
    path: &Path,
    settings: StoreSettings,
    observed: Arc<Observed>,
) -> Result<store::Store, OpenError> {
    let single = StoreSettings {
        pool_size: 1,
        ..settings.clone()
    };
    let pools = store::Pools {
        work: pool(path, &settings)?,
        tail: pool(path, &single)?,
        deliveries: pool(path, &single)?,
    };
    Ok(store::Store::new(pools, settings, observed, None)?)
}

/// Runs `work` on the file in one transaction, so that of several processes starting at once one migrates and the
/// others find the work done.
async fn migrating<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce(&mut SqliteConnection) -> Result<T, MigrationError> + Send + 'static,
) -> Result<T, MigrationError> {
    let mut tries_left = OPENING_TRIES;
    let mut conn = loop {
        let path = path.to_owned();
        match blocking(move || opened(&path)).await {
            Err(MigrationError::Query(error)) if is_locked(&error) && tries_left > 0 => {
                tries_left -= 1;
                tokio::time::sleep(OPENING_PAUSE).await;
            }
            opened => break opened?,
        }
    };
    blocking(move || conn.immediate_transaction(work)).await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, MigrationError> + Send + 'static,
) -> Result<T, MigrationError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| MigrationError::Interrupted)?
}

fn opened(path: &Path) -> Result<SqliteConnection, MigrationError> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder).map_err(|source| MigrationError::Folder {
            folder: folder.into(),
            source,
        })?;
    }
    let mut conn = SqliteConnection::establish(&DatabaseUrl::file(path))?;
    diesel::connection::SimpleConnection::batch_execute(&mut conn, SETTINGS)?;
    Ok(conn)
}

fn is_locked(error: &diesel::result::Error) -> bool {
    matches!(error, diesel::result::Error::DatabaseError(_, info) if info.message().contains("is locked"))
}

/// Runs what has not run yet; answers the names of what ran.
pub(crate) async fn migrate_up(path: &Path) -> Result<Vec<String>, MigrationError> {
    migrating(path, |conn| crate::migration::up(conn, &MIGRATIONS)).await
}

/// Reverts the latest `steps`; answers the names of what was reverted.
pub(crate) async fn migrate_down(path: &Path, steps: usize) -> Result<Vec<String>, MigrationError> {
    migrating(path, move |conn| {
        crate::migration::down(conn, &MIGRATIONS, steps)
    })
    .await
}

/// What has run and what has not.
pub(crate) async fn migration_status(
    path: &Path,
) -> Result<Vec<crate::migration::MigrationStatus>, MigrationError> {
    migrating(path, |conn| {
        let applied = crate::migration::applied(conn)?;
        crate::migration::status::<diesel::sqlite::Sqlite>(&applied, &MIGRATIONS)
    })
    .await
}

/// The migrations that this program was built with.
pub(crate) fn known_versions() -> Vec<String> {
    crate::migration::known_versions::<diesel::sqlite::Sqlite>(&MIGRATIONS)
}

#[path = "store/mod.rs"]
mod store;

pub(crate) use store::owned::workspace;

#[cfg(test)]
mod tests {
    use domain::StoreError;

    use super::*;

    #[tokio::test]
    async fn a_file_that_cannot_grow_is_told_from_content_that_cannot_be_kept() {
        let mut conn = Conn::establish(":memory:").await.unwrap();
        conn.batch_execute("create table things (thing); pragma max_page_count = 2")
            .await
            .unwrap();
        let insert = "insert into things values (zeroblob(100000))";
        let error = conn.batch_execute(insert).await.unwrap_err();
        assert!(store::is_unwritable(&error), "{error:?}");
        let error = store::store_error(error);
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    }
}
