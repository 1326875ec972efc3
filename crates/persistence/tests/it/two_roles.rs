//! An owner who makes the tables, and a lesser role that the service works as.

use persistence::{DatabaseUrl, let_in, migrate_up, migration_status};
use testdb::TestDatabase;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::facts::user;
use crate::store::{TestStore, open};

async fn connected(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lesser_role_has_the_rows_and_a_dump_and_not_the_tables() {
    let database = TestDatabase::postgres().await;
    let (owner, lesser) = (
        database.app_role_url().await,
        database.bare_role_url().await,
    );
    let parsed = |url: &str| -> DatabaseUrl { url.parse().unwrap() };
    migrate_up(&parsed(&owner)).await.unwrap();
    // A table and a sequence of somebody else's, which the owner cannot grant.
    let other = connected(database.url()).await;
    let theirs = "create table public.theirs (id serial)";
    other.batch_execute(theirs).await.unwrap();
    // Twice, as at every start.
    for _ in 0..2 {
        let_in(&parsed(&owner), &parsed(&lesser)).await.unwrap();
    }

    // There is nothing to run, so that it may ask for that too.
    let ran = migrate_up(&parsed(&lesser)).await.unwrap();
    assert_eq!(ran, Vec::<String>::new());
    let status = migration_status(&parsed(&lesser)).await.unwrap();
    assert!(!status.is_empty() && status.iter().all(|migration| migration.applied));

    let store = TestStore {
        store: open(&lesser),
        database,
    };
    store.apply(user("user_1").updated(5)).await;

    let client = connected(&lesser).await;
    // What pg_dump reads of a sequence.
    let answer = client
        .simple_query("select last_value from changes_cursor_seq")
        .await
        .unwrap();
    assert!(
        answer.iter().any(
            |message| matches!(message, SimpleQueryMessage::Row(row) if row.get(0) == Some("1"))
        )
    );
    for forbidden in [
        "select * from theirs",
        "drop table users",
        "alter table users add column mine text",
        "truncate users",
        "delete from __diesel_schema_migrations",
        "update audit_log set reason = ''",
        "delete from audit_log",
        "truncate audit_log",
        "select setval('changes_cursor_seq', 100)",
    ] {
        let refused = client.batch_execute(forbidden).await.unwrap_err();
        let code = refused.code().map(|code| code.code().to_owned());
        assert_eq!(code.as_deref(), Some("42501"), "{forbidden}");
    }
}
