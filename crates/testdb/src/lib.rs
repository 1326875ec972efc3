//! Turns a test's wish for a database into an empty one of its own, on PostgreSQL or SQLite, and removes it with the
//! value; and its wish for a Redis, a PgBouncer, or a PostgreSQL that may die, into a server of its own. It never knows a
//! table or a migration.
//!
//! PostgreSQL databases are made in the server that `TEST_POSTGRES_URL` names, which `cargo xtask test` sets. Without
//! it the test fails: a test that needs a database is never skipped.
#![allow(
    clippy::panic,
    clippy::expect_used,
    reason = "tests' own code: what goes wrong here is said by a panic"
)]

mod cases;
mod pgbouncer;
mod postgres;
mod postgres_server;
mod redis;

use std::path::Path;

use tempfile::TempDir;

pub use pgbouncer::TestPgBouncer;
pub use postgres_server::TestPostgres;
pub use redis::TestRedis;

/// An empty database that lives as long as this value.
pub struct TestDatabase {
    url: String,
    place: Place,
}

enum Place {
    Postgres(postgres::Database),
    Sqlite { _folder: TempDir },
}

impl TestDatabase {
    /// A new PostgreSQL database, owned by the superuser of the server that `TEST_POSTGRES_URL` names.
    ///
    /// # Panics
    /// When the variable is unset or the server cannot be reached.
    pub async fn postgres() -> Self {
        Self::on_postgres(postgres::Database::create(None).await)
    }

    /// A copy of a PostgreSQL database that `prepare` was given the URL of once for the whole server, so that
    /// migrations run once and not for every test. What `prepare` leaves must depend on nothing but `key`, which is up
    /// to 40 small letters, digits and underscores.
    ///
    /// # Panics
    /// As [`Self::postgres`], and when `key` is not one.
    pub async fn postgres_from(key: &str, prepare: impl AsyncFnOnce(String)) -> Self {
        let template = postgres::template(key, prepare).await;
        Self::on_postgres(postgres::Database::create(Some(&template)).await)
    }

    /// A path for a SQLite database in a folder of its own; the file comes with the first connection.
    ///
    /// # Panics
    /// When the folder cannot be made.
    pub fn sqlite() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("clerk-sync-sqlite-")
            .tempdir()
            .expect("a folder for a SQLite database");
        let path = folder.path().join("test.db");
        let path = path.to_str().expect("a temporary folder named in UTF-8");
        Self {
            url: format!("sqlite://{path}"),
            place: Place::Sqlite { _folder: folder },
        }
    }

    /// `postgres://…` with all rights, or `sqlite://PATH`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether this is PostgreSQL; else it is SQLite.
    pub fn is_postgres(&self) -> bool {
        matches!(self.place, Place::Postgres(_))
    }

    /// The SQLite file's path, `None` on PostgreSQL.
    pub fn path(&self) -> Option<&Path> {
        self.url.strip_prefix("sqlite://").map(Path::new)
    }

    /// The URL of a new login role that owns the PostgreSQL database, and is neither superuser nor beyond row-level
    /// security: what a service gets that has one role for everything. The role goes with the database.
    ///
    /// # Panics
    /// On SQLite, which has no roles.
    pub async fn app_role_url(&self) -> String {
        self.on_server().role(true).await
    }

    /// The URL of a new login role that may connect to the PostgreSQL database and owns nothing there: the lesser of
    /// two roles, when another one owns the tables. The role goes with the database.
    ///
    /// # Panics
    /// On SQLite, which has no roles.
    pub async fn bare_role_url(&self) -> String {
        self.on_server().role(false).await
    }

    fn on_postgres(database: postgres::Database) -> Self {
        Self {
            url: database.url(),
            place: Place::Postgres(database),
        }
    }

    fn on_server(&self) -> &postgres::Database {
        match &self.place {
            Place::Postgres(database) => database,
            Place::Sqlite { .. } => panic!("SQLite has no roles"),
        }
    }
}
