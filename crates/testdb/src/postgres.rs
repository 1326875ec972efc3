//! Databases and roles in the server that the tests were given.

use std::sync::{Mutex, PoisonError};

use tokio_postgres::{Client, NoTls};
use url::Url;
use uuid::Uuid;

/// One database of its own; it goes, with its roles, when this is dropped.
pub(crate) struct Database {
    server: Url,
    name: String,
    roles: Mutex<Vec<String>>,
}

impl Database {
    pub(crate) async fn create(template: Option<&str>) -> Self {
        let server = server();
        let name = unique("test");
        let template = template.unwrap_or("template1");
        let statement = format!("CREATE DATABASE {name} TEMPLATE {template}");
        run(&connect(&server).await, &statement).await;
        Self {
            server,
            name,
            roles: Mutex::default(),
        }
    }

    pub(crate) fn url(&self) -> String {
        at(&self.server, &self.name).into()
    }

    /// A new role's URL of this database.
    pub(crate) async fn role(&self, owns: bool) -> String {
        let (role, password) = (unique("role"), Uuid::now_v7().simple().to_string());
        let client = connect(&self.server).await;
        let create = format!(
            "CREATE ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD '{password}'"
        );
        run(&client, &create).await;
        self.roles
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(role.clone());
        if owns {
            let give = format!("ALTER DATABASE {} OWNER TO {role}", self.name);
            run(&client, &give).await;
        }
        let mut url = at(&self.server, &self.name);
        url.set_username(&role).expect("a URL with a host");
        url.set_password(Some(&password))
            .expect("a URL with a host");
        url.into()
    }
}

impl Drop for Database {
    /// As well as it goes: the server is thrown away after the tests, and a test that failed must say why it did, not
    /// that its database stayed. A thread of its own, because a runtime cannot wait inside another.
    fn drop(&mut self) {
        let mut statements = vec![format!(
            "DROP DATABASE IF EXISTS {} WITH (FORCE)",
            self.name
        )];
        let roles = self.roles.get_mut().unwrap_or_else(PoisonError::into_inner);
        statements.extend(
            roles
                .iter()
                .map(|role| format!("DROP ROLE IF EXISTS {role}")),
        );
        let server = self.server.clone();
        let dropping = std::thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let Ok(runtime) = runtime.enable_all().build() else {
                return;
            };
            runtime.block_on(async {
                let Ok((client, connection)) =
                    tokio_postgres::connect(server.as_str(), NoTls).await
                else {
                    return;
                };
                tokio::spawn(connection);
                for statement in statements {
                    let _ = client.batch_execute(&statement).await;
                }
            });
        });
        let _ = dropping.join();
    }
}

/// The name of the database that holds what `prepare` made, which runs unless an earlier test ran it.
pub(crate) async fn template(key: &str, prepare: impl AsyncFnOnce(String)) -> String {
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    assert!(
        !key.is_empty() && key.len() <= 40 && key.chars().all(letters),
        "`{key}` is no key for a template: up to 40 small letters, digits and underscores"
    );
    let name = format!("template_{key}");
    let server = server();
    let client = connect(&server).await;
    // Tests run side by side in several processes: one prepares, the others wait here. The connection's end unlocks.
    run(
        &client,
        &format!("SELECT pg_advisory_lock(hashtext('{name}'))"),
    )
    .await;
    let known = client
        .query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&name])
        .await
        .expect("the server's list of databases");
    if known.is_none() {
        // Gets its name at the end, so that one that failed half-way is never taken for a whole one.
        let unfinished = unique("unfinished");
        run(&client, &format!("CREATE DATABASE {unfinished}")).await;
        prepare(at(&server, &unfinished).into()).await;
        // Neither renamed nor copied while somebody is connected; a pool may still be on its way out.
        run(
            &client,
            &format!("ALTER DATABASE {unfinished} ALLOW_CONNECTIONS false"),
        )
        .await;
        let leave = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{unfinished}'"
        );
        run(&client, &leave).await;
        run(
            &client,
            &format!("ALTER DATABASE {unfinished} RENAME TO {name}"),
        )
        .await;
    }
    name
}

fn server() -> Url {
    #[expect(
        clippy::disallowed_methods,
        reason = "the way from `cargo xtask test` to the tests"
    )]
    let url = std::env::var("TEST_POSTGRES_URL")
        .expect("TEST_POSTGRES_URL is not set: run through `cargo xtask test`");
    Url::parse(&url).expect("TEST_POSTGRES_URL is a URL")
}

fn at(server: &Url, database: &str) -> Url {
    let mut url = server.clone();
    url.set_path(database);
    url
}

/// A name that no other test has; it needs no quoting.
fn unique(kind: &str) -> String {
    format!("{kind}_{}", Uuid::now_v7().simple())
}

async fn connect(server: &Url) -> Client {
    let (client, connection) = tokio_postgres::connect(server.as_str(), NoTls)
        .await
        .expect("a connection to the server of TEST_POSTGRES_URL");
    tokio::spawn(connection);
    client
}

async fn run(client: &Client, statement: &str) {
    if let Err(error) = client.batch_execute(statement).await {
        panic!("{statement}: {error:?}");
    }
}
