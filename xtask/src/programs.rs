//! Programs that tests run for real, besides PostgreSQL.

use std::path::Path;
use std::process::Command;

use crate::process::{self, variable};

/// The programs, named as their Debian packages are.
const PROGRAMS: [&str; 3] = ["nginx", "caddy", "redis-server"];

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
    let mut install = Command::new("apt-get");
    install
        .args(["install", "-y", "--no-install-recommends"])
        .args(&missing)
        .env("DEBIAN_FRONTEND", "noninteractive");
    if let Err(error) = process::capture(&mut install) {
        eprintln!("{error}");
    }
}

fn is_there(program: &str) -> bool {
    let path = variable("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([Path::new(SYSTEM).to_owned()])
        .any(|folder| folder.join(program).is_file())
}
