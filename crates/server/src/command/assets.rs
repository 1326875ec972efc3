use std::path::PathBuf;

use clap::Args;

use super::{Failure, output};
use crate::clerk_assets::{Versions, fetch};

/// Fetch Clerk's own browser components with npm, for `--clerk-assets`
#[derive(Debug, Args)]
pub(super) struct Assets {
    /// The folder to put them into
    folder: PathBuf,
    /// Which version of @clerk/clerk-js; before 6 it has the components in itself
    #[arg(long, value_name = "VERSION", default_value_t = Versions::default().clerk_js)]
    clerk_js: String,
    /// Which version of @clerk/ui
    #[arg(long, value_name = "VERSION")]
    ui: Option<String>,
}

impl Assets {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let Self {
            folder,
            clerk_js,
            ui,
        } = self;
        let has_components = |version: &str| {
            let major = version.split('.').next().and_then(|it| it.parse().ok());
            major.is_some_and(|major: u32| major < 6)
        };
        let ui = match ui {
            None if has_components(&clerk_js) => None,
            given => given.or(Versions::default().ui),
        };
        let versions = Versions { clerk_js, ui };
        if versions.are_in(&folder) {
            output::line(format!("{} has them already", folder.display()));
            return Ok(());
        }
        fetch(&folder, &versions).await?;
        output::line(format!("Clerk's components are in {}", folder.display()));
        Ok(())
    }
}
