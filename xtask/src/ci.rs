//! `cargo xtask ci`: every check that a change must pass, the quick ones first; the first failure ends it.

use std::time::Instant;

use crate::codegen::Codegen;
use crate::process::{self, cargo};
use crate::test::Test;
use crate::tidy;

type Step = fn() -> Result<(), String>;

const STEPS: [(&str, Step); 6] = [
    ("fmt", format),
    ("tidy", tidy::run),
    ("codegen", generated),
    ("clippy", clippy),
    ("deny", deny),
    ("test", test),
];

/// Fails with the name of the step that failed.
pub(crate) fn run() -> Result<(), String> {
    let all = Instant::now();
    for (name, step) in STEPS {
        println!("==> {name}");
        let start = Instant::now();
        step().map_err(|error| format!("ci stops at {name}: {error}"))?;
        println!(
            "<== {name}: passed in {:.1} s",
            start.elapsed().as_secs_f64()
        );
    }
    println!(
        "ci: everything passed in {:.0} s",
        all.elapsed().as_secs_f64()
    );
    Ok(())
}

fn format() -> Result<(), String> {
    process::run(cargo().args(["fmt", "--all", "--check"]))
}

fn generated() -> Result<(), String> {
    Codegen { check: true }.run()
}

fn clippy() -> Result<(), String> {
    // --locked: a lock file that does not fit the manifests is a mistake of the change.
    process::run(cargo().args([
        "clippy",
        "--locked",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))
}

fn deny() -> Result<(), String> {
    if process::capture(cargo().args(["deny", "--version"])).is_err() {
        return Err(
            "cargo-deny is not installed; run `cargo install cargo-deny --locked`".to_owned(),
        );
    }
    process::run(cargo().args(["deny", "--locked", "check", "bans", "licenses", "sources"]))?;
    // A change is not to blame for a network without GitHub; but nobody shall think that this was checked.
    if let Err(error) = process::capture(cargo().args(["deny", "fetch", "db"])) {
        eprintln!("{error}");
        eprintln!("ci: ADVISORIES WERE NOT CHECKED, because their database could not be fetched");
        return Ok(());
    }
    process::run(cargo().args(["deny", "--locked", "check", "--disable-fetch", "advisories"]))
}

fn test() -> Result<(), String> {
    Test::repeatable().run()
}
