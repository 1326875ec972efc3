//! What teams run today, started as they start it: Fastify and FastAPI with two worker processes and ten connections to the
//! database in all.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::Failure;
use crate::connection::Connection;
use crate::event::SECRET;
use crate::postgres::{Postgres, client};
use crate::subject::Subject;
use crate::tokens::{ISSUER, PARTY, Signer, user_id};
use crate::who::Who;

/// One for each core of the machine that the goals speak of.
const WORKERS: usize = 2;
/// Connections of each worker.
const POOL: usize = 5;
const SCHEMA: &str = include_str!("../peers/schema.sql");

/// Where the peers are installed.
#[derive(clap::Args)]
pub(crate) struct Installed {
    /// The folder with Fastify's program and libraries; without it Fastify is left out
    #[arg(long, requires = "node")]
    fastify: Option<PathBuf>,
    /// Node.js
    #[arg(long)]
    node: Option<PathBuf>,
    /// The folder with FastAPI's program
    #[arg(long, requires = "python")]
    fastapi: Option<PathBuf>,
    /// A Python that has its libraries; without it FastAPI is left out
    #[arg(long)]
    python: Option<PathBuf>,
}

/// Those that run.
pub(crate) struct Peers {
    pub(crate) fastify: Option<Subject>,
    pub(crate) fastify_clerk: Option<Subject>,
    pub(crate) fastapi: Option<Subject>,
}

impl Installed {
    /// Starts each on a database of its own with so many users.
    pub(crate) async fn start(
        &self,
        postgres: &Postgres,
        signer: &Signer,
        users: usize,
    ) -> Result<Peers, Failure> {
        let mut peers = Peers {
            fastify: None,
            fastify_clerk: None,
            fastapi: None,
        };
        let pem = signer.public_pem()?;
        if let (Some(folder), Some(node)) = (&self.fastify, &self.node) {
            for (verifier, place) in [
                ("fast-jwt", &mut peers.fastify),
                ("clerk", &mut peers.fastify_clerk),
            ] {
                let name = format!("bench_fastify_{}", verifier.replace('-', "_"));
                let url = database(postgres, &name, users).await?;
                *place = Some(fastify(folder, node, verifier, &url, &pem).await?);
            }
        }
        if let (Some(folder), Some(python)) = (&self.fastapi, &self.python) {
            let url = database(postgres, "bench_fastapi", users).await?;
            peers.fastapi = Some(fastapi(folder, python, &url, &pem).await?);
        }
        Ok(peers)
    }

    /// Whether one of these is there to be measured.
    pub(crate) fn has_any(&self, peers: &[Who]) -> bool {
        peers.iter().any(|who| match who {
            Who::Fastify | Who::FastifyClerk => self.fastify.is_some(),
            Who::FastApi => self.fastapi.is_some(),
            _ => false,
        })
    }

    /// What they run on, in words.
    pub(crate) fn versions(&self) -> Vec<String> {
        let node = self.node.as_ref().filter(|_| self.fastify.is_some());
        let python = self.python.as_ref().filter(|_| self.fastapi.is_some());
        [("Node.js", node), ("", python)]
            .into_iter()
            .filter_map(|(name, program)| {
                let output = std::process::Command::new(program?)
                    .arg("--version")
                    .output();
                let output = String::from_utf8(output.ok()?.stdout).ok()?;
                Some(
                    format!("{name} {}", output.trim().trim_start_matches('v'))
                        .trim()
                        .to_owned(),
                )
            })
            .collect()
    }
}

/// What is told of one peer's processes.
pub(crate) struct Figures {
    pub(crate) name: &'static str,
    pub(crate) started_in: Duration,
    /// Megabytes of all its processes after the load.
    pub(crate) memory: f64,
}

pub(crate) fn figures(peers: &Peers) -> Result<Vec<Figures>, Failure> {
    let all = [
        (Who::Fastify, &peers.fastify),
        (Who::FastifyClerk, &peers.fastify_clerk),
        (Who::FastApi, &peers.fastapi),
    ];
    all.into_iter()
        .filter_map(|(who, subject)| Some((who, subject.as_ref()?)))
        .map(|(who, subject)| {
            Ok(Figures {
                name: who.name(),
                started_in: subject.started_in,
                memory: subject.memory_of_all()?,
            })
        })
        .collect()
}

