//! Moving: every row of a SQLite file into an empty PostgreSQL database, in one transaction there, proved before it ends.
//!
//! The file is locked from before the first row is read until the last is committed, so that nothing is written behind the
//! back of the copy. See `docs/decisions/0094-moving-to-postgresql.md`.

mod digest;
mod error;
mod json;
mod source;
mod table;
mod tables;
mod target;

use std::collections::HashMap;

use diesel::SqliteConnection;
use secrecy::SecretString;
use tokio::sync::mpsc;

pub use digest::Tally;
pub use error::{Dialect, MoveError};
use source::Source;
use table::Batch;
use tables::TABLES;
use target::Target;

use crate::{DatabaseUrl, postgres, sqlite};

/// Batches that are read ahead.
const AHEAD: usize = 2;

/// How far a move has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MoveProgress {
    /// Whose rows are on their way.
    pub table: &'static str,
    /// Rows that PostgreSQL has taken.
    pub done: u64,
    /// Rows that there are.
    pub total: u64,
}

/// A table that was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Which.
    pub table: &'static str,
    /// What was read from SQLite.
    pub source: Tally,
    /// What was then read from PostgreSQL.
    pub target: Tally,
}

/// A move that may begin: the file is locked, and the other database has no rows.
pub struct Move {
    source: Source,
    owner: SecretString,
}

impl Move {
    /// Locks the SQLite file, and looks at the PostgreSQL database, whose tables may be missing yet; `owner` connects as
    /// who owns them, or will. Nothing is changed.
    ///
    /// # Errors
    /// When one of them is not what it should be.
    pub async fn prepare(from: &DatabaseUrl, owner: &DatabaseUrl) -> Result<Self, MoveError> {
        let (DatabaseUrl::Sqlite(path), DatabaseUrl::Postgres(owner)) = (from, owner) else {
            return Err(MoveError::Direction);
        };
        let path = path.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let mut source = Source::open(&path)?;
            source.check(&sqlite::known_versions())?;
            Ok::<_, MoveError>(source)
        });
        let source = opened.await.map_err(|_| MoveError::Interrupted)??;
        let mut target = Target::begin(owner).await?;
        target.check(&postgres::known_versions()).await?;
        target.leave().await?;
        Ok(Self {
            source,
            owner: owner.clone(),
        })
    }

    /// Moves all rows. The tables have to be there by now.
    ///
    /// # Errors
    /// When they cannot all be moved, or are not the same afterwards: then none is.
    pub async fn run(self, tell: &(dyn Fn(MoveProgress) + Sync)) -> Result<Vec<Moved>, MoveError> {
        let Self { mut source, owner } = self;
        let mut target = Target::begin(&owner).await?;
        target.keep_others_out().await?;
        target.check(&postgres::known_versions()).await?;
        let (totals, cursor, source) = tokio::task::spawn_blocking(move || {
            let (totals, cursor) = (source.totals()?, source.last_cursor()?);
            Ok::<_, MoveError>((totals, cursor, source))
        })
        .await
        .map_err(|_| MoveError::Interrupted)??;

        let (sender, mut batches) = mpsc::channel(AHEAD);
        let reading = tokio::task::spawn_blocking(move || read(source.conn, &sender));
        let mut done: HashMap<&str, u64> = HashMap::new();
        while let Some(Batch {
            table,
            rows,
            insert,
        }) = batches.recv().await
        {
            let refused = |source| MoveError::Refused { table, source };
            insert(&mut target.conn).await.map_err(refused)?;
            let done = done.entry(table).or_default();
            *done += rows as u64;
            let total = totals.get(table).copied().unwrap_or_default();
            tell(MoveProgress {
                table,
                done: *done,
                total,
            });
        }
        // The file stays locked until the end.
        let (_locked, tallies) = reading.await.map_err(|_| MoveError::Interrupted)??;
        target.go_on_after(cursor).await?;

        let mut moved = Vec::with_capacity(TABLES.len());
        for (table, source) in TABLES.iter().zip(tallies) {
            let target = (table.tally)(&mut target.conn)
                .await
                .map_err(MoveError::Target)?;
            moved.push(Moved {
                table: table.name,
                source,
                target,
            });
        }
        let unequal: Vec<Moved> = moved
            .iter()
            .copied()
            .filter(|moved| moved.source != moved.target)
            .collect();
        if !unequal.is_empty() {
            return Err(MoveError::Unequal { tables: unequal });
        }
        target.commit().await?;
        Ok(moved)
    }
}

/// Reads all tables, until nobody takes the rows any more.
fn read(
    mut conn: SqliteConnection,
    sender: &mpsc::Sender<Batch>,
) -> Result<(SqliteConnection, Vec<Tally>), MoveError> {
    let mut tallies = Vec::with_capacity(TABLES.len());
    for table in TABLES {
        tallies.push((table.read)(&mut conn, &mut |batch| {
            sender.blocking_send(batch).is_ok()
        })?);
    }
    Ok((conn, tallies))
}

/// A database's schema beside this program's.
enum Schema {
    Same,
    Older,
    Newer,
}

impl Schema {
    /// Of the migrations that have run, and those that this program knows.
    fn of(ran: &[String], known: &[String]) -> Self {
        if ran.iter().any(|version| !known.contains(version)) {
            Self::Newer
        } else if known.iter().any(|version| !ran.contains(version)) {
            Self::Older
        } else {
            Self::Same
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use diesel::connection::SimpleConnection as _;
    use diesel::sql_types::Text;
    use diesel::{Connection as _, QueryableByName, RunQueryDsl as _};

    use super::*;

    #[derive(QueryableByName)]
    struct Name {
        #[diesel(sql_type = Text)]
        name: String,
    }

    fn names(conn: &mut SqliteConnection, query: &str) -> BTreeSet<String> {
        let rows: Vec<Name> = diesel::sql_query(query).load(conn).unwrap();
        rows.into_iter().map(|row| row.name).collect()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn every_table_and_column_is_moved() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("whole.db");
        sqlite::migrate_up(&path).await.unwrap();
        let mut conn = SqliteConnection::establish(&DatabaseUrl::file(&path)).unwrap();
        // A table of which the copy does not know, to see that this test would find one.
        conn.batch_execute("create table forgotten (id integer)")
            .unwrap();
        let mut tables = names(
            &mut conn,
            "select name from sqlite_master where type = 'table'",
        );
        assert!(tables.remove("forgotten"));
        let copied = TABLES.iter().map(|table| table.name.to_owned());
        let left = tables::LEFT_BEHIND.iter().map(|name| (*name).to_owned());
        assert_eq!(tables, copied.chain(left).collect::<BTreeSet<_>>());
        for table in TABLES {
            let query = format!(
                "select name from pragma_table_xinfo('{}') where hidden = 0",
                table.name
            );
            let columns = table.columns.iter().map(|name| (*name).to_owned());
            assert_eq!(
                names(&mut conn, &query),
                columns.collect::<BTreeSet<_>>(),
                "{}",
                table.name
            );
        }
    }

    #[test]
    fn a_schema_is_newer_when_it_has_what_is_unknown() {
        let list = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>()
        };
        let known = list(&["1", "2"]);
        assert!(matches!(
            Schema::of(&list(&["2", "1"]), &known),
            Schema::Same
        ));
        assert!(matches!(Schema::of(&list(&["1"]), &known), Schema::Older));
        assert!(matches!(
            Schema::of(&list(&["1", "3"]), &known),
            Schema::Newer
        ));
    }
}
