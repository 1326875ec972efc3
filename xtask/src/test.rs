//! `cargo xtask test`: all tests, against SQLite and a throw-away PostgreSQL, then the examples in the documentation.

use std::process::Command;

use crate::clients::Clients;
use crate::postgres::Server;
use crate::tidy::workspace::Workspace;
use crate::{process, programs};

/// Which tests to run; all of them without arguments.
#[derive(clap::Args, Default)]
pub(crate) struct Test {
    /// Only this package; may be given more than once
    #[arg(short, long = "package", value_name = "CRATE")]
    packages: Vec<String>,
    /// Only tests whose name contains this
    filter: Option<String>,
    /// Makes property tests try the same examples each time, so that a failure is the change's and not the day's
    #[arg(long)]
    repeatable: bool,
}

/// What tests need besides themselves; it goes when this is dropped.
pub(crate) struct Around {
    clients: Clients,
    server: Server,
}

/// Whether the better one of the two runners is installed.
pub(crate) fn has_nextest() -> bool {
    process::capture(process::cargo().args(["nextest", "--version"])).is_ok()
}

/// Any number would do.
const SEED: &str = "20240528";

impl Test {
    /// All of them, with the same examples each time.
    pub(crate) fn repeatable() -> Self {
        Self {
            repeatable: true,
            ..Self::default()
        }
    }

    /// Fails when a test fails, when nothing matches, or when PostgreSQL is not installed: nothing is ever skipped.
    pub(crate) fn run(&self) -> Result<(), String> {
        let documented = self.documented(&Workspace::load()?)?;
        let around = self.prepare()?;
        let mut tests = process::cargo();
        let by_nextest = has_nextest();
        if by_nextest {
            tests.args(["nextest", "run"]);
        } else {
            tests.args(["test", "--tests"]);
        }
        process::run(self.complete(&mut tests, &around, by_nextest))?;

        let server = &around.server;
        if documented.is_empty() {
            return Ok(());
        }
        let mut examples = process::cargo();
        examples.args(["test", "--quiet", "--doc"]);
        for package in &documented {
            examples.args(["--package".to_owned(), ours(package)]);
        }
        if let Some(filter) = &self.filter {
            examples.args(["--", filter]);
        }
        process::run(examples.env("TEST_POSTGRES_URL", server.url()))
    }

    /// Installs and starts what the chosen tests need.
    pub(crate) fn prepare(&self) -> Result<Around, String> {
        process::stop_cleanly()?;
        let runs =
            |name: &str| self.packages.is_empty() || self.packages.iter().any(|it| it == name);
        if runs("cache") || runs("e2e") {
            programs::install_missing();
        }
        let clients = if runs("e2e") {
            Clients::prepare()?
        } else {
            Clients::default()
        };
        let server = Server::start()?;
        Ok(Around { clients, server })
    }

    /// Tells a runner of tests which ones, and where everything is that they need.
    pub(crate) fn complete<'a>(
        &self,
        tests: &'a mut Command,
        around: &Around,
        by_nextest: bool,
    ) -> &'a mut Command {
        tests.arg("--no-fail-fast").args(self.selection());
        tests.args(self.filter.as_deref());
        around.clients.tell(tests, by_nextest);
        let skipped = around.clients.skipped();
        if !by_nextest && !skipped.is_empty() {
            tests.arg("--").args(&skipped);
        }
        tests.env("TEST_POSTGRES_URL", around.server.url());
        if self.repeatable {
            tests.env("PROPTEST_RNG_SEED", SEED);
        }
        // Some tests start a server of their own.
        tests.env("PGBIN", around.server.binaries())
    }

    fn selection(&self) -> Vec<String> {
        if self.packages.is_empty() {
            return vec!["--workspace".to_owned()];
        }
        let chosen = self.packages.iter();
        chosen
            .flat_map(|name| ["--package".to_owned(), ours(name)])
            .collect()
    }

    /// The chosen packages that have a library: cargo refuses `--doc` for the others.
    fn documented(&self, workspace: &Workspace) -> Result<Vec<String>, String> {
        for name in &self.packages {
            if !workspace.packages.iter().any(|known| known.name == *name) {
                return Err(format!("there is no package `{name}` in this workspace"));
            }
        }
        let chosen = |name: &String| self.packages.is_empty() || self.packages.contains(name);
        Ok(workspace
            .packages
            .iter()
            .filter(|package| package.library && chosen(&package.name))
            .map(|package| package.name.clone())
            .collect())
    }
}

/// A package of ours as cargo tells it from those of others that have the same name.
fn ours(name: &str) -> String {
    // All of ours have one version.
    format!("{name}@{}", env!("CARGO_PKG_VERSION"))
}
