//! A migrated store on a database of its own, and a second look at its tables.

use std::sync::Arc;

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::Text;
use diesel::{Connection as _, QueryableByName, RunQueryDsl as _, SqliteConnection};
use domain::{Delivery, Outcome, Policies, Policy, Receipt};
use persistence::{DatabaseUrl, Store, StoreSettings};
use serde_json::Value;
use testdb::TestDatabase;
use tokio_postgres::NoTls;

use crate::tables::{self, Table};

/// Makes a test on SQLite and one on PostgreSQL of each `async fn name(store: TestStore)`. Once a module.
macro_rules! on_both_stores {
    ($($case:ident),+ $(,)?) => {
        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $case() {
                    super::$case(crate::store::TestStore::sqlite().await).await;
                }
            )+
        }

        mod on_postgres {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $case() {
                    super::$case(crate::store::TestStore::postgres().await).await;
                }
            )+
        }
    };
}
pub(crate) use on_both_stores;

/// Connections of each test's store: few, so that a lost one is missed.
pub(crate) const POOL_SIZE: usize = 4;

/// A store whose tables are there, and its database.
pub(crate) struct TestStore {
    pub(crate) store: Store,
    pub(crate) database: TestDatabase,
}

/// A store that is opened on a URL as the server would open it.
pub(crate) fn open(url: &str) -> Store {
    open_with(url, Policy::built_in())
}

/// The same by other rules.
pub(crate) fn open_with(url: &str, policy: Policy) -> Store {
    let settings = StoreSettings {
        pool_size: POOL_SIZE,
        policy: Arc::new(Policies::new(policy)),
    };
    Store::open(&url.parse().unwrap(), settings).unwrap()
}

