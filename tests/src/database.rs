//! Databases whose tables are there, and a look into those of PostgreSQL.

use persistence::DatabaseUrl;
use testdb::TestDatabase;
use tokio_postgres::{Client, NoTls};

/// A new PostgreSQL database, migrated.
///
/// # Panics
/// As [`TestDatabase::postgres_from`].
pub async fn migrated_postgres() -> TestDatabase {
    TestDatabase::postgres_from("e2e", async |url| {
        let url: DatabaseUrl = url.parse().expect("a database URL");
        persistence::migrate_up(&url).await.expect("migrations");
    })
    .await
}

/// Another database of the same kind.
///
/// # Panics
/// As [`migrated_postgres`].
pub async fn twin(database: &TestDatabase) -> TestDatabase {
    if database.is_postgres() {
        migrated_postgres().await
    } else {
        TestDatabase::sqlite()
    }
}

/// Tables of a PostgreSQL database, read with SQL as the team's own programs read them.
pub struct Tables(Client);

impl Tables {
    /// Connects; `None` on SQLite, whose tables the ports show well enough.
    ///
    /// # Panics
    /// When the database cannot be reached.
    pub async fn of(database: &TestDatabase) -> Option<Self> {
        if !database.is_postgres() {
            return None;
        }
        let (client, connection) = tokio_postgres::connect(database.url(), NoTls)
            .await
            .expect("a connection to the test's database");
        tokio::spawn(connection);
        Some(Self(client))
    }

    /// How many rows the condition holds for.
    ///
    /// # Panics
    /// When the query fails.
    pub async fn count(&self, table: &str, condition: &str) -> i64 {
        let query = format!("select count(*) from {table} where {condition}");
        let row = self.0.query_one(&query, &[]).await;
        row.unwrap_or_else(|error| panic!("{query}: {error:?}"))
            .get(0)
    }

    /// Changes rows, as a program of the team's own might.
    ///
    /// # Panics
    /// When the statement fails.
    pub async fn execute(&self, statement: &str) -> u64 {
        let done = self.0.execute(statement, &[]).await;
        done.unwrap_or_else(|error| panic!("{statement}: {error:?}"))
    }

    /// Ends the connections to this database that call themselves so; answers how many there were.
    ///
    /// # Panics
    /// When they cannot be ended.
    pub async fn end_connections(&self, application: &str) -> usize {
        let query = "select pid from pg_stat_activity where application_name = $1 and datname = current_database()";
        let found = self.0.query(query, &[&application]).await;
        let found = found.unwrap_or_else(|error| panic!("{query}: {error:?}"));
        for row in &found {
            let end = "select pg_terminate_backend($1)";
            let ended = self.0.execute(end, &[&row.get::<_, i32>(0)]).await;
            ended.unwrap_or_else(|error| panic!("{end}: {error:?}"));
        }
        found.len()
    }

    /// Keeps everybody else away from a table until this is dropped.
    ///
    /// # Panics
    /// When the table cannot be locked.
    pub async fn hold(&self, table: &str) {
        let lock = format!("begin; lock table {table} in access exclusive mode");
        let locked = self.0.batch_execute(&lock).await;
        locked.unwrap_or_else(|error| panic!("{lock}: {error:?}"));
    }
}
