//! Tells the program what it was built from: the commit, the target and the profile.
//!
//! It reads, and fetches nothing. The commit is that of the checkout; where there is none, as in a container's build, what
//! `CLERK_SYNC_COMMIT` says; else `unknown`. Changes that are not committed do not show.
#![expect(
    clippy::disallowed_methods,
    reason = "cargo speaks to a build script by its environment"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where this package is in the repository, as git writes it: what tells ours from one that merely contains our files.
const PLACE: &str = "crates/server/";

fn main() {
    let package = PathBuf::from(variable("CARGO_MANIFEST_DIR").unwrap_or_default());
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=CLERK_SYNC_COMMIT");
    let commit = of_checkout(&package)
        .or_else(|| variable("CLERK_SYNC_COMMIT"))
        .filter(|commit| commit.chars().all(|c| c.is_ascii_alphanumeric()))
        .unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env=CLERK_SYNC_BUILT_COMMIT={commit}");
    let target = variable("TARGET").unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env=CLERK_SYNC_BUILT_TARGET={target}");
    println!("cargo::rustc-env=CLERK_SYNC_BUILT_PROFILE={}", profile());
}

/// The commit of the checkout; tells cargo to ask again when another is checked out or made, and not before.
fn of_checkout(package: &Path) -> Option<String> {
    let told = git(
        package,
        &["rev-parse", "--show-prefix", "--short=12", "HEAD"],
    )?;
    let mut lines = told.lines();
    let (place, commit) = (lines.next()?, lines.next()?);
    if place != PLACE {
        return None;
    }
    let at = |name: &str| Some(package.join(git(package, &["rev-parse", "--git-path", name])?));
    // Nothing when no branch is checked out: HEAD then holds the commit itself. A branch that is packed has no file until it
    // moves: its folder tells of that.
    let branch = git(package, &["symbolic-ref", "--quiet", "HEAD"]).and_then(|name| at(&name));
    let branch = branch.and_then(|path| {
        let mut nearest = path.ancestors();
        nearest.find(|path| path.exists()).map(Path::to_owned)
    });
    for path in [at("HEAD"), at("packed-refs"), branch]
        .into_iter()
        .flatten()
    {
        // A file that is missing would make cargo ask each time.
        if path.exists() {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
    Some(commit.to_owned())
}

fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let mut git = Command::new("git");
    // A container's checkout often belongs to another user than the one that builds.
    git.current_dir(folder).args(["-c", "safe.directory=*"]);
    let output = git.args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// The profile's folder: cargo itself tells `debug` from `release` only.
fn profile() -> String {
    let out = PathBuf::from(variable("OUT_DIR").unwrap_or_default());
    let folder = out.ancestors().nth(3).and_then(Path::file_name);
    match folder.and_then(|name| name.to_str()) {
        Some(name) => name.to_owned(),
        None => variable("PROFILE").unwrap_or_else(|| "unknown".to_owned()),
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
