//! The programs that count: `cargo llvm-cov`, and LLVM's own, which rustup brings, or Debian.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{self, variable};

/// The oldest LLVM whose tools read what today's compiler writes.
const OLDEST: u32 = 19;
/// Where Debian and its children keep LLVM's programs, in folders such as `llvm-19`.
const BY_VERSION: &str = "/usr/lib";

/// Where LLVM's programs are, if `cargo llvm-cov` does not know by itself.
pub(super) struct Tools {
    folder: Option<PathBuf>,
}

/// Fails with what to install.
pub(super) fn find() -> Result<Tools, String> {
    if process::capture(process::cargo().args(["llvm-cov", "--version"])).is_err() {
        println!("coverage: installing cargo-llvm-cov");
        process::run(process::cargo().args(["install", "cargo-llvm-cov", "--locked"]))?;
    }
    let named = variable("LLVM_COV").is_some() && variable("LLVM_PROFDATA").is_some();
    if named || beside_the_compiler()? {
        return Ok(Tools { folder: None });
    }
    let installed = std::fs::read_dir(BY_VERSION)
        .into_iter()
        .flatten()
        .flatten();
    let names = installed.filter_map(|entry| entry.file_name().into_string().ok());
    let Some(version) = newest(names) else {
        return Err(format!(
            "LLVM's tools are missing; run `rustup component add llvm-tools`, or `apt-get install llvm-{OLDEST}` \
             (any from there on), or name them in LLVM_COV and LLVM_PROFDATA"
        ));
    };
    let folder = Path::new(BY_VERSION).join(format!("llvm-{version}/bin"));
    Ok(Tools {
        folder: Some(folder),
    })
}

/// Whether rustup's component `llvm-tools` is there.
fn beside_the_compiler() -> Result<bool, String> {
    let sysroot = process::capture(Command::new("rustc").args(["--print", "sysroot"]))?;
    let targets = Path::new(sysroot.trim()).join("lib/rustlib");
    let found = std::fs::read_dir(targets).into_iter().flatten().flatten();
    Ok(found
        .into_iter()
        .any(|target| target.path().join("bin/llvm-profdata").is_file()))
}

/// The highest version among names such as `llvm-19` that is not too old.
fn newest(names: impl Iterator<Item = String>) -> Option<u32> {
    names
        .filter_map(|name| name.strip_prefix("llvm-")?.parse().ok())
        .filter(|version| *version >= OLDEST)
        .max()
}

impl Tools {
    /// Tells `cargo llvm-cov` where they are.
    pub(super) fn tell<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        if let Some(folder) = &self.folder {
            command.env("LLVM_COV", folder.join("llvm-cov"));
            command.env("LLVM_PROFDATA", folder.join("llvm-profdata"));
        }
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_that_is_new_enough_is_taken() {
        let newest = |names: &[&str]| newest(names.iter().map(|name| (*name).to_owned()));
        assert_eq!(
            newest(&["llvm-14", "llvm-19", "llvm-21", "python3"]),
            Some(21)
        );
        assert_eq!(newest(&["llvm-14"]), None);
    }
}
