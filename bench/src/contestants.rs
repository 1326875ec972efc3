//! All servers of a run, and one measurement of one of them.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::Failure;
use crate::answer::Answer;
use crate::cases::{Group, Work};
use crate::connection::Connection;
use crate::floor;
use crate::inputs::{CHANGING, HOOK, Inputs, ME, REMEMBERED, USERS, request};
use crate::load::{Measurement, load};
use crate::pages::{self, Pages};
use crate::peers::{Installed, Peers};
use crate::postgres::{Postgres, Service};
use crate::subject::Subject;
use crate::tokens::Signer;
use crate::who::Who;

/// The database of the service with default settings.
pub(crate) const DATABASE: &str = "bench_service";
/// Copies of it for the other services, with its users.
const COPIES: [&str; 3] = ["bench_forgetful", "bench_uncached", "bench_pages"];
/// How often the service is started on a migrated database, to tell the median.
const STARTS: usize = 5;
/// Before each measurement.
const WARM_UP: Duration = Duration::from_millis(700);

pub(crate) struct Contestants {
    floor: Subject,
    pub(crate) service: Subject,
    forgetful: Subject,
    uncached: Subject,
    pages: Pages,
    pub(crate) peers: Peers,
    pub(crate) starts: Starts,
}

/// How the service starts.
pub(crate) struct Starts {
    /// On a new database, migrations included.
    pub(crate) new: Duration,
    /// On a migrated one, the median.
    pub(crate) migrated: Duration,
    /// Then the first `/me`, the median.
    pub(crate) first_me: Duration,
    /// Resident after the last start, before any request but the one for its health; megabytes.
    pub(crate) idle: f64,
}

impl Contestants {
    /// Starts them all, with users known. `folder` is for files that last as long as the run.
    pub(crate) async fn start(
        program: &Path,
        postgres: &Postgres,
        installed: &Installed,
        signer: &Signer,
        inputs: &Inputs,
        folder: &Path,
    ) -> Result<Self, Failure> {
        let (service, starts, answer) = started(program, postgres, signer, inputs).await?;
        let mut few = Service {
            program,
            signer,
            url: &postgres.url(COPIES[0]),
            migrates: None,
            tokens: Some(REMEMBERED),
            users: None,
        };
        let forgetful = few.start().await?;
        let url = postgres.url(COPIES[1]);
        (few.url, few.users) = (&url, Some(0));
        let uncached = few.start().await?;
        let pages = Pages::start(postgres, program, signer, COPIES[2]).await?;
        let peers = installed.start(postgres, signer, CHANGING).await?;
        if let Some(token) = inputs.tokens.first() {
            peers.check(token, &Answer::read(&answer)?.body).await?;
        }
        let floor = bare(postgres, signer, &answer, folder).await?;
        Ok(Self {
            floor,
            service,
            forgetful,
            uncached,
            pages,
            peers,
            starts,
        })
    }

    /// One measurement, after a short one that warms up; nothing where the peer is left out.
    pub(crate) async fn measure(
        &self,
        who: Who,
        group: &Group,
        inputs: &Inputs,
        time: Duration,
    ) -> Result<Option<Measurement>, Failure> {
        let connections = group.connections;
        if let Who::BoundSql | Who::BareSql = who {
            let read = |time| self.pages.read(who == Who::BoundSql, connections, time);
            read(WARM_UP).await?;
            return Ok(Some(read(time).await?));
        }
        let Some((address, path)) = self.place(who, group.work) else {
            return Ok(None);
        };
        // The bare route lets everybody in.
        let expected = match group.work {
            Work::ForgedTokens if who == Who::Service => |status| status == 401,
            _ => is_success,
        };
        let sources = || inputs.sources(group.work, path, connections);
        load(address, sources(), expected, WARM_UP).await?;
        let measured = load(address, sources(), expected, time).await?;
        if measured.unexpected > 0 {
            let (count, who) = (measured.unexpected, who.name());
            return Err(format!("{who}: {count} answers had another status").into());
        }
        Ok(Some(measured))
    }

