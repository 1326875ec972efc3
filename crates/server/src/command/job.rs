//! What the jobs share: settings, the store, Clerk, and progress that a person can watch.

use std::collections::HashMap;
use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use clerk::ClerkApi;
use domain::{Policies, Progress};
use indicatif::{ProgressBar, ProgressStyle};
use persistence::{Store, StoreSettings};

use super::{Failure, dev, output};
use crate::config::{JobConfig, environment};
use crate::service;

/// Where a job takes its settings from.
#[derive(Debug, Args)]
pub(super) struct Source {
    /// Work on what `clerk-sync dev` runs in this folder
    #[arg(long)]
    dev: bool,
}

/// An open store and the settings behind it.
pub(super) struct Job {
    pub(super) config: JobConfig,
    pub(super) store: Store,
}

impl Source {
    /// Reads the settings, brings the schema up to date and opens the store.
    pub(super) async fn open(&self) -> Result<Job, Failure> {
        let config = if self.dev {
            let kept = dev::kept_settings()?;
            JobConfig::read(move |name| kept.get(name).cloned())?
        } else {
            let (lookup, trouble) = environment(Path::new("."));
            if let Some(trouble) = trouble {
                output::warning(trouble);
            }
            JobConfig::read(lookup)?
        };
        service::migrate(&config.database).await?;
        let settings = StoreSettings {
            pool_size: config.database.pool_size,
            policy: Arc::new(Policies::new(config.policy.clone())),
        };
        let store = Store::open(&config.database.url, settings)?;
        Ok(Job { config, store })
    }
}

impl Job {
    /// Clerk's Backend API.
    pub(super) fn directory(&self) -> Result<ClerkApi, Failure> {
        let config = self
            .config
            .clerk_api
            .as_ref()
            .ok_or("CLERK_SECRET_KEY is not set: Clerk cannot be asked")?;
        Ok(ClerkApi::new(config)?)
    }
}

/// Shows how far a job has come: a bar on a terminal, else a line for each page or batch, on standard error.
pub(super) struct Shown {
    bars: Mutex<HashMap<&'static str, ProgressBar>>,
    on_terminal: bool,
}

impl Shown {
    pub(super) fn new() -> Self {
        Self {
            bars: Mutex::default(),
            on_terminal: std::io::stderr().is_terminal(),
        }
    }

    /// A page of Clerk's.
    pub(super) fn tell(&self, progress: Progress) {
        let Progress {
            listing,
            done,
            total,
            pages,
        } = progress;
        self.show(listing.as_str(), done, total, &format!(", page {pages}"));
    }

    /// So many of what is called so.
    pub(super) fn show(&self, what: &'static str, done: u64, total: Option<u64>, more: &str) {
        if !self.on_terminal {
            let of = total
                .map(|total| format!(" of {total}"))
                .unwrap_or_default();
            output::note(format!("{what}: {done}{of}{more}"));
            return;
        }
        let mut bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = bars.entry(what).or_insert_with(|| bar(what));
        bar.set_length(total.unwrap_or(done).max(done));
        bar.set_position(done);
        if total.is_some_and(|total| done >= total) {
            bar.finish();
        }
    }
}

fn bar(what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix:>24} {wide_bar} {pos}/{len} {per_sec} {eta}");
    ProgressBar::new(0)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        .with_prefix(what)
}
