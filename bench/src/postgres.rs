//! The PostgreSQL of a run, and the service on a database of it.

use std::path::Path;

use tokio::process::Command;
use tokio_postgres::{Client, NoTls};

use crate::Failure;
use crate::event::SECRET;
use crate::subject::Subject;
use crate::tokens::{ISSUER, PARTY, Signer};

pub(crate) struct Postgres {
    client: Client,
    /// Its URL up to the name of a database.
    base: String,
}

/// What a service is started with.
pub(crate) struct Service<'a> {
    pub(crate) program: &'a Path,
    pub(crate) signer: &'a Signer,
    /// Its database.
    pub(crate) url: &'a str,
    /// Who migrates, where that is another.
    pub(crate) migrates: Option<&'a str>,
    /// How many tokens it may remember, and how many users.
    pub(crate) tokens: Option<usize>,
    pub(crate) users: Option<usize>,
}

impl Postgres {
    /// With a superuser's URL.
    pub(crate) async fn connect(url: &str) -> Result<Self, Failure> {
        let (base, _) = url
            .rsplit_once('/')
            .ok_or("the URL of PostgreSQL names no database")?;
        Ok(Self {
            client: client(url).await?,
            base: base.to_owned(),
        })
    }

    /// The URL of a database.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("{}/{name}", self.base)
    }

    /// A new database; gives its URL.
    pub(crate) async fn create(&self, name: &str) -> Result<String, Failure> {
        let create = format!("create database {name}");
        self.client.batch_execute(&create).await?;
        Ok(self.url(name))
    }

    /// A new database with all that another holds, to which nobody may be connected.
    pub(crate) async fn copy(&self, from: &str, name: &str) -> Result<String, Failure> {
        let copy = format!("create database {name} template {from}");
        self.client.batch_execute(&copy).await?;
        Ok(self.url(name))
    }

    /// Makes room again.
    pub(crate) async fn discard(&self, name: &str) -> Result<(), Failure> {
        let discard = format!("drop database {name} with (force)");
        Ok(self.client.batch_execute(&discard).await?)
    }

    /// A new role without any right; gives the URL of a database as this role.
    pub(crate) async fn role(&self, name: &str, database: &str) -> Result<String, Failure> {
        // The server is thrown away after the run, and listens on loopback alone.
        let password = format!("{name}-of-this-run");
        let create = format!("create role {name} login password '{password}'");
        self.client.batch_execute(&create).await?;
        let (_, host) = self
            .base
            .rsplit_once('@')
            .ok_or("the URL of PostgreSQL names no user")?;
        Ok(format!("postgres://{name}:{password}@{host}/{database}"))
    }

    /// Transactions that ended in a database so far, as far as PostgreSQL has counted them.
    pub(crate) async fn transactions(&self, database: &str) -> Result<i64, Failure> {
        let counted = "select xact_commit + xact_rollback from pg_stat_database where datname = $1";
        Ok(self.client.query_one(counted, &[&database]).await?.get(0))
    }

    /// Its version, without the distribution's remarks.
    pub(crate) async fn version(&self) -> Result<String, Failure> {
        let shown = self.client.query_one("show server_version", &[]).await?;
        let shown: String = shown.get(0);
        Ok(shown
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_owned())
    }
}

/// A connection of its own, as plain as it comes.
pub(crate) async fn client(url: &str) -> Result<Client, Failure> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

impl Service<'_> {
    pub(crate) async fn start(&self) -> Result<Subject, Failure> {
        let pem = self.signer.public_pem()?;
        Subject::start(
            self.program,
            "/health/ready",
            |command: &mut Command, address| {
                command
                    .arg("serve")
                    .env("DATABASE_URL", self.url)
                    .env("BIND_ADDR", address.to_string())
                    .env("METRICS_ADDR", "off")
                    .env("CLERK_ISSUER", ISSUER)
                    .env("CLERK_JWT_KEY", pem.replace('\n', "\\n"))
                    .env("CLERK_AUTHORIZED_PARTIES", PARTY)
                    // What is measured is the work, and not when one caller has had his share.
                    .env("RATE_LIMIT_PER_USER", "off")
                    .env("RATE_LIMIT_PER_IP", "off")
                    .env("RATE_LIMIT_WEBHOOK", "off")
                    .env("CLERK_WEBHOOK_SECRET", SECRET)
                    .env("CLERK_SYNC_ENV", "development")
                    .env("RUST_LOG", "error,security=off");
                if let Some(url) = self.migrates {
                    command.env("DATABASE_MIGRATION_URL", url);
                }
                if let Some(count) = self.tokens {
                    command.env("TOKEN_CACHE_CAPACITY", count.to_string());
                }
                if let Some(count) = self.users {
                    command.env("USER_CACHE_CAPACITY", count.to_string());
                }
            },
        )
        .await
    }
}
