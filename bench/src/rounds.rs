//! The run: servers started, every case measured on both in turn, several times over.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::Failure;
use crate::cases::{CASES, Case, Work};
use crate::connection::Connection;
use crate::event::Events;
use crate::load::{Measurement, Requests, load};
use crate::postgres::Postgres;
use crate::report::{Facts, Line, Report};
use crate::subject::Subject;
use crate::tokens::{self, Signer};

/// Tokens in turn where each has to be forgotten before it comes again, and what the service may remember of them.
const FRESH: usize = 12_000;
const REMEMBERED: usize = 1_000;
const USERS: usize = 1_000;
const ME: &str = "/api/auth/me";
const HOOK: &str = "/api/webhooks/clerk";
/// Users that webhooks are about.
const CHANGING: usize = 10_000;

/// What is measured with what.
#[derive(clap::Args)]
pub(crate) struct Run {
    /// The service's program
    #[arg(long)]
    server: PathBuf,
    /// A superuser's URL of a PostgreSQL with its promises to the disk kept
    #[arg(long)]
    postgres: String,
    /// The folder of the report
    #[arg(long)]
    report: PathBuf,
    /// Seconds for each measurement
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// How often every measurement is made
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Only the cases whose name contains this
    #[arg(long)]
    only: Option<String>,
}

/// The bare server, the service, and the service with a small memory for tokens.
struct Subjects {
    floor: Subject,
    service: Subject,
    forgetful: Subject,
}

/// What requests are made of.
pub(crate) struct Inputs {
    tokens: Vec<String>,
    fresh: Vec<String>,
    forged: Vec<String>,
    events: Arc<Events>,
}

impl Run {
    pub(crate) async fn measure(self) -> Result<(), Failure> {
        let folder = tempfile::tempdir()?;
        let signer = Signer::generate()?;
        println!("signing {} tokens", USERS + FRESH);
        let inputs = Inputs::prepare(&signer)?;
        let subjects = self.subjects(&signer, &inputs, folder.path()).await?;
        let idle = subjects.service.memory()?;
        let mut facts = Facts {
            started_in: subjects.service.started_in,
            idle: idle.now,
            ..Facts::default()
        };
        let cases: Vec<&Case> = CASES
            .iter()
            .filter(|case| {
                self.only
                    .as_ref()
                    .is_none_or(|part| case.name.contains(part.as_str()))
            })
            .collect();
        let mut lines: Vec<Line> = cases.iter().copied().map(Line::new).collect();
        for round in 1..=self.rounds {
            for line in &mut lines {
                let (floor, ours) = self.pair(line.case, &subjects, &inputs).await?;
                println!(
                    "round {round}: {}: {:.0} beside {:.0} a second",
                    line.case.name, ours.rate, floor.rate
                );
                line.add(floor, ours);
            }
        }
        facts.peak = subjects.service.memory()?.peak;
        facts.peak_forgetful = subjects.forgetful.memory()?.peak;
        let report = Report {
            lines,
            facts,
            seconds: self.seconds,
            rounds: self.rounds,
        };
        report.write(&self.report)?;
        print!("{}", report.table());
        Ok(())
    }

    async fn subjects(
        &self,
        signer: &Signer,
        inputs: &Inputs,
        folder: &std::path::Path,
    ) -> Result<Subjects, Failure> {
        let postgres = Postgres::connect(&self.postgres).await?;
        let started = postgres
            .service("bench_service", &self.server, signer, None)
            .await?;
        let forgetful = postgres
            .service("bench_forgetful", &self.server, signer, Some(REMEMBERED))
            .await?;
        inputs.introduce(&forgetful).await?;
        let body = inputs.introduce(&started).await?;
        let floor_url = postgres.create("bench_floor").await?;
        let (answer, key) = (folder.join("answer"), folder.join("key"));
        // The bare route answers the very bytes that the service answers.
        std::fs::write(&answer, body)?;
        std::fs::write(&key, signer.public_der())?;
        let program = std::env::current_exe()?;
        let floor = Subject::start(&program, "/me", |command, address| {
            command
                .arg("floor")
                .args(["--listen", &address.to_string()])
                .args(["--postgres", &floor_url])
                .arg("--answer")
                .arg(&answer)
                .arg("--public-key")
                .arg(&key);
        })
        .await?;
        Ok(Subjects {
            floor,
            service: started,
            forgetful,
        })
    }

