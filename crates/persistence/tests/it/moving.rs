//! Moving from SQLite to PostgreSQL: what is refused, and that then nothing is moved. What is moved is tested end to end.

use std::path::Path;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use persistence::{DatabaseUrl, Dialect, Move, MoveError, Moved};
use testdb::TestDatabase;
use tokio_postgres::{Client, NoTls};

/// A user's row, as SQL that both databases understand but for times.
const USER: &str = "insert into users (id, clerk_user_id, email_verified, role, tier, public_metadata, preferences, banned, \
                    locked, created_at, updated_at, version, precedence, mirrored_at) values \
                    ('0197a0c0-0000-7000-8000-000000000001', 'user_1', true, 'member', 'free', '{\"n\": 1e16, \"f\": 0.1}', \
                    '{}', false, false, 1, 2, 3, x'00ff', 4)";
const LISTING: &str = "insert into listings (id, title, price, components, status, created_at, updated_at) values \
                       ('0197a0c0-0000-7000-8000-000000000002', 'Nobody''s', '10.50', '[]', 'draft', 1, 2)";

/// A migrated SQLite file with these rows, which nobody has open.
async fn file(statements: &str) -> TestDatabase {
    let database = TestDatabase::sqlite();
    persistence::migrate_up(&parsed(database.url()))
        .await
        .unwrap();
    sql(database.path().unwrap(), statements);
    database
}

fn sql(path: &Path, statements: &str) {
    let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    conn.batch_execute(statements).unwrap();
}

fn parsed(url: &str) -> DatabaseUrl {
    url.parse().unwrap()
}

async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// An empty database of an owner who is bound by row-level security, and his URL.
async fn target() -> (TestDatabase, String) {
    let database = TestDatabase::postgres().await;
    let owner = database.app_role_url().await;
    (database, owner)
}

async fn moved(from: &TestDatabase, owner: &str) -> Result<Vec<Moved>, MoveError> {
    let ready = Move::prepare(&parsed(from.url()), &parsed(owner)).await?;
    persistence::migrate_up(&parsed(owner)).await.unwrap();
    ready.run(&|_| {}).await
}

