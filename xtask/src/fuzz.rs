//! `cargo xtask fuzz [target] [--seconds N]`: feeds the readers of credentials and of
//! files with bytes that nobody thought of.
//!
//! Seeds are kept in `fuzz/seeds/`; what the fuzzer finds on the way goes to `fuzz/corpus/`, and what breaks something to
//! `fuzz/artifacts/`. Give a finding a test of its own.

use std::fs;
use std::process::Command;

use crate::process::{self, root};

const TARGETS: [&str; 5] = ["token", "claims", "credentials", "jwks", "import"];

/// What is fuzzed, and for how long.
#[derive(clap::Args)]
pub(crate) struct Fuzz {
    /// One target; all of them, one after the other, when none is given
    #[arg(value_parser = TARGETS)]
    target: Option<String>,
    /// How long each target runs
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
}

impl Fuzz {
    /// Fails with the target that broke, and when there is no nightly compiler or no way to install cargo-fuzz.
    pub(crate) fn run(&self) -> Result<(), String> {
        prepare()?;
        for target in TARGETS {
            if self.target.as_ref().is_some_and(|name| name != target) {
                continue;
            }
            println!("==> fuzz {target}, {} s", self.seconds);
            let corpus = root().join("fuzz/corpus").join(target);
            fs::create_dir_all(&corpus)
                .map_err(|error| format!("cannot make {}: {error}", corpus.display()))?;
            process::run(&mut self.command(target))
                .map_err(|error| format!("{target}: {error}; see fuzz/artifacts/{target}/"))?;
        }
        Ok(())
    }

    fn command(&self, target: &str) -> Command {
        let mut command = nightly();
        command.args(["fuzz", "run", target]);
        // The first folder is written to, the second only read.
        command.arg(format!("fuzz/corpus/{target}"));
        command.arg(format!("fuzz/seeds/{target}"));
        command.arg("--");
        command.arg(format!("-max_total_time={}", self.seconds));
        // A token is looked at up to 16 KiB; the limit itself is for tests.
        command.args(["-max_len=4096", "-timeout=5", "-print_final_stats=1"]);
        command
    }
}

/// The sanitizer needs the nightly compiler, whatever toolchain runs this program.
fn nightly() -> Command {
    let mut command = Command::new("rustup");
    command.current_dir(root());
    // The cargo that runs this program has set them to its own toolchain.
    command.env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN");
    command.args(["run", "nightly", "cargo"]);
    command
}

fn prepare() -> Result<(), String> {
    process::capture(nightly().arg("--version")).map_err(|error| {
        format!("{error}; run `rustup toolchain install nightly --profile minimal`")
    })?;
    if process::capture(nightly().args(["fuzz", "--version"])).is_err() {
        println!("fuzz: installing cargo-fuzz");
        process::run(process::cargo().args(["install", "cargo-fuzz", "--locked"]))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_seeds_and_is_declared() {
        let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
        for target in TARGETS {
            assert!(
                manifest.contains(&format!("path = \"targets/{target}.rs\"")),
                "{target}"
            );
            let seeds = fs::read_dir(root().join("fuzz/seeds").join(target)).unwrap();
            assert!(seeds.count() > 0, "{target}");
        }
        assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
    }
}
