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

impl Postgres {
    /// With a superuser's URL.
    pub(crate) async fn connect(url: &str) -> Result<Self, Failure> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        let (base, _) = url
            .rsplit_once('/')
            .ok_or("the URL of PostgreSQL names no database")?;
        Ok(Self {
            client,
            base: base.to_owned(),
        })
    }

    /// A new database; gives its URL.
    pub(crate) async fn create(&self, name: &str) -> Result<String, Failure> {
        let create = format!("create database {name}");
        self.client.batch_execute(&create).await?;
        Ok(format!("{}/{name}", self.base))
    }

    /// The service on a new database, which may remember so many tokens.
    pub(crate) async fn service(
        &self,
        database: &str,
        program: &Path,
        signer: &Signer,
        remembered: Option<usize>,
    ) -> Result<Subject, Failure> {
        let (url, pem) = (self.create(database).await?, signer.public_pem()?);
        Subject::start(
            program,
            "/health/ready",
            |command: &mut Command, address| {
                command
                    .arg("serve")
                    .env("DATABASE_URL", &url)
                    .env("BIND_ADDR", address.to_string())
                    .env("METRICS_ADDR", "off")
                    .env("CLERK_ISSUER", ISSUER)
                    .env("CLERK_JWT_KEY", &pem)
                    .env("CLERK_AUTHORIZED_PARTIES", PARTY)
                    // What is measured is the work, and not when one caller has had his share.
                    .env("RATE_LIMIT_PER_USER", "off")
                    .env("RATE_LIMIT_PER_IP", "off")
                    .env("RATE_LIMIT_WEBHOOK", "off")
                    .env("CLERK_WEBHOOK_SECRET", SECRET)
                    .env("CLERK_SYNC_ENV", "development")
                    .env("RUST_LOG", "warn");
                if let Some(remembered) = remembered {
                    command.env("TOKEN_CACHE_CAPACITY", remembered.to_string());
                }
            },
        )
        .await
    }
}