    /// Where a contestant does this work.
    fn place(&self, who: Who, work: Work) -> Option<(SocketAddr, &'static str)> {
        let is_webhook = work == Work::Webhooks;
        let ours = match work {
            Work::Webhooks => HOOK,
            Work::Page => pages::PATH,
            _ => ME,
        };
        let theirs = if is_webhook { "/webhooks/clerk" } else { "/me" };
        let (subject, path) = match who {
            Who::Bytes => (&self.floor, "/me"),
            Who::Body => (&self.floor, "/body"),
            Who::Verify => (&self.floor, "/verify"),
            Who::Select => (&self.floor, "/select"),
            Who::Upsert => (&self.floor, "/hook"),
            Who::Service => (&self.service, ours),
            Who::Forgetful => (&self.forgetful, ours),
            Who::Uncached => (&self.uncached, ours),
            Who::Bound => (&self.pages.bound, ours),
            Who::Unbound => (&self.pages.unbound, ours),
            Who::BoundSql | Who::BareSql => return None,
            Who::Fastify => (self.peers.fastify.as_ref()?, theirs),
            Who::FastifyClerk => (self.peers.fastify_clerk.as_ref()?, theirs),
            Who::FastApi => (self.peers.fastapi.as_ref()?, theirs),
        };
        Some((subject.address, path))
    }
}

/// Whether it was done.
pub(crate) fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

/// The service with default settings, started on a new database and then several times on the migrated one; with it the
/// answer of `/me`.
async fn started(
    program: &Path,
    postgres: &Postgres,
    signer: &Signer,
    inputs: &Inputs,
) -> Result<(Subject, Starts, Vec<u8>), Failure> {
    let service = Service {
        program,
        signer,
        url: &postgres.create(DATABASE).await?,
        migrates: None,
        tokens: None,
        users: None,
    };
    let mut running = service.start().await?;
    let new = running.started_in;
    let answer = inputs.introduce(&running).await?;
    let first = inputs.tokens.first().ok_or("there are no tokens")?;
    running.stop().await?;
    for copy in COPIES {
        postgres.copy(DATABASE, copy).await?;
    }
    running = service.start().await?;
    let (mut starts, mut answers, mut idle) = (Vec::new(), Vec::new(), 0.0);
    for _ in 0..STARTS {
        running.stop().await?;
        running = service.start().await?;
        starts.push(running.started_in);
        idle = running.memory()?.now;
        let begin = Instant::now();
        let mut connection = Connection::open(running.address).await?;
        let status = connection.exchange(&request(ME, first)).await?;
        answers.push(begin.elapsed());
        if status != 200 {
            return Err(format!("the service answers {status} right after its start").into());
        }
    }
    starts.sort_unstable();
    answers.sort_unstable();
    let middle = |times: &[Duration]| times.get(times.len() / 2).copied().unwrap_or_default();
    let starts = Starts {
        new,
        migrated: middle(&starts),
        first_me: middle(&answers),
        idle,
    };
    Ok((running, starts, answer))
}

/// The bare routes, which answer the very bytes that the service answers.
async fn bare(
    postgres: &Postgres,
    signer: &Signer,
    answer: &[u8],
    folder: &Path,
) -> Result<Subject, Failure> {
    let url = postgres.create("bench_floor").await?;
    let body = Answer::read(answer)?.body;
    floor::fill(&url, CHANGING, std::str::from_utf8(&body)?).await?;
    let (answer_file, key_file) = (folder.join("answer"), folder.join("key"));
    std::fs::write(&answer_file, answer)?;
    std::fs::write(&key_file, signer.public_der())?;
    Subject::start(&std::env::current_exe()?, "/me", |command, address| {
        command
            .arg("floor")
            .args(["--listen", &address.to_string()])
            .args(["--postgres", &url])
            .args(["--users", &USERS.to_string()])
            .arg("--answer")
            .arg(&answer_file)
            .arg("--public-key")
            .arg(&key_file);
    })
    .await
}
