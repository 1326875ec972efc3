//! What was found, as tables for people and pictures beside them.

pub(crate) mod chart;
pub(crate) mod figures;
mod line;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use chrono::Utc;

use crate::Failure;
use crate::cases::{GROUPS, Goal, Row, Work};
use crate::contestants::Starts;
use crate::flood::Flood;
use crate::machine::Machine;
use crate::notes;
use crate::peers::Figures;
use crate::rounds::Samples;
use crate::who::Who;
use chart::{Bar, Tone, bars};
use figures::{median, ratio, sorted, thousands};
use line::Line;

/// What is told besides ratios.
pub(crate) struct Facts {
    pub(crate) starts: Starts,
    /// Most that the service with default settings had resident under the reads and webhooks; megabytes.
    pub(crate) peak: f64,
    pub(crate) flood: Flood,
    pub(crate) peers: Vec<Figures>,
}

pub(crate) struct Report {
    pub(crate) rows: Vec<&'static Row>,
    pub(crate) samples: Samples,
    pub(crate) facts: Facts,
    pub(crate) machine: Machine,
    pub(crate) notes: BTreeMap<String, String>,
    pub(crate) seconds: u64,
    pub(crate) rounds: usize,
}

/// One fact with what is wanted of it.
struct Told {
    key: &'static str,
    name: &'static str,
    found: String,
    goal: Option<(String, bool)>,
}

