//! `growth.md` with its picture.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::Utc;

use super::sweeps::{Job, Sweep};
use super::{ACTIVE, PATHS, Path};
use crate::Failure;
use crate::machine::Machine;
use crate::notes;
use crate::report::chart::{Bar, Tone, bars};
use crate::report::figures::{median, ratio, sorted, thousands};

/// What a path's rate with more users has to be at least, as a share of that with the fewest: flat is what differs no more
/// than two rounds do.
fn goal(path: Path) -> Option<f64> {
    match path {
        Path::Me => Some(0.9),
        Path::Webhooks => Some(0.8),
        Path::WebhooksAboutAny => None,
    }
}

/// The time for each user may be at most so many times that of a tenth of the users, and the memory that of the fewest.
const LINEAR: f64 = 1.25;
const CONSTANT: f64 = 1.5;

fn name(path: Path) -> &'static str {
    match path {
        Path::Me => "`/api/auth/me` of 1,000 users in turn",
        Path::Webhooks => "webhooks about 1,000 users, 32 connections",
        Path::WebhooksAboutAny => "webhooks about all users, 32 connections",
    }
}

/// One of a sweep's jobs.
type JobOf = fn(&Sweep) -> Job;

/// The rates of each round.
#[derive(Default)]
pub(super) struct Rates(Vec<(Path, usize, f64)>);

impl Rates {
    pub(super) fn add(&mut self, path: Path, users: usize, rate: f64) {
        self.0.push((path, users, rate));
    }

    fn of(&self, path: Path, users: usize) -> Vec<f64> {
        let these = self.0.iter();
        these
            .filter(|(one, size, _)| *one == path && *size == users)
            .map(|(_, _, rate)| *rate)
            .collect()
    }

    /// Of each round, as a share of the rate with `fewest` users; sorted.
    fn shares(&self, path: Path, users: usize, fewest: usize) -> Vec<f64> {
        let (these, those) = (self.of(path, users), self.of(path, fewest));
        sorted(these.iter().zip(&those).map(|(this, that)| this / that))
    }
}

pub(super) struct Page {
    pub(super) sizes: Vec<usize>,
    pub(super) rates: Rates,
    pub(super) sweeps: Vec<Sweep>,
    pub(super) machine: Machine,
    pub(super) notes: BTreeMap<String, String>,
    pub(super) seconds: u64,
    pub(super) rounds: usize,
}

