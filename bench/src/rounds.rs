//! The run: servers started, every case measured on both in turn, several times over.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::process::Command;
use tokio_postgres::NoTls;

use crate::Failure;
use crate::cases::{CASES, Case, Work};
use crate::connection::Connection;
use crate::event::{Events, SECRET};
use crate::load::{Measurement, Requests, load};
use crate::report::{Facts, Line, Report};
use crate::subject::Subject;
use crate::tokens::{self, ISSUER, PARTY, Signer};

/// Tokens in turn where each has to be forgotten before it comes again, and what the service may remember of them.
const FRESH: usize = 12_000;
const REMEMBERED: usize = 1_000;
const USERS: usize = 1_000;
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

struct Inputs {
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
        let (client, connection) = tokio_postgres::connect(&self.postgres, NoTls).await?;
        tokio::spawn(connection);
        for name in ["bench_floor", "bench_service", "bench_forgetful"] {
            client
                .batch_execute(&format!("create database {name}"))
                .await?;
        }
        let (base, _) = self
            .postgres
            .rsplit_once('/')
            .ok_or("the URL of PostgreSQL names no database")?;
        let pem = signer.public_pem()?;
        let service = async |database: &str, remembered: Option<usize>| {
            let url = format!("{base}/{database}");
            Subject::start(
                &self.server,
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
                        // What is measured is the work, and not when it is refused.
                        .env("RATE_LIMIT_PER_USER", "off")
                        .env("RATE_LIMIT_PER_IP", "off")
                        .env("RATE_LIMIT_WEBHOOK", "off")
                        .env("CLERK_WEBHOOK_SECRET", SECRET)
                        .env("RATE_LIMIT_PER_USER", "off")
                        .env("RATE_LIMIT_PER_IP", "off")
                        .env("RATE_LIMIT_WEBHOOK", "off")
                        .env("CLERK_SYNC_ENV", "development")
                        .env("RUST_LOG", "warn");
                    if let Some(remembered) = remembered {
                        command.env("TOKEN_CACHE_CAPACITY", remembered.to_string());
                    }
                },
            )
            .await
        };
        let started = service("bench_service", None).await?;
        let forgetful = service("bench_forgetful", Some(REMEMBERED)).await?;
        introduce(&forgetful, &inputs.tokens).await?;
        let body = introduce(&started, &inputs.tokens).await?;
        let (answer, key) = (folder.join("answer"), folder.join("key"));
        // The bare route answers the very bytes that the service answers.
        std::fs::write(&answer, body)?;
        std::fs::write(&key, signer.public_der())?;
        let program = std::env::current_exe()?;
        let floor = Subject::start(&program, "/me", |command, address| {
            command
                .arg("floor")
                .args(["--listen", &address.to_string()])
                .args(["--postgres", &format!("{base}/bench_floor")])
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
        let floor_status = if case.work == Work::Webhooks {
            204
        } else {
            200
        };
        let floor = self
            .one(subjects.floor.address, floor_status, || {
                inputs.sources(case, case.floor)
            })
            .await?;
        let path = if case.work == Work::Webhooks {
            "/api/webhooks/clerk"
        } else {
            "/api/auth/me"
        };
        let status = match case.work {
            Work::Webhooks => 204,
            Work::ForgedTokens => 401,
            _ => 200,
        };
        let ours = self
            .one(ours.address, status, || inputs.sources(case, path))
            .await?;
        Ok((floor, ours))
    }

    async fn one(
        &self,
        address: std::net::SocketAddr,
        status: u16,
        sources: impl Fn() -> Vec<Box<dyn Requests>>,
    ) -> Result<Measurement, Failure> {
        load(address, sources(), status, Duration::from_millis(700)).await?;
        let measured = load(
            address,
            sources(),
            status,
            Duration::from_secs(self.seconds),
        )
        .await?;
        if measured.unexpected > 0 {
            return Err(format!("{} answers had another status", measured.unexpected).into());
        }
        Ok(measured)
    }
}

/// The first request of every user, which makes his row; gives the last answer's body.
async fn introduce(service: &Subject, tokens: &[String]) -> Result<Vec<u8>, Failure> {
    let mut connection = Connection::open(service.address).await?;
    for token in tokens {
        let request = format!(
            "GET /api/auth/me HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n\r\n"
        );
        let status = connection.exchange(request.as_bytes()).await?;
        if status != 200 {
            return Err(format!("the service answers {status} to a good token").into());
        }
    }
    Ok(connection.body().to_vec())
}

impl Inputs {
    fn prepare(signer: &Signer) -> Result<Self, Failure> {
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
