//! More than the service can do, for minutes: what those see who are let in, what memory does, and how soon all is as before.
//!
//! Requests begin at times that a clock sets, whether or not earlier ones are answered, as they do when they come from
//! people: many connections that each wait for their answer would send less the slower the service is.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chrono::Utc;

use crate::Failure;
use crate::connection::Connection;
use crate::contestants::is_success;
use crate::inputs::Inputs;
use crate::load::{Requests, load, quantile};
use crate::postgres::{Postgres, Service};
use crate::subject::Subject;
use crate::tokens::Signer;
use crate::told::Subjects;

/// Connections of the open load: more than the service works on at one time.
const CONNECTIONS: usize = 1_000;
/// Connections with which the service is asked for all that it can do.
const STEADY: usize = 64;
/// Of so many requests one is a webhook: people read more than they change.
const WEBHOOK_SHARE: u64 = 4;

/// What is measured.
#[derive(clap::Args)]
pub(crate) struct Overload {
    #[command(flatten)]
    subjects: Subjects,
    /// Seconds of twice the load
    #[arg(long, default_value_t = 120)]
    seconds: u64,
}

/// What the open load saw.
#[derive(Default)]
struct Seen {
    reads: Vec<Duration>,
    webhooks: Vec<Duration>,
    turned_away: Vec<Duration>,
    failed: u64,
    /// Requests whose time came while every connection was waiting for an answer.
    unsent: u64,
}

impl Overload {
    pub(crate) async fn measure(self) -> Result<(), Failure> {
        let signer = Signer::generate()?;
        println!("signing tokens");
        let inputs = Inputs::prepare(&signer)?;
        let postgres = Postgres::connect(&self.subjects.postgres).await?;
        let service = Service {
            program: &self.subjects.server,
            signer: &signer,
            url: &postgres.create("bench_overload").await?,
            migrates: None,
            tokens: None,
            users: None,
        };
        let service = service.start().await?;
        inputs.introduce(&service).await?;

        let steady = capacity(&service, &inputs).await?;
        println!("{steady:.0} a second is what {STEADY} connections get done");
        let before = service.memory()?.now;
        let (mut highest, time) = (before, Duration::from_secs(self.seconds));
        let offered = steady * 2.0;
        let sources = inputs.mixed(CONNECTIONS, WEBHOOK_SHARE);
        let open = tokio::spawn(open_load(service.address, sources, offered, time));
        while !open.is_finished() {
            tokio::time::sleep(Duration::from_secs(1)).await;
            highest = highest.max(service.memory()?.now);
        }
        let mut seen = open.await??;
        let after = capacity(&service, &inputs).await?;
        let last = service.memory()?.now;

        seen.reads.sort_unstable();
        seen.webhooks.sort_unstable();
        seen.turned_away.sort_unstable();
        let mut admitted = [&seen.reads[..], &seen.webhooks[..]].concat();
        admitted.sort_unstable();
        let millis = |times: &[Duration], percent| {
            format!("{:.1} ms", quantile(times, percent).as_secs_f64() * 1000.0)
        };
        let secs = self.seconds as f64;
        let table = format!(
            "| | |\n|---|--:|\n\
             | all that {STEADY} connections get done, before | {steady:.0} /s |\n\
             | offered for {} s, on {CONNECTIONS} connections | {offered:.0} /s |\n\
             | reads answered | {:.0} /s |\n\
             | of these, the median and the slowest of a hundred | {} and {} |\n\
             | webhooks answered, committed | {:.0} /s |\n\
             | of these, the median and the slowest of a hundred | {} and {} |\n\
             | of all that were let in, the slowest of a hundred | {} |\n\
             | turned away, 503 `overloaded` | {:.0} /s |\n\
             | of these, the median and the slowest of a hundred | {} and {} |\n\
             | not sent, as every connection waited | {:.0} /s |\n\
             | anything else | {} |\n\
             | resident before, at most during, and after | {before:.0}, {highest:.0} and {last:.0} MB |\n\
             | all that {STEADY} connections get done in the 10 s after | {after:.0} /s |\n",
            self.seconds,
            seen.reads.len() as f64 / secs,
            millis(&seen.reads, 50),
            millis(&seen.reads, 99),
            seen.webhooks.len() as f64 / secs,
            millis(&seen.webhooks, 50),
            millis(&seen.webhooks, 99),
            millis(&admitted, 99),
            seen.turned_away.len() as f64 / secs,
            millis(&seen.turned_away, 50),
            millis(&seen.turned_away, 99),
            seen.unsent as f64 / secs,
            seen.failed,
        );
        print!("{table}");
        self.write(&table)
    }

