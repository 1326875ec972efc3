//! Backfill and reconcile against the emulator with many users: time, and memory at most.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::Command;

use crate::Failure;
use crate::postgres::Postgres;
use crate::subject::{Subject, memory_of};

/// How long one job may take.
const LIMIT: Duration = Duration::from_secs(240);

/// One job on so many users.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job {
    pub(super) took: Duration,
    /// Megabytes.
    pub(super) peak: f64,
}

pub(super) struct Sweep {
    pub(super) users: usize,
    pub(super) backfill: Job,
    pub(super) reconcile: Job,
}

/// Fills a new database from an emulator with so many users, and holds it against it.
pub(super) async fn sweep(
    postgres: &Postgres,
    program: &Path,
    users: usize,
) -> Result<Sweep, Failure> {
    let database = format!("bench_sweep_{users}");
    let url = postgres.create(&database).await?;
    let emulator = Subject::start(program, "/v1/jwks", |command, address| {
        command
            .arg("emulator")
            .args(["--port", &address.port().to_string()])
            .args(["--users", &users.to_string()])
            .env("RUST_LOG", "error");
    })
    .await?;
    // So that the first job does not migrate.
    job(program, &["migrate", "up"], &url, emulator.address).await?;
    let sweep = Sweep {
        users,
        backfill: job(program, &["backfill"], &url, emulator.address).await?,
        reconcile: job(program, &["reconcile"], &url, emulator.address).await?,
    };
    emulator.stop().await?;
    postgres.discard(&database).await?;
    Ok(sweep)
}

async fn job(
    program: &Path,
    arguments: &[&str],
    url: &str,
    clerk: SocketAddr,
) -> Result<Job, Failure> {
    let begin = Instant::now();
    let mut child = Command::new(std::path::absolute(program)?)
        .args(arguments)
        .env_clear()
        .current_dir("/")
        .env("DATABASE_URL", url)
        .env(
            "CLERK_API_URL",
            format!("http://{}:{}", Ipv4Addr::LOCALHOST, clerk.port()),
        )
        .env("CLERK_SECRET_KEY", "sk_test_emulator")
        // The work is measured, and not what Clerk allows.
        .env("CLERK_API_BUDGET", "1000000/10s")
        .env("CLERK_SYNC_ENV", "development")
        .env("RUST_LOG", "error")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let said = child.stderr.take();
    let said = tokio::spawn(async move {
        let mut text = String::new();
        if let Some(mut said) = said {
            // What it says is progress, and at its end why it failed.
            let _ = tokio::io::AsyncReadExt::read_to_string(&mut said, &mut text).await;
        }
        text
    });
    let id = child.id().ok_or("the job has no process")?;
    let mut peak = 0.0_f64;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        // Its own count of the most it had; of an ended process there is none.
        if let Ok(memory) = memory_of(id) {
            peak = peak.max(memory.peak);
        }
        if begin.elapsed() > LIMIT {
            return Err(format!("`{}` takes longer than {LIMIT:?}", arguments.join(" ")).into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let took = begin.elapsed();
    if !status.success() {
        let said = said.await.unwrap_or_default();
        let last = said.lines().last().unwrap_or_default().to_owned();
        return Err(format!("`{}` ended with {status}: {last}", arguments.join(" ")).into());
    }
    Ok(Job { took, peak })
}