    /// Both servers, one after the other, each warmed up first.
    async fn pair(
        &self,
        case: &Case,
        subjects: &Subjects,
        inputs: &Inputs,
    ) -> Result<(Measurement, Measurement), Failure> {
        let ours = match case.work {
            Work::FreshTokens => &subjects.forgetful,
            _ => &subjects.service,
        };
        let floor = self
            .one(subjects.floor.address, is_success, || {
                inputs.sources(case, case.floor)
            })
            .await?;
        let path = if case.work == Work::Webhooks {
            HOOK
        } else {
            ME
        };
        let expected = match case.work {
            Work::ForgedTokens => |status| status == 401,
            _ => is_success,
        };
        let ours = self
            .one(ours.address, expected, || inputs.sources(case, path))
            .await?;
        Ok((floor, ours))
    }

    async fn one(
        &self,
        address: std::net::SocketAddr,
        expected: fn(u16) -> bool,
        sources: impl Fn() -> Vec<Box<dyn Requests>>,
    ) -> Result<Measurement, Failure> {
        load(address, sources(), expected, Duration::from_millis(700)).await?;
        let measured = load(
            address,
            sources(),
            expected,
            Duration::from_secs(self.seconds),
        )
        .await?;
        if measured.unexpected > 0 {
            return Err(format!("{} answers had another status", measured.unexpected).into());
        }
        Ok(measured)
    }
}

/// Whether it was done.
pub(crate) fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

impl Inputs {
    pub(crate) fn prepare(signer: &Signer) -> Result<Self, Failure> {
        let tokens = (0..USERS)
            .map(|n| signer.token(n))
            .collect::<Result<Vec<_>, _>>()?;
        // Fresh tokens of users who are known, so that nothing but the token is new.
        let fresh = (0..FRESH)
            .map(|n| signer.token_again(n % USERS, n))
            .collect::<Result<Vec<_>, _>>()?;
        let forged = tokens.iter().map(|token| tokens::forged(token)).collect();
        Ok(Self {
            tokens,
            fresh,
            forged,
            events: Events::new(CHANGING),
        })
    }

    /// The first request of every user, which makes his row; gives the last answer's body.
    pub(crate) async fn introduce(&self, service: &Subject) -> Result<Vec<u8>, Failure> {
        let mut connection = Connection::open(service.address).await?;
        for token in &self.tokens {
            let request = format!(
                "GET {ME} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n\r\n"
            );
            let status = connection.exchange(request.as_bytes()).await?;
            if status != 200 {
                return Err(format!("the service answers {status} to a good token").into());
            }
        }
        Ok(connection.body().to_vec())
    }

    /// For each of these connections, reads of users in turn and among them webhooks, one of `share` requests.
    pub(crate) fn mixed(&self, connections: usize, share: u64) -> Vec<Box<dyn Requests>> {
        let reads = tokens::requests(ME, &self.tokens, connections);
        let events = self.events.requests(HOOK, connections);
        let pairs = reads.into_iter().zip(events).zip(0..);
        pairs
            .map(|((reads, events), n)| {
                Box::new(Mixed {
                    reads,
                    events,
                    share,
                    n,
                }) as Box<dyn Requests>
            })
            .collect()
    }

    fn sources(&self, case: &Case, path: &'static str) -> Vec<Box<dyn Requests>> {
        match case.work {
            Work::HotToken => {
                let hot = self.tokens.get(..1).unwrap_or_default();
                tokens::requests(path, hot, case.connections)
            }
            Work::RotatingTokens => tokens::requests(path, &self.tokens, case.connections),
            Work::FreshTokens => tokens::requests(path, &self.fresh, case.connections),
            Work::ForgedTokens => tokens::requests(path, &self.forged, case.connections),
            Work::Webhooks => self.events.requests(path, case.connections),
        }
    }
}

/// Reads, and webhooks among them.
struct Mixed {
    reads: Box<dyn Requests>,
    events: Box<dyn Requests>,
    share: u64,
    n: u64,
}

impl Requests for Mixed {
    fn next(&mut self, request: &mut Vec<u8>) {
        self.n += 1;
        if self.n.is_multiple_of(self.share) {
            self.events.next(request);
        } else {
            self.reads.next(request);
        }
    }
}