async fn rows(database: &TestDatabase, table: &str) -> i64 {
    let query = format!("select count(*) from {table}");
    client(database.url())
        .await
        .query_one(&query, &[])
        .await
        .unwrap()
        .get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_arrive_behind_row_level_security() {
    let from = file(&format!("{USER}; {LISTING}")).await;
    let (database, owner) = target().await;
    let tables = moved(&from, &owner).await.unwrap();
    for table in &tables {
        assert_eq!(table.source, table.target, "{}", table.table);
        let expected = u64::from(["users", "listings"].contains(&table.table));
        assert_eq!(table.source.rows, expected, "{}", table.table);
    }
    let client = client(database.url()).await;
    let query = "select price::text, (select public_metadata->>'n' from users) from listings where user_id is null";
    let row = client.query_one(query, &[]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), "10.500000000000");
    assert_eq!(row.get::<_, &str>(1), "10000000000000000");
    // What let the move see everything was for the move alone.
    let proofs = client
        .query_one("select count(*) from admin_proofs", &[])
        .await
        .unwrap();
    assert_eq!(proofs.get::<_, i64>(0), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_rows_go_in_batches() {
    let many = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 2345) \
                insert into changes (kind, clerk_id, op, at, data) \
                select 'user', 'user_' || i, 'upsert', i, json_object('i', i) from n; \
                delete from changes where cursor > 2340";
    let from = file(many).await;
    let (database, owner) = target().await;
    let ready = Move::prepare(&parsed(from.url()), &parsed(&owner))
        .await
        .unwrap();
    persistence::migrate_up(&parsed(&owner)).await.unwrap();
    let steps = std::sync::Mutex::new(Vec::new());
    ready
        .run(&|progress| {
            steps
                .lock()
                .unwrap()
                .push((progress.table, progress.done, progress.total))
        })
        .await
        .unwrap();
    let steps = steps.into_inner().unwrap();
    assert!(steps.len() > 2, "{steps:?}");
    assert_eq!(steps.last(), Some(&("changes", 2340, 2340)));
    assert_eq!(rows(&database, "changes").await, 2340);
    // No cursor is given twice, also when what had it is gone.
    let insert = "insert into changes (kind, clerk_id, op, at, data) values ('user', 'u', 'upsert', now(), '{}') \
                  returning cursor";
    let next = client(database.url())
        .await
        .query_one(insert, &[])
        .await
        .unwrap();
    assert_eq!(next.get::<_, i64>(0), 2346);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_with_rows_is_refused_and_left_alone() {
    let from = file(USER).await;
    let (database, owner) = target().await;
    persistence::migrate_up(&parsed(&owner)).await.unwrap();
    let listing = LISTING.replace("1, 2)", "now(), now())");
    // By a superuser: the owner sees no such row.
    client(database.url())
        .await
        .batch_execute(&listing)
        .await
        .unwrap();
    let error = moved(&from, &owner).await.unwrap_err();
    assert!(
        matches!(error, MoveError::Occupied { table: "listings" }),
        "{error}"
    );
    assert_eq!(rows(&database, "users").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_schema_is_refused() {
    let (database, owner) = target().await;
    let older = file("delete from __diesel_schema_migrations where version = (select max(version) from __diesel_schema_migrations)").await;
    let newer =
        file("insert into __diesel_schema_migrations (version) values ('99990101000000')").await;
    let error = moved(&older, &owner).await.unwrap_err();
    assert!(
        matches!(
            error,
            MoveError::Older {
                dialect: Dialect::Sqlite
            }
        ),
        "{error}"
    );
    let error = moved(&newer, &owner).await.unwrap_err();
    assert!(
        matches!(
            error,
            MoveError::Newer {
                dialect: Dialect::Sqlite
            }
        ),
        "{error}"
    );
    // Nothing was made either.
    let client = client(database.url()).await;
    let none = client
        .query_one("select to_regclass('users') is null", &[])
        .await
        .unwrap();
    assert!(none.get::<_, bool>(0));

    persistence::migrate_up(&parsed(&owner)).await.unwrap();
    let unknown = "insert into __diesel_schema_migrations (version) values ('99990101000000')";
    client.batch_execute(unknown).await.unwrap();
    let error = moved(&file(USER).await, &owner).await.unwrap_err();
    assert!(
        matches!(
            error,
            MoveError::Newer {
                dialect: Dialect::Postgres
            }
        ),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_somebody_has_open_is_refused() {
    let from = file(USER).await;
    let (_database, owner) = target().await;
    let mut other = SqliteConnection::establish(from.path().unwrap().to_str().unwrap()).unwrap();
    // It only looked once, as a service that rests.
    other.batch_execute("select count(*) from users").unwrap();
    let error = moved(&from, &owner).await.unwrap_err();
    assert!(matches!(error, MoveError::InUse { .. }), "{error}");
    drop(other);

    let ready = Move::prepare(&parsed(from.url()), &parsed(&owner))
        .await
        .unwrap();
    let mut other = SqliteConnection::establish(from.path().unwrap().to_str().unwrap()).unwrap();
    other.batch_execute("delete from users").unwrap_err();
    persistence::migrate_up(&parsed(&owner)).await.unwrap();
    ready.run(&|_| {}).await.unwrap();
    other.batch_execute("delete from users").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_database_is_refused() {
    let (_database, owner) = target().await;
    let folder = tempfile::tempdir().unwrap();
    let url = |name: &str| parsed(&format!("sqlite://{}", folder.path().join(name).display()));
    let error = async |name: &str| {
        Move::prepare(&url(name), &parsed(&owner))
            .await
            .err()
            .unwrap()
    };
    assert!(matches!(error("none.db").await, MoveError::NoFile { .. }));
    assert!(!folder.path().join("none.db").exists());
    std::fs::write(folder.path().join("text.db"), "no database ".repeat(100)).unwrap();
    assert!(matches!(
        error("text.db").await,
        MoveError::NoDatabase { .. }
    ));
    sql(
        &folder.path().join("other.db"),
        "create table mine (id integer)",
    );
    assert!(matches!(
        error("other.db").await,
        MoveError::NoDatabase { .. }
    ));
    let error = Move::prepare(&parsed(&owner), &url("other.db"))
        .await
        .err()
        .unwrap();
    assert!(matches!(error, MoveError::Direction));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_postgresql_cannot_keep_is_named() {
    for (statements, said) in [
        (
            format!("{USER}; update users set first_name = 'a' || char(0) || 'b'"),
            "first_name in the row 0197a0c0-0000-7000-8000-000000000001 of the table users holds a NUL",
        ),
        (
            format!("{USER}; update users set public_metadata = '{{\"a\": \"\\u0000\"}}'"),
            "public_metadata in the row",
        ),
        (
            format!("{USER}; update users set id = 'me'"),
            "row 1 of the table users in the SQLite file cannot be read",
        ),
        (
            format!("{LISTING}; update listings set price = 'much'"),
            "row 1 of the table listings",
        ),
        (
            format!("{LISTING}; update listings set price = '-1'"),
            "PostgreSQL does not take the rows of the table listings",
        ),
    ] {
        let from = file(&statements).await;
        let (database, owner) = target().await;
        let error = moved(&from, &owner).await.unwrap_err();
        assert!(error.to_string().contains(said), "{error:?}");
        assert_eq!(rows(&database, "users").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_arrive_as_it_was_is_not_kept() {
    let from = file(USER).await;
    let (database, owner) = target().await;
    persistence::migrate_up(&parsed(&owner)).await.unwrap();
    let meddle = "create function meddle() returns trigger language plpgsql as \
                  $$ begin new.first_name = 'X'; return new; end $$; \
                  create trigger meddle before insert on users for each row execute function meddle()";
    client(database.url())
        .await
        .batch_execute(meddle)
        .await
        .unwrap();
    let error = moved(&from, &owner).await.unwrap_err();
    let MoveError::Unequal { tables } = error else {
        panic!("{error}");
    };
    let names: Vec<&str> = tables.iter().map(|moved| moved.table).collect();
    assert_eq!(names, ["users"]);
    assert_eq!(rows(&database, "users").await, 0);
}