impl Report {
    /// Writes `README.md` and the pictures into the folder.
    pub(crate) fn write(&self, folder: &Path) -> Result<(), Failure> {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("README.md"), self.page())?;
        std::fs::write(folder.join("ratios.svg"), self.ratios())?;
        if !self.facts.peers.is_empty() {
            std::fs::write(folder.join("peers.svg"), self.rates())?;
        }
        Ok(())
    }

    fn page(&self) -> String {
        format!(
            "# Benchmarks\n\n\
             Written by `cargo xtask bench` on {date}. The machine: {machine}. The load generator, the\n\
             servers and PostgreSQL (fsync on) share it; loopback, built as the container image is (profile `dist`), {rounds} × {seconds} s each. Every round\n\
             visits all servers in turn; the figures are medians over the rounds, and the ratio's spread stands in brackets.\n\
             Only ratios say something: absolute figures move with the machine. [Growth](growth.md) and\n\
             [twice the load](overload.md) are measured by `cargo xtask bench --growth` and `--overload`.\n\n\
             {tables}\n{missed}\
             ## How it is measured\n\n{how}",
            date = Utc::now().format("%Y-%m-%d"),
            machine = self.machine.words(),
            rounds = self.rounds,
            seconds = self.seconds,
            tables = self.tables(),
            missed = self.missed(),
            how = HOW,
        )
    }

    /// All tables as Markdown.
    pub(crate) fn tables(&self) -> String {
        let (peers, bare): (Vec<_>, Vec<_>) = self
            .lines()
            .into_iter()
            .partition(|line| line.row.is_about_peers());
        let mut tables = String::new();
        let table = |tables: &mut String, title: &str, picture: &str, lines: &[Line<'_>]| {
            let _ = write!(tables, "## {title}\n\n{}", Line::HEAD);
            tables.extend(lines.iter().map(Line::markdown));
            let _ = write!(tables, "\n{picture}\n\n");
        };
        if !bare.is_empty() {
            let picture = "![Ratios to the bare routes](ratios.svg)";
            table(&mut tables, "Beside bare routes", picture, &bare);
        }
        if !peers.is_empty() {
            let picture = "![Answers a second of the service, Fastify and FastAPI](peers.svg)";
            table(&mut tables, "Beside what teams run today", picture, &peers);
            tables.push_str(&self.peers());
        }
        tables.push_str(
            "## Start, memory, forged tokens\n\n| | found | goal | |\n|---|--:|--:|---|\n",
        );
        for told in self.told() {
            let (goal, met) = match told.goal {
                Some((goal, true)) => (goal, "met"),
                Some((goal, false)) => (goal, "**missed**"),
                None => (String::new(), ""),
            };
            let _ = writeln!(
                tables,
                "| {} | {} | {goal} | {met} |",
                told.name, told.found
            );
        }
        tables
    }

    fn lines(&self) -> Vec<Line<'static>> {
        self.rows
            .iter()
            .map(|row| Line::new(row, &self.samples))
            .collect()
    }

    /// All contestants' rates at what the peers do, and their processes.
    fn peers(&self) -> String {
        let mut table = String::from(
            "| | `/me`, one hot token | `/me`, 1,000 tokens | webhooks, 32 connections | started in | memory |\n\
             |---|--:|--:|--:|--:|--:|\n",
        );
        let starts = &self.facts.starts;
        let own = (Who::Service.name(), starts.migrated, self.facts.peak);
        let peers = self.facts.peers.iter();
        let peers = peers.map(|peer| (peer.name, peer.started_in, peer.memory));
        for (name, started, memory) in std::iter::once(own).chain(peers) {
            let rates = COMPARED.map(|(work, _)| {
                let rate = self.rate(work, name);
                rate.map_or_else(|| "–".to_owned(), |rate| format!("{} /s", thousands(rate)))
            });
            let _ = writeln!(
                table,
                "| {name} | {} | {} ms | {memory:.0} MB |",
                rates.join(" | "),
                started.as_millis()
            );
        }
        table.push('\n');
        table
    }

    /// The median rate of the contestant with this name at 32 connections.
    fn rate(&self, work: Work, name: &str) -> Option<f64> {
        let row = self
            .rows
            .iter()
            .find(|row| row.is_about_peers() && row.work == work)?;
        let who = GROUPS
            .iter()
            .flat_map(|group| group.who)
            .find(|who| who.name() == name)?;
        let samples = self.samples.of(row, *who);
        let rates = sorted(samples.iter().map(|measured| measured.rate));
        (!rates.is_empty()).then(|| median(&rates))
    }

    fn told(&self) -> Vec<Told> {
        let Facts {
            starts,
            peak,
            flood,
            peers: _,
        } = &self.facts;
        let millis = |time: std::time::Duration| time.as_secs_f64() * 1000.0;
        let at_most = |found: f64, goal: f64, unit: &str| {
            Some((format!("≤ {goal:.0} {unit}"), found <= goal))
        };
        let (start, first) = (millis(starts.migrated), millis(starts.first_me));
        vec![
            Told {
                key: "start",
                name: "from the start of the process to healthy, database migrated",
                found: format!("{start:.0} ms"),
                goal: at_most(start, 30.0, "ms"),
            },
            Told {
                key: "start-new",
                name: "the same on a new database, all migrations included",
                found: format!("{:.0} ms", millis(starts.new)),
                goal: None,
            },
            Told {
                key: "first-me",
                name: "then the first `/api/auth/me`, connecting included",
                found: format!("{first:.1} ms"),
                goal: at_most(first, 3.0, "ms"),
            },
            Told {
                key: "idle",
                name: "resident after the start",
                found: format!("{:.1} MB", starts.idle),
                goal: at_most(starts.idle, 12.0, "MB"),
            },
            Told {
                key: "peak",
                name: "resident at most, under all reads and webhooks above, default caches",
                found: format!("{peak:.1} MB"),
                goal: at_most(*peak, 32.0, "MB"),
            },
            Told {
                key: "forged-queries",
                name: "transactions in the database during a flood of forged tokens",
                found: format!(
                    "{} in {} tokens, {} in as long without",
                    flood.transactions,
                    thousands(flood.tokens),
                    flood.without
                ),
                goal: Some(("none of them".to_owned(), flood.asks_nothing())),
            },
            Told {
                key: "forged-growth",
                name: "resident after the flood beyond what was before",
                found: format!("{:.1} MB", flood.growth),
                goal: at_most(flood.growth, 1.0, "MB"),
            },
        ]
    }

    /// What is to be said of each missed goal.
    fn missed(&self) -> String {
        let lines = self.lines();
        let ratios = lines
            .iter()
            .filter(|line| line.goal().is_some_and(|(_, met)| !met))
            .map(|line| {
                (
                    line.row.key,
                    format!("{}, beside {}", line.row.name, line.row.beside_name),
                )
            });
        let told = self.told();
        let facts = told
            .iter()
            .filter(|told| told.goal.as_ref().is_some_and(|(_, met)| !met))
            .map(|told| (told.key, told.name.to_owned()));
        let missed: Vec<_> = ratios.chain(facts).collect();
        notes::section(&missed, &self.notes)
    }

    /// A bar for each ratio to a bare route, with a mark at its goal. Times are turned round, so that longer is always better.
    fn ratios(&self) -> String {
        let lines = self.lines();
        let bars_of = lines.iter().filter(|line| !line.row.is_about_peers());
        let found = bars_of
            .map(|line| {
                let is_met = line.goal().is_none_or(|(_, met)| met);
                let found = line.ratio();
                let (value, mark) = match line.row.goal {
                    Goal::Rate(goal) => (found, Some(goal)),
                    Goal::Median(goal) => (found.recip(), Some(goal.recip())),
                    Goal::Told => (found, None),
                };
                Bar {
                    label: line.row.name.replace("/api/auth/me", "/me"),
                    value,
                    shown: ratio(value),
                    mark,
                    tone: match (mark, is_met) {
                        (None, _) => Tone::Plain,
                        (Some(_), true) => Tone::Good,
                        (Some(_), false) => Tone::Bad,
                    },
                }
            })
            .collect();
        let line = (1.0, "1.0 = what it is held against");
        bars(&[(String::new(), found)], Some(line))
    }

    /// Answers a second beside the peers'.
    fn rates(&self) -> String {
        let names: Vec<&str> = std::iter::once(Who::Service.name())
            .chain(self.facts.peers.iter().map(|peer| peer.name))
            .collect();
        let groups: Vec<_> = COMPARED
            .iter()
            .map(|(work, title)| {
                let bars = names.iter().filter_map(|name| {
                    let rate = self.rate(*work, name)?;
                    Some(Bar {
                        label: (*name).to_owned(),
                        value: rate,
                        shown: format!("{} /s", thousands(rate)),
                        mark: None,
                        tone: if *name == Who::Service.name() {
                            Tone::Good
                        } else {
                            Tone::Plain
                        },
                    })
                });
                ((*title).to_owned(), bars.collect::<Vec<_>>())
            })
            .filter(|(_, bars)| !bars.is_empty())
            .collect();
        bars(&groups, None)
    }
}