impl Page {
    pub(super) fn write(&self, folder: &std::path::Path) -> Result<(), Failure> {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("growth.svg"), self.picture())?;
        let page = format!(
            "# Growth\n\n\
             Written by `cargo xtask bench --growth` on {date}. The machine: {machine}. The load generator,\n\
             the services and PostgreSQL (fsync on) share it; loopback, built as the container image is (profile `dist`), {rounds} × {seconds} s each. There is a\n\
             database and a service for each number of users, and every round visits all of them in turn.\n\n\
             {tables}\n\
             ![Rates by number of users, as a share of that with the fewest](growth.svg)\n\n\
             {missed}\
             ## How it is measured\n\n\
             The databases are filled by SQL with copies of what the service wrote for one user: his row, two addresses, a line of\n\
             the ledger without its payload. {active} users, evenly spread over all, ask and are written about; in the third row\n\
             it is everybody, each far from the one before. Backfill and reconcile run against the emulator, with a budget that\n\
             never makes them wait; memory is the most that the job's process had.\n",
            date = Utc::now().format("%Y-%m-%d"),
            machine = self.machine.words(),
            rounds = self.rounds,
            seconds = self.seconds,
            tables = self.tables(),
            missed = notes::section(&self.missed(), &self.notes),
            active = thousands(ACTIVE as f64),
        );
        std::fs::write(folder.join("growth.md"), page)?;
        Ok(())
    }

    pub(super) fn tables(&self) -> String {
        let mut text = String::from(
            "| work | users | rate | of the rate with the fewest | goal | |\n|---|--:|--:|--:|--:|---|\n",
        );
        let fewest = self.sizes.first().copied().unwrap_or_default();
        for path in PATHS {
            for users in &self.sizes {
                let rate = median(&sorted(self.rates.of(path, *users).into_iter()));
                let shares = self.rates.shares(path, *users, fewest);
                let (share, goal) = (median(&shares), goal(path).filter(|_| *users != fewest));
                let goal = goal.map_or_else(
                    || " | ".to_owned(),
                    |goal| format!("≥ {} | {}", ratio(goal), met(share >= goal)),
                );
                let spread = match (shares.first(), shares.last()) {
                    (Some(least), Some(most)) if *users != fewest => {
                        format!(" ({}–{})", ratio(*least), ratio(*most))
                    }
                    _ => String::new(),
                };
                let _ = writeln!(
                    text,
                    "| {} | {} | {} /s | **{}**{spread} | {goal} |",
                    name(path),
                    thousands(*users as f64),
                    thousands(rate),
                    ratio(share),
                );
            }
        }
        text.push_str(
            "\n| job | users | time | for each user | goal | | memory | goal | |\n|---|--:|--:|--:|--:|---|--:|--:|---|\n",
        );
        self.jobs(&mut text, "backfill", |sweep| sweep.backfill);
        self.jobs(&mut text, "reconcile", |sweep| sweep.reconcile);
        text
    }

    /// Key and name of what misses its goal.
    fn missed(&self) -> Vec<(&'static str, String)> {
        let fewest = self.sizes.first().copied().unwrap_or_default();
        let mut missed = Vec::new();
        for (path, key) in PATHS.into_iter().zip(["growth-me", "growth-webhooks", ""]) {
            let Some(goal) = goal(path) else { continue };
            let share = |users: &usize| median(&self.rates.shares(path, *users, fewest));
            if self.sizes.iter().any(|users| share(users) < goal) {
                missed.push((key, name(path).to_owned()));
            }
        }
        let jobs: [(&'static str, &str, JobOf); 2] = [
            ("growth-backfill", "backfill", |sweep| sweep.backfill),
            ("growth-reconcile", "reconcile", |sweep| sweep.reconcile),
        ];
        for (key, name, of) in jobs {
            let pairs = self.sweeps.iter().zip(self.sweeps.iter().skip(1));
            let is_linear = pairs.fold(true, |so_far, (fewer, more)| {
                so_far && each(of, more) <= each(of, fewer) * LINEAR
            });
            let least = self.sweeps.first().map_or(0.0, |sweep| of(sweep).peak);
            let most = self.sweeps.iter().map(|sweep| of(sweep).peak);
            if !is_linear || most.fold(0.0, f64::max) > least * CONSTANT {
                missed.push((key, name.to_owned()));
            }
        }
        missed
    }

    fn jobs(&self, text: &mut String, name: &str, of: JobOf) {
        let least = self.sweeps.first().map(|sweep| of(sweep).peak);
        let mut before: Option<f64> = None;
        for sweep in &self.sweeps {
            let (job, each) = (of(sweep), each(of, sweep));
            let linear = before.map_or_else(
                || " | ".to_owned(),
                |before| {
                    let goal = before * LINEAR;
                    format!("≤ {goal:.0} µs | {}", met(each <= goal))
                },
            );
            let constant = least.filter(|_| before.is_some()).map_or_else(
                || " | ".to_owned(),
                |least| {
                    let goal = least * CONSTANT;
                    format!("≤ {goal:.0} MB | {}", met(job.peak <= goal))
                },
            );
            let _ = writeln!(
                text,
                "| {name} | {} | {:.2} s | {each:.0} µs | {linear} | {:.0} MB | {constant} |",
                thousands(sweep.users as f64),
                job.took.as_secs_f64(),
                job.peak,
            );
            before = Some(each);
        }
    }

    fn picture(&self) -> String {
        let fewest = self.sizes.first().copied().unwrap_or_default();
        let groups: Vec<_> = PATHS
            .iter()
            .map(|path| {
                let bars = self.sizes.iter().map(|users| {
                    let share = median(&self.rates.shares(*path, *users, fewest));
                    let mark = goal(*path).filter(|_| *users != fewest);
                    Bar {
                        label: format!("{} users", thousands(*users as f64)),
                        value: share,
                        shown: ratio(share),
                        mark,
                        tone: match mark {
                            None => Tone::Plain,
                            Some(goal) if share >= goal => Tone::Good,
                            Some(_) => Tone::Bad,
                        },
                    }
                });
                (name(*path).to_owned(), bars.collect::<Vec<_>>())
            })
            .collect();
        bars(&groups, Some((1.0, "1.0 = the rate with the fewest users")))
    }
}

/// Microseconds for each user.
fn each(of: JobOf, sweep: &Sweep) -> f64 {
    of(sweep).took.as_secs_f64() * 1e6 / sweep.users as f64
}

fn met(is_met: bool) -> &'static str {
    if is_met { "met" } else { "**missed**" }
}
