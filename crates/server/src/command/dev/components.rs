//! Whether the pages of `dev` have Clerk's own components, or the offline Clerk's plain sign-in pages.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use emulator::Emulator;

use crate::clerk_assets::{Versions, fetch};
use crate::command::output;
use crate::doctor::chain;

/// Below the folder of `dev`.
const FOLDER: &str = "clerk-assets";
/// The pages work without; nobody should wait for a network that is not there.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, Args)]
pub(super) struct Components {
    /// Take Clerk's browser components from this folder (see `emulator assets`), instead of fetching them once with npm
    #[arg(long, value_name = "DIR", conflicts_with = "plain_sign_in")]
    clerk_assets: Option<PathBuf>,
    /// Sign in on the offline Clerk's own plain pages, without Clerk's components
    #[arg(long)]
    plain_sign_in: bool,
}

impl Components {
    /// Where the components are; `None` where there are none, which is said with the reason unless it was asked for.
    pub(super) async fn folder(&self, folder: &Path) -> Option<PathBuf> {
        if self.plain_sign_in {
            return None;
        }
        if let Some(given) = &self.clerk_assets {
            return Some(given.clone());
        }
        let (folder, versions) = (folder.join(FOLDER), Versions::default());
        if versions.are_in(&folder) {
            return Some(folder);
        }
        output::note("fetching Clerk's browser components with npm, this once");
        let fetched = tokio::time::timeout(PATIENCE, fetch(&folder, &versions)).await;
        let why = match fetched {
            Ok(Ok(())) => return Some(folder),
            Ok(Err(error)) => chain(&error),
            Err(_) => format!("nothing came within {} s", PATIENCE.as_secs()),
        };
        output::note(format!(
            "without them ({why}): the offline Clerk's own sign-in pages serve"
        ));
        None
    }
}

/// The emulator's Frontend API.
pub(super) fn frontend_api(emulator: &Emulator) -> String {
    format!("{}/__clerk", emulator.origin())
}

/// The settings with which the pages send visitors to the emulator's own sign-in pages.
pub(super) fn plain_pages(emulator: &Emulator) -> [(&'static str, String); 2] {
    let frontend_api = frontend_api(emulator);
    [
        ("CLERK_SIGN_IN_URL", format!("{frontend_api}/sign-in")),
        ("CLERK_SIGN_UP_URL", format!("{frontend_api}/sign-up")),
    ]
}
