//! The project's own commands: turns `cargo xtask <command>` into runs of cargo, a throw-away PostgreSQL and checks of
//! the tree. It knows the layout of the workspace and nothing of what the crates do. One file a command.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool speaks to its terminal"
)]

mod bench;
mod ci;
mod clients;
mod codegen;
mod coverage;
mod fuzz;
mod migration;
mod peers;
mod postgres;
mod process;
mod programs;
mod soak;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::Parser;

/// The project's own commands.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    disable_help_subcommand = true
)]
enum Xtask {
    /// Run the tests on SQLite and on a throw-away PostgreSQL, which is started and removed by this command
    Test(test::Test),
    /// Everything that a change must pass: format, tidy, generated files, clippy, dependencies, tests
    Ci,
    /// Check the layers, the fences around dependencies, file names and lengths, migrations, manifests and texts
    Tidy,
    /// Write docs/openapi.json from the program
    Codegen(codegen::Codegen),
    /// Feed the readers of credentials with random bytes; needs a nightly compiler
    Fuzz(fuzz::Fuzz),
    /// Count the lines that the tests run, and write docs/COVERAGE.md
    Coverage(coverage::Coverage),
    /// Let the service live for an hour with faults on, and write docs/proof/soak.md
    Soak(soak::Soak),
    /// Measure the service beside bare axum routes, Fastify and FastAPI, and write docs/benchmarks
    Bench(bench::Bench),
    /// Make empty up and down migrations for both databases
    Migration(migration::Migration),
}

fn main() -> ExitCode {
    let outcome = match Xtask::parse() {
        Xtask::Test(test) => test.run(),
        Xtask::Ci => ci::run(),
        Xtask::Tidy => tidy::run(),
        Xtask::Codegen(codegen) => codegen.run(),
        Xtask::Fuzz(fuzz) => fuzz.run(),
        Xtask::Coverage(coverage) => coverage.run(),
        Xtask::Soak(soak) => soak.run(),
        Xtask::Bench(bench) => bench.run(),
        Xtask::Migration(migration) => migration.run(),
    };
    if process::interrupted() {
        eprintln!("xtask: interrupted");
        // What a shell reports for a program that Ctrl-C ended.
        return ExitCode::from(130);
    }
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
