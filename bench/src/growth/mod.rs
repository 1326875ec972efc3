//! Whether the service stays as quick when there are many users: databases with 1,000, 100,000 and 1,000,000 of them side by
//! side, in the same rounds.

mod filling;
mod page;
mod sweeps;

use std::sync::Arc;
use std::time::Duration;

use crate::Failure;
use crate::contestants::is_success;
use crate::event::Events;
use crate::inputs::{HOOK, ME, introduce};
use crate::load::{Requests, load};
use crate::machine::Machine;
use crate::postgres::Postgres;
use crate::subject::Subject;
use crate::tokens::{self, Signer};
use crate::told::{Subjects, Times};

/// Users in the databases; the first is what the others are held against.
const SIZES: [usize; 3] = [1_000, 100_000, 1_000_000];
/// Users at Clerk, for backfill and reconcile.
const SWEPT: [usize; 3] = [1_000, 10_000, 100_000];
/// Users who ask and whom events are about, evenly spread over all that there are.
const ACTIVE: usize = 1_000;
const CONNECTIONS: usize = 32;
const WARM_UP: Duration = Duration::from_secs(1);

/// What is measured.
#[derive(clap::Args)]
pub(crate) struct Growth {
    #[command(flatten)]
    subjects: Subjects,
    #[command(flatten)]
    times: Times,
    /// At most so many users, for a short look
    #[arg(long, default_value_t = usize::MAX)]
    most: usize,
}

/// A work whose rate should not depend on how many users there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Path {
    Me,
    Webhooks,
    /// Webhooks about any user, so that each finds another place of the tables.
    WebhooksAboutAny,
}

const PATHS: [Path; 3] = [Path::Me, Path::Webhooks, Path::WebhooksAboutAny];

/// A service on a database with so many users.
struct Grown {
    users: usize,
    service: Subject,
    tokens: Vec<String>,
    active: Arc<Events>,
    any: Arc<Events>,
}

impl Grown {
    async fn start(
        postgres: &Postgres,
        program: &std::path::Path,
        signer: &Signer,
        users: usize,
    ) -> Result<Self, Failure> {
        let stride = (users / ACTIVE).max(1);
        let tokens = (0..ACTIVE)
            .map(|n| signer.token(n * stride))
            .collect::<Result<Vec<_>, _>>()?;
        let service = filling::filled(postgres, program, signer, users).await?;
        introduce(&service, &tokens).await?;
        Ok(Self {
            users,
            service,
            tokens,
            active: Events::spread(ACTIVE, stride, users),
            // A stride without a common divisor visits everybody, far from whom it visited before.
            any: Events::spread(users, 7_919, users),
        })
    }

    fn sources(&self, path: Path) -> Vec<Box<dyn Requests>> {
        match path {
            Path::Me => tokens::requests(ME, &self.tokens, CONNECTIONS),
            Path::Webhooks => self.active.requests(HOOK, CONNECTIONS),
            Path::WebhooksAboutAny => self.any.requests(HOOK, CONNECTIONS),
        }
    }
}

impl Growth {
    pub(crate) async fn measure(self) -> Result<(), Failure> {
        let signer = Signer::generate()?;
        let postgres = Postgres::connect(&self.subjects.postgres).await?;
        let mut sweeps = Vec::new();
        for users in SWEPT.into_iter().filter(|users| *users <= self.most) {
            println!("backfill and reconcile of {users} users");
            sweeps.push(sweeps::sweep(&postgres, &self.subjects.server, users).await?);
        }
        let mut grown = Vec::new();
        for users in SIZES.into_iter().filter(|users| *users <= self.most) {
            println!("a database with {users} users");
            grown.push(Grown::start(&postgres, &self.subjects.server, &signer, users).await?);
        }
        let mut rates = page::Rates::default();
        for round in 1..=self.times.rounds {
            for path in PATHS {
                for one in &grown {
                    let address = one.service.address;
                    load(address, one.sources(path), is_success, WARM_UP).await?;
                    let time = Duration::from_secs(self.times.seconds);
                    let seen = load(address, one.sources(path), is_success, time).await?;
                    if seen.unexpected > 0 {
                        return Err(format!("{} answers were no success", seen.unexpected).into());
                    }
                    println!(
                        "round {round}: {path:?}, {} users: {:.0} a second",
                        one.users, seen.rate
                    );
                    rates.add(path, one.users, seen.rate);
                }
            }
        }
        let page = page::Page {
            sizes: grown.iter().map(|one| one.users).collect(),
            rates,
            sweeps,
            machine: Machine::here(postgres.version().await?, Vec::new()),
            notes: crate::notes::read(self.times.notes.as_deref())?,
            seconds: self.times.seconds,
            rounds: self.times.rounds,
        };
        page.write(&self.subjects.report)?;
        print!("{}", page.tables());
        Ok(())
    }
}
