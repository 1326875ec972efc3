//! Why nothing was moved.

use std::fmt;
use std::path::PathBuf;

use diesel::ConnectionError;
use diesel::result::Error;

use super::Moved;

/// Why nothing was moved. Whatever happened, the database is as it was, but that its tables may have been made.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// The one is no SQLite file, or the other no PostgreSQL.
    #[error("only SQLite can be moved from, and only PostgreSQL to")]
    Direction,
    /// There is no such file.
    #[error("there is no file {}", path.display())]
    NoFile {
        /// Where.
        path: PathBuf,
    },
    /// A file of something else.
    #[error("{} is no database of clerk-sync", path.display())]
    NoDatabase {
        /// Where.
        path: PathBuf,
    },
    /// Somebody has the file open.
    #[error(
        "{} is in use: stop the service, and close whatever else has the file open; nobody may write to it while it is moved",
        path.display()
    )]
    InUse {
        /// Where.
        path: PathBuf,
    },
    /// It cannot be known that nobody writes to the file.
    #[error(
        "{} cannot be locked: the file, and the folder that it is in, have to be writable",
        path.display()
    )]
    NotAlone {
        /// Where.
        path: PathBuf,
        /// What SQLite said.
        source: Error,
    },
    /// Migrations are missing.
    #[error(
        "the schema of the {dialect} database is older than this program: run `clerk-sync migrate up` on it first"
    )]
    Older {
        /// Which.
        dialect: Dialect,
    },
    /// Migrations have run that this program does not know.
    #[error(
        "the schema of the {dialect} database is newer than this program: use the program that it was written by"
    )]
    Newer {
        /// Which.
        dialect: Dialect,
    },
    /// There is something that would be mixed with what is moved.
    #[error(
        "the table {table} of the PostgreSQL database holds rows already: name an empty database"
    )]
    Occupied {
        /// Which.
        table: &'static str,
    },
    /// A row that is not what this program writes.
    #[error("row {number} of the table {table} in the SQLite file cannot be read")]
    Unreadable {
        /// Where.
        table: &'static str,
        /// Which, from 1, in the order in which SQLite gives them.
        number: u64,
        /// Why not.
        source: Error,
    },
    /// A text that only SQLite keeps.
    #[error(
        "{column} in the row {row} of the table {table} holds a NUL character, which PostgreSQL does not keep: take it out"
    )]
    Nul {
        /// Where.
        table: &'static str,
        /// In which column.
        column: &'static str,
        /// In which row, by its key.
        row: String,
    },
    /// PostgreSQL took no rows of this table.
    #[error("PostgreSQL does not take the rows of the table {table}")]
    Refused {
        /// Which.
        table: &'static str,
        /// What it said.
        source: Error,
    },
    /// What stands in PostgreSQL is not what stood in SQLite.
    #[error(
        "not the same on both sides after the move, so that nothing was kept: {}",
        listed(tables)
    )]
    Unequal {
        /// Which.
        tables: Vec<Moved>,
    },
    /// The end of it could not be made sure.
    #[error(
        "PostgreSQL did not confirm the end of the transaction: run the move again, which refuses if the rows are there after all"
    )]
    Commit(#[source] Error),
    /// The file cannot be read.
    #[error("the SQLite file cannot be read")]
    Source(#[source] Error),
    /// PostgreSQL refused a statement.
    #[error(
        "PostgreSQL refused a statement; the role has to own the tables (DATABASE_MIGRATION_URL names the owner, where there are two roles)"
    )]
    Target(#[source] Error),
    /// A database cannot be reached.
    #[error("the database cannot be reached")]
    Connect(#[from] ConnectionError),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    NoRandomness,
    /// The program is stopping.
    #[error("the move was interrupted")]
    Interrupted,
}

fn listed(tables: &[Moved]) -> String {
    let each = tables.iter().map(|moved| {
        let Moved {
            table,
            source,
            target,
        } = moved;
        format!(
            "{table} ({} rows in SQLite, {} in PostgreSQL)",
            source.rows, target.rows
        )
    });
    each.collect::<Vec<_>>().join(", ")
}

/// A kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// The one that is moved from.
    Sqlite,
    /// The one that is moved to.
    Postgres,
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}
