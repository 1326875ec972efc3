//! Programs that tests run for real, besides PostgreSQL.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{self, variable};

/// The programs, and the Debian packages that bring them.
const PROGRAMS: [(&str, &str); 12] = [
    ("nginx", "nginx"),
    ("caddy", "caddy"),
    ("redis-server", "redis-server"),
    ("pgbouncer", "pgbouncer"),
    ("faketime", "faketime"),
    ("promtool", "prometheus"),
    ("systemd-analyze", "systemd"),
    ("chromium", "chromium"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("python3", "python3-venv"),
    ("go", "golang-go"),
];

/// Where Debian keeps daemons, which is not on every account's PATH.
const SYSTEM: &str = "/usr/sbin";

/// Installs what is missing where that is possible: as root, by apt. Elsewhere the tests that need it fail, each saying
/// what to install.
pub(crate) fn install_missing() {
    let missing: Vec<&str> = PROGRAMS
        .into_iter()
        .filter(|(program, _)| !is_there(program))
        .map(|(_, package)| package)
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

pub(crate) fn is_there(program: &str) -> bool {
    find(program).is_some()
}

/// Where a program is.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = variable("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([Path::new(SYSTEM).to_owned()])
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}