/// The works that peers do, all at 32 connections.
const COMPARED: [(Work, &str); 3] = [
    (Work::HotToken, "/me, one hot token"),
    (Work::RotatingTokens, "/me, 1,000 tokens and users in turn"),
    (Work::Webhooks, "webhooks, committed"),
];

const HOW: &str = "\
- The bare routes are `bench floor`: axum's own `serve`, no middleware, a pool of ten connections, statements prepared; no
  signature check or bookkeeping of webhooks. \"The same bytes\" are those of one answer of the service, headers included, made once; \"the
  same body\" has no header but its type. The one with a select reads another of 1,000 users each time, and verifies
  nothing.
- Where every token is new, the service is one that remembers 1,000 tokens and gets 12,000 in turn, so that each is verified,
  remembered and forgotten. Where every user is read from the database, it remembers no user either (`TOKEN_CACHE_CAPACITY`,
  `USER_CACHE_CAPACITY`).
- Forged tokens are well-formed, each with another signature, 16 digits of which are counted up. The database's own count of
  transactions (`pg_stat_database`) is read before and after the flood, and over as long a while without one.
- A page of listings is read over HTTP by two services on one database that run the same code and tell the database the same
  context; the role of one is bound by policies, that of the other is a superuser. The SQL row leaves HTTP away, and holds the
  transaction with its context against the bare query.
- The peers are in `bench/peers`, with all versions pinned: two routes as a team writes them. Two worker processes each, as
  the service uses two cores as well, and ten connections to the database in all. Fastify runs with two verifiers, fast-jwt with its memory
  of 1,000 verified tokens and `verifyToken` of Clerk's SDK with the PEM; in each round the better one counts. FastAPI runs on uvicorn
  with uvloop and httptools, SQLAlchemy with asyncpg, PyJWT with cryptography. Each reads the user's row on every `/me` and
  answers the same fields as the service, which the run checks. Their memory is of all their processes, shared pages
  counted once, after the load; the service's is the most that it ever had.
- Start and first `/me` are medians of five starts on a migrated database with its users known. Megabytes are millions of bytes.
";