    /// `overload.md` in the folder of the report.
    fn write(&self, table: &str) -> Result<(), Failure> {
        let page = format!(
            "# Twice the load\n\n\
             Written by `cargo xtask bench --overload` on {date}: {cores} processor cores that the load generator, the service and\n\
             PostgreSQL (fsync on) share, loopback, built as the container image is. One of {WEBHOOK_SHARE} requests is a webhook, the others are\n\
             `/api/auth/me` of 1,000 users in turn. Requests begin when a clock says so, whether or not earlier ones are answered.\n\n\
             {table}",
            date = Utc::now().format("%Y-%m-%d"),
            cores = std::thread::available_parallelism().map_or(0, usize::from),
        );
        std::fs::create_dir_all(&self.subjects.report)?;
        std::fs::write(self.subjects.report.join("overload.md"), page)?;
        Ok(())
    }
}

/// What the service does a second when it is always asked for more.
async fn capacity(service: &Subject, inputs: &Inputs) -> Result<f64, Failure> {
    let sources = inputs.mixed(STEADY, WEBHOOK_SHARE);
    let time = Duration::from_secs(10);
    let measured = load(service.address, sources, is_success, time).await?;
    if measured.unexpected > 0 {
        return Err(format!("{} answers were no success", measured.unexpected).into());
    }
    Ok(measured.rate)
}

async fn open_load(
    address: SocketAddr,
    sources: Vec<Box<dyn Requests>>,
    rate: f64,
    time: Duration,
) -> Result<Seen, Failure> {
    let begin = Instant::now();
    let taken = Arc::new(AtomicU64::new(0));
    let mut connections = tokio::task::JoinSet::new();
    for source in sources {
        let taken = Arc::clone(&taken);
        connections.spawn(follow(address, source, taken, rate, begin, time));
    }
    let mut seen = Seen::default();
    while let Some(one) = connections.join_next().await {
        let one = one??;
        seen.reads.extend(one.reads);
        seen.webhooks.extend(one.webhooks);
        seen.turned_away.extend(one.turned_away);
        seen.failed += one.failed;
        seen.unsent += one.unsent;
    }
    Ok(seen)
}

/// Sends the next request whose time has come. A time that passed more than 100 ms ago, since every connection waited, is
/// left out and counted: who comes and finds nobody free to ask for him has not been served.
async fn follow(
    address: SocketAddr,
    mut source: Box<dyn Requests>,
    taken: Arc<AtomicU64>,
    rate: f64,
    begin: Instant,
    time: Duration,
) -> Result<Seen, Failure> {
    let mut connection = Connection::open(address).await?;
    let (mut seen, mut request) = (Seen::default(), Vec::with_capacity(4096));
    loop {
        let n = taken.fetch_add(1, Ordering::Relaxed);
        let due = Duration::from_secs_f64(n as f64 / rate);
        if due >= time {
            return Ok(seen);
        }
        let late = begin.elapsed().saturating_sub(due);
        if late > Duration::from_millis(100) {
            seen.unsent += 1;
            continue;
        }
        tokio::time::sleep_until((begin + due).into()).await;
        source.next(&mut request);
        let sent = Instant::now();
        match connection.exchange(&request).await {
            Ok(200) => seen.reads.push(sent.elapsed()),
            Ok(204) => seen.webhooks.push(sent.elapsed()),
            Ok(503 | 429) => seen.turned_away.push(sent.elapsed()),
            Ok(_) => seen.failed += 1,
            Err(_) => {
                seen.failed += 1;
                connection = Connection::open(address).await?;
            }
        }
    }
}
