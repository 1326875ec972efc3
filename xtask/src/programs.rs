//! Programs that tests run for real, besides PostgreSQL.

use std::path::Path;
use std::process::Command;

use crate::process::{self, variable};

/// The programs, named as their Debian packages are.
const PROGRAMS: [&str; 4] = ["nginx", "caddy", "redis-server", "pgbouncer"];

/// Where Debian keeps daemons, which is not on every account's PATH.
const SYSTEM: &str = "/usr/sbin";

/// Installs what is missing where that is possible: as root, by apt. Elsewhere the tests that need it fail, each saying
/// what to install.
pub(crate) fn install_missing() {
    let missing: Vec<&str> = PROGRAMS
        .into_iter()
        .filter(|name| !is_there(name))
        .collect();
    if missing.is_empty() || !rustix::process::geteuid().is_root() || !is_there("apt-get") {
        return;
    }
    println!("installing {}", missing.join(", "));
    let install = ["install", "-y", "--no-install-recommends"];
    let done = apt(&["update"]).and_then(|()| apt(&[&install[..], &missing].concat()));
    if let Err(error) = done {
        eprintln!("{error}");
    }
}

fn apt(arguments: &[&str]) -> Result<(), String> {
    let mut apt = Command::new("apt-get");
    apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    process::capture(&mut apt).map(drop)
}

fn is_there(program: &str) -> bool {
    let path = variable("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([Path::new(SYSTEM).to_owned()])
        .any(|folder| folder.join(program).is_file())
}