impl Peers {
    /// Each answers the same fields as the service, or the comparison is none.
    pub(crate) async fn check(&self, token: &str, answer: &[u8]) -> Result<(), Failure> {
        let wanted = fields(answer)?;
        for peer in [&self.fastify, &self.fastify_clerk, &self.fastapi]
            .into_iter()
            .flatten()
        {
            let mut connection = Connection::open(peer.address).await?;
            let request =
                format!("GET /me HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n\r\n");
            let status = connection.exchange(request.as_bytes()).await?;
            if status != 200 {
                return Err(format!("a peer answers {status} to a good token").into());
            }
            let found = fields(connection.body())?;
            if found != wanted {
                let differing: Vec<_> = found.symmetric_difference(&wanted).cloned().collect();
                return Err(format!(
                    "a peer's answer and the service's differ in {}: change bench/peers",
                    differing.join(", ")
                )
                .into());
            }
        }
        Ok(())
    }
}

fn fields(answer: &[u8]) -> Result<BTreeSet<String>, Failure> {
    let answer: Value = serde_json::from_slice(answer)?;
    let fields = answer.as_object().ok_or("the answer is no object")?;
    Ok(fields.keys().cloned().collect())
}

/// A new database with the peers' table in it.
async fn database(postgres: &Postgres, name: &str, users: usize) -> Result<String, Failure> {
    let url = postgres.create(name).await?;
    let client = client(&url).await?;
    client.batch_execute(SCHEMA).await?;
    let ids: Vec<String> = (0..users).map(user_id).collect();
    client
        .execute(
            "insert into users (clerk_user_id, email, email_verified, first_name, last_name, image_url, updated_at) \
             select id, '1.' || id || '@example.com', true, 'Some', 'Example', 'https://img.example.com/abcdefghijklmnop', \
             now() - interval '1 day' from unnest($1::text[]) as id",
            &[&ids],
        )
        .await?;
    client.batch_execute("vacuum analyze users").await?;
    Ok(url)
}

async fn fastify(
    folder: &Path,
    node: &Path,
    verifier: &str,
    url: &str,
    pem: &str,
) -> Result<Subject, Failure> {
    Subject::start(node, "/health", |command, address| {
        command
            .arg(folder.join("server.mjs"))
            .env("NODE_ENV", "production")
            .env("PORT", address.port().to_string())
            .env("WORKERS", WORKERS.to_string())
            .env("POOL_SIZE", POOL.to_string())
            .env("DATABASE_URL", url)
            .env("CLERK_JWT_KEY", pem)
            .env("CLERK_ISSUER", ISSUER)
            .env("CLERK_AUTHORIZED_PARTY", PARTY)
            .env("CLERK_WEBHOOK_SECRET", SECRET)
            .env("VERIFIER", verifier);
    })
    .await
}

async fn fastapi(folder: &Path, python: &Path, url: &str, pem: &str) -> Result<Subject, Failure> {
    let url = url.replacen("postgres://", "postgresql+asyncpg://", 1);
    Subject::start(python, "/health", |command, address| {
        command
            .args(["-m", "uvicorn", "app:app", "--app-dir"])
            .arg(folder)
            .args(["--host", "127.0.0.1", "--no-access-log"])
            .args(["--log-level", "warning"])
            .args(["--loop", "uvloop", "--http", "httptools"])
            .args(["--port", &address.port().to_string()])
            .args(["--workers", &WORKERS.to_string()])
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("POOL_SIZE", POOL.to_string())
            .env("DATABASE_URL", url)
            .env("CLERK_JWT_KEY", pem)
            .env("CLERK_ISSUER", ISSUER)
            .env("CLERK_AUTHORIZED_PARTY", PARTY)
            .env("CLERK_WEBHOOK_SECRET", SECRET);
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_compared_by_name_and_not_by_order() {
        assert_eq!(
            fields(br#"{"a": 1, "b": 2}"#).unwrap(),
            fields(br#"{"b": 3, "a": 4}"#).unwrap()
        );
        fields(b"[]").unwrap_err();
    }
}
