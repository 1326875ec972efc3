//! `cargo xtask coverage`: runs the same tests as `cargo xtask test`, on programs that count their lines, and writes a table.
//!
//! The counting is `cargo llvm-cov`'s, in a target folder of its own (`target/llvm-cov-target`). What is counted here is
//! ours alone: tests at the foot of a file say nothing about the lines above them, so they are cut off first.

mod lines;
mod page;
mod tools;

use std::fs;

use chrono::Utc;

use crate::process::{self, root};
use crate::test::{Test, has_nextest};
use lines::Counted;

/// The table.
const PAGE: &str = "docs/COVERAGE.md";
/// What `cargo llvm-cov` counted, below the target folder.
const COUNTS: &str = "coverage.lcov";
/// Processes of one program share a few files: thousands of tests would otherwise leave one of some megabytes each.
const PROFILES: &str = "clerk-sync-%4m.profraw";

/// Which tests run.
#[derive(clap::Args)]
pub(crate) struct Coverage {
    /// Only the tests of this package; may be given more than once. The table then goes to the terminal alone, unless it
    /// is of several runs
    #[arg(short, long = "package", value_name = "CRATE")]
    packages: Vec<String>,
    /// Count on from what earlier runs counted, for a run in parts
    #[arg(long)]
    keep: bool,
    /// Make the table of what an earlier run counted, and run nothing
    #[arg(long, conflicts_with = "packages")]
    again: bool,
}

impl Coverage {
    /// Fails when a test fails, after the table is written; and when a tool is missing, with how to get it.
    pub(crate) fn run(&self) -> Result<(), String> {
        let found = tools::find()?;
        let tested = if self.again {
            Ok(())
        } else {
            self.test(&found)
        };
        let counts = process::target().join(COUNTS);
        let mut report = process::cargo();
        report.args(["llvm-cov", "report", "--lcov", "--output-path"]);
        process::run(found.tell(report.arg(&counts)))?;
        let text = fs::read_to_string(&counts)
            .map_err(|error| format!("cannot read {}: {error}", counts.display()))?;
        let counted = Counted::of(&text, &root(), &|path| fs::read_to_string(path).ok());
        let page = page::page(&counted, &Utc::now().format("%Y-%m-%d").to_string());
        if self.packages.is_empty() || self.keep {
            let path = root().join(PAGE);
            fs::write(&path, &page)
                .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        }
        println!("{page}");
        tested
    }

    fn test(&self, found: &tools::Tools) -> Result<(), String> {
        if !has_nextest() {
            return Err(
                "cargo-nextest is missing; run `cargo install cargo-nextest --locked`".to_owned(),
            );
        }
        // Everything is built in any case: a part of the workspace would be built anew, with other features.
        let test = Test::repeatable();
        let around = test.prepare()?;
        if !self.keep {
            // What an earlier run built stays.
            let mut forget = process::cargo();
            forget.args(["llvm-cov", "clean", "--profraw-only"]);
            process::run(found.tell(&mut forget))?;
        }
        let mut tests = process::cargo();
        tests.args(["llvm-cov", "nextest", "--no-report"]);
        tests.env("LLVM_PROFILE_FILE_NAME", PROFILES);
        for name in &self.packages {
            tests.args(["-E", &format!("package({name})")]);
        }
        process::run(test.complete(found.tell(&mut tests), &around, true))
    }
}