async fn migrate(url: &str) {
    let url: DatabaseUrl = url.parse().unwrap();
    persistence::migrate_up(&url).await.unwrap();
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

impl TestStore {
    pub(crate) async fn sqlite() -> Self {
        let database = TestDatabase::sqlite();
        migrate(database.url()).await;
        Self {
            store: open(database.url()),
            database,
        }
    }

    pub(crate) async fn postgres() -> Self {
        let prepare = async |url: String| migrate(&url).await;
        let database = TestDatabase::postgres_from("persistence", prepare).await;
        Self {
            store: open(database.url()),
            database,
        }
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.database.is_postgres()
    }

    pub(crate) async fn receipt(&self, delivery: impl Into<Delivery>) -> Receipt {
        self.store.mirror.apply(delivery.into()).await.unwrap()
    }

    pub(crate) async fn apply(&self, delivery: impl Into<Delivery>) -> Outcome {
        self.receipt(delivery).await.outcome
    }

    /// Runs statements on a connection of its own.
    pub(crate) async fn execute(&self, statements: &str) {
        self.try_execute(statements).await.unwrap();
    }

    /// The same, of statements that the database may refuse.
    pub(crate) async fn try_execute(&self, statements: &str) -> Result<(), String> {
        match self.database.path() {
            Some(path) => {
                let run = sqlite(path).batch_execute(statements);
                run.map_err(|error| error.to_string())
            }
            None => {
                let client = self.client().await;
                let run = client.batch_execute(statements).await;
                run.map_err(|error| error.to_string())
            }
        }
    }

    /// The column `line`, as text, of a query's rows.
    pub(crate) async fn lines(&self, query: &str) -> Vec<String> {
        let mut lines = self.lines_of_each(&[query.to_owned()]).await;
        lines.pop().unwrap()
    }

    /// The same of several queries, on one connection.
    async fn lines_of_each(&self, queries: &[String]) -> Vec<Vec<String>> {
        let mut all = Vec::new();
        match self.database.path() {
            Some(path) => {
                let mut conn = sqlite(path);
                for query in queries {
                    let lines: Vec<Line> = diesel::sql_query(query).load(&mut conn).unwrap();
                    all.push(lines.into_iter().map(|line| line.line).collect());
                }
            }
            None => {
                let client = self.client().await;
                for query in queries {
                    let rows = client.query(query, &[]).await.unwrap();
                    all.push(rows.iter().map(|row| row.get("line")).collect());
                }
            }
        }
        all
    }

    /// A connection besides the store's, to PostgreSQL.
    pub(crate) async fn client(&self) -> tokio_postgres::Client {
        let (client, connection) = tokio_postgres::connect(self.database.url(), NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        client
    }

    /// Every row of a table, in the order of its key: the same on both databases.
    pub(crate) async fn rows(&self, table: &Table) -> Vec<Value> {
        self.rows_where(table, "true").await
    }

    pub(crate) async fn rows_where(&self, table: &Table, condition: &str) -> Vec<Value> {
        let query = table.query(self.is_postgres(), condition);
        let lines = self.lines(&query).await;
        lines.iter().map(|line| table.row(line)).collect()
    }

    pub(crate) async fn user(&self, clerk_user_id: &str) -> Value {
        let condition = format!("clerk_user_id = '{clerk_user_id}'");
        only(self.rows_where(&tables::USERS, &condition).await)
    }

    pub(crate) async fn session(&self, clerk_session_id: &str) -> Value {
        let condition = format!("clerk_session_id = '{clerk_session_id}'");
        only(self.rows_where(&tables::SESSIONS, &condition).await)
    }

    pub(crate) async fn organization(&self, clerk_organization_id: &str) -> Value {
        let condition = format!("clerk_organization_id = '{clerk_organization_id}'");
        only(self.rows_where(&tables::ORGANIZATIONS, &condition).await)
    }

    pub(crate) async fn ledger_line(&self, message_id: &str) -> Value {
        let condition = format!("svix_id = '{message_id}'");
        only(self.rows_where(&tables::LEDGER, &condition).await)
    }

    /// The feed, in a few words a change: `upsert user user_1`.
    pub(crate) async fn feed(&self) -> Vec<String> {
        let changes = self.rows(&tables::CHANGES).await;
        let word = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
        changes
            .iter()
            .map(|row| {
                format!(
                    "{} {} {}",
                    word(row, "op"),
                    word(row, "kind"),
                    word(row, "clerk_id")
                )
            })
            .collect()
    }

    /// Everything that a delivery may change besides its own line in the ledger.
    pub(crate) async fn everything(&self) -> Vec<Value> {
        let mut tables = tables::MIRROR.map(|(table, _)| table).to_vec();
        tables.push(&tables::CHANGES);
        let queries: Vec<_> = tables
            .iter()
            .map(|table| table.query(self.is_postgres(), "true"))
            .collect();
        let lines = self.lines_of_each(&queries).await;
        let rows = tables.iter().zip(&lines);
        rows.flat_map(|(table, lines)| lines.iter().map(|line| table.row(line)))
            .collect()
    }
}

/// Keeps every writer waiting, and no reader.
pub(crate) enum Barrier {
    Postgres(tokio_postgres::Client),
    Sqlite(SqliteConnection),
}

impl Barrier {
    pub(crate) async fn lift(self) {
        match self {
            Self::Postgres(client) => client.batch_execute("rollback").await.unwrap(),
            Self::Sqlite(mut conn) => conn.batch_execute("rollback").unwrap(),
        }
    }
}

impl TestStore {
    pub(crate) async fn writers_barrier(&self) -> Barrier {
        match self.database.path() {
            Some(path) => {
                let mut conn = sqlite(path);
                conn.batch_execute("begin immediate").unwrap();
                Barrier::Sqlite(conn)
            }
            None => {
                let client = self.client().await;
                let lock = "begin; lock table changes in exclusive mode";
                client.batch_execute(lock).await.unwrap();
                Barrier::Postgres(client)
            }
        }
    }
}

fn sqlite(path: &std::path::Path) -> SqliteConnection {
    let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    conn.batch_execute("pragma busy_timeout = 5000").unwrap();
    conn
}

fn only(mut rows: Vec<Value>) -> Value {
    assert!(rows.len() <= 1, "one row at most: {rows:?}");
    rows.pop().unwrap_or(Value::Null)
}
