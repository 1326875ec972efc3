//! The SQLite file that is moved: nobody else has it open meanwhile, and nothing is written to it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection as _;
use diesel::result::Error;
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection as _, QueryableByName, RunQueryDsl as _, SqliteConnection};

use super::tables::TABLES;
use super::{Dialect, MoveError, Schema};
use crate::DatabaseUrl;

/// Locks the file against everybody, a process that has it open and does nothing included, and then refuses to write:
/// the other way round the lock would count as writing.
const ALONE: &str = "pragma busy_timeout = 2000; pragma locking_mode = exclusive; begin exclusive; pragma query_only = on;";

/// An open file.
pub(super) struct Source {
    pub(super) conn: SqliteConnection,
    path: PathBuf,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}

impl Source {
    /// Opens and locks the file.
    pub(super) fn open(path: &Path) -> Result<Self, MoveError> {
        let path = path.to_owned();
        // SQLite would make one.
        if !path.is_file() {
            return Err(MoveError::NoFile { path });
        }
        let mut conn = SqliteConnection::establish(&DatabaseUrl::file(&path))?;
        if let Err(source) = conn.batch_execute(ALONE) {
            return Err(match &source {
                Error::DatabaseError(_, info) if info.message().contains("is locked") => {
                    MoveError::InUse { path }
                }
                Error::DatabaseError(_, info) if info.message().contains("not a database") => {
                    MoveError::NoDatabase { path }
                }
                _ => MoveError::NotAlone { path, source },
            });
        }
        Ok(Self { conn, path })
    }

    /// Refuses a file of another schema than this program's.
    pub(super) fn check(&mut self, known: &[String]) -> Result<(), MoveError> {
        let ran = diesel::sql_query("select version from __diesel_schema_migrations")
            .load(&mut self.conn);
        let ran: Vec<Version> = ran.map_err(|error| match error {
            Error::DatabaseError(_, info) if info.message().contains("no such table") => {
                MoveError::NoDatabase {
                    path: self.path.clone(),
                }
            }
            other => MoveError::Source(other),
        })?;
        let ran: Vec<String> = ran.into_iter().map(|row| row.version).collect();
        match Schema::of(&ran, known) {
            Schema::Same => Ok(()),
            Schema::Older => Err(MoveError::Older {
                dialect: Dialect::Sqlite,
            }),
            Schema::Newer => Err(MoveError::Newer {
                dialect: Dialect::Sqlite,
            }),
        }
    }

    /// How many rows each table has.
    pub(super) fn totals(&mut self) -> Result<HashMap<&'static str, u64>, MoveError> {
        let mut totals = HashMap::new();
        for table in TABLES {
            let query = format!("select count(*) as count from {}", table.name);
            let row: Count = diesel::sql_query(query)
                .get_result(&mut self.conn)
                .map_err(MoveError::Source)?;
            totals.insert(table.name, u64::try_from(row.count).unwrap_or_default());
        }
        Ok(totals)
    }

    /// The last cursor that was given to a change, also when that change is gone.
    pub(super) fn last_cursor(&mut self) -> Result<i64, MoveError> {
        let query =
            "select coalesce(max(seq), 0) as count from sqlite_sequence where name = 'changes'";
        let row: Count = diesel::sql_query(query)
            .get_result(&mut self.conn)
            .map_err(MoveError::Source)?;
        Ok(row.count)
    }
}
