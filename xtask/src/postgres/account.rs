//! PostgreSQL refuses to run as root; when this process is root, the server gets an account without rights.

use std::process::Command;

use crate::process::capture;

/// Looked for in this order: the one that PostgreSQL's package makes, then the one that every system has.
const NAMES: [&str; 2] = ["postgres", "nobody"];

/// An account by name and numbers.
#[derive(Clone)]
pub(super) struct Account {
    pub(super) name: &'static str,
    pub(super) user: u32,
    pub(super) group: u32,
}

impl Account {
    /// `None` when this process is not root: the server then runs as the same user.
    pub(super) fn for_server() -> Result<Option<Self>, String> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let found = NAMES.into_iter().find_map(|name| {
            Some(Self {
                name,
                user: number("-u", name)?,
                group: number("-g", name)?,
            })
        });
        found.map(Some).ok_or_else(|| {
            format!(
                "PostgreSQL does not run as root, and there is no account {} to run it",
                NAMES.join(" or ")
            )
        })
    }
}

fn number(which: &str, name: &str) -> Option<u32> {
    let printed = capture(Command::new("id").args([which, name])).ok()?;
    printed.trim().parse().ok().filter(|id| *id != 0)
}
