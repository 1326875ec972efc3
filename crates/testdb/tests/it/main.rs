//! The databases really come and really go.
#![allow(clippy::unwrap_used, reason = "tests")]

use testdb::TestDatabase;
use tokio_postgres::{Client, NoTls};

testdb::on_both! { has_a_url_of_its_kind }

async fn has_a_url_of_its_kind(database: TestDatabase) {
    let scheme = if database.is_postgres() {
        "postgres://"
    } else {
        "sqlite:///"
    };
    assert!(database.url().starts_with(scheme), "{}", database.url());
    assert_ne!(database.is_postgres(), database.path().is_some());
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn truth(client: &Client, question: &str) -> bool {
    client.query_one(question, &[]).await.unwrap().get(0)
}

#[test]
fn a_sqlite_folder_goes_with_its_value() {
    let database = TestDatabase::sqlite();
    let file = database.path().unwrap().to_owned();
    std::fs::write(&file, "x").unwrap();
    drop(database);
    assert!(!file.parent().unwrap().exists());
}

#[tokio::test]
async fn a_database_goes_with_its_roles_while_somebody_is_connected() {
    let witness = TestDatabase::postgres().await;
    let witness = (connect(witness.url()).await, witness);
    let database = TestDatabase::postgres().await;
    let app = connect(&database.app_role_url().await).await;
    let (name, role): (String, String) = {
        let row = app.query_one("SELECT current_database()::text, current_user::text", &[]);
        let row = row.await.unwrap();
        (row.get(0), row.get(1))
    };
    let left = format!(
        "SELECT EXISTS (SELECT FROM pg_database WHERE datname = '{name}') \
         OR EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}')"
    );
    assert!(truth(&witness.0, &left).await);
    drop(database);
    assert!(!truth(&witness.0, &left).await);
}

#[tokio::test]
async fn the_app_role_owns_the_database_and_is_under_its_policies() {
    let database = TestDatabase::postgres().await;
    let app = connect(&database.app_role_url().await).await;
    app.batch_execute(
        "CREATE TABLE secret (word text); INSERT INTO secret VALUES ('x'); \
         ALTER TABLE secret ENABLE ROW LEVEL SECURITY; ALTER TABLE secret FORCE ROW LEVEL SECURITY",
    )
    .await
    .unwrap();
    assert!(truth(&app, "SELECT NOT EXISTS (SELECT FROM secret)").await);
    let superuser = connect(database.url()).await;
    assert!(truth(&superuser, "SELECT EXISTS (SELECT FROM secret)").await);
}

#[tokio::test]
async fn the_bare_role_connects_and_owns_nothing() {
    let database = TestDatabase::postgres().await;
    let bare = connect(&database.bare_role_url().await).await;
    assert!(
        truth(
            &bare,
            "SELECT NOT rolsuper AND NOT rolbypassrls FROM pg_roles WHERE rolname = current_user"
        )
        .await
    );
    let owner =
        "SELECT datdba = current_user::regrole FROM pg_database WHERE datname = current_database()";
    assert!(!truth(&bare, owner).await);
}

#[tokio::test]
async fn a_template_is_prepared_once_and_its_copies_are_apart() {
    let key = format!("k{}", uuid::Uuid::now_v7().simple());
    let prepare = async |url: String| {
        let client = connect(&url).await;
        client
            .batch_execute("CREATE TABLE mark (n int); INSERT INTO mark VALUES (1)")
            .await
            .unwrap();
        // Stays open on purpose, as a pool might.
        std::mem::forget(client);
    };
    let never = async |url: String| panic!("{url} was prepared a second time");
    let first = TestDatabase::postgres_from(&key, prepare).await;
    let second = TestDatabase::postgres_from(&key, never).await;
    let (first, second) = (connect(first.url()).await, connect(second.url()).await);
    first.batch_execute("DELETE FROM mark").await.unwrap();
    assert!(truth(&second, "SELECT EXISTS (SELECT FROM mark)").await);
}

#[tokio::test]
async fn two_that_ask_at_once_prepare_once() {
    let key = format!("k{}", uuid::Uuid::now_v7().simple());
    let count = std::sync::atomic::AtomicU32::new(0);
    let prepare = async |_: String| {
        count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    };
    tokio::join!(
        TestDatabase::postgres_from(&key, prepare),
        TestDatabase::postgres_from(&key, prepare)
    );
    assert_eq!(count.into_inner(), 1);
}
