use std::process::ExitCode;

use chrono::Utc;
use clap::Args;
use domain::{ReconcileOptions, ReconcileReport, reconcile};

use super::job::{Shown, Source};
use super::{Failure, output};

/// Drift is left.
const DRIFT_LEFT: u8 = 3;
/// The brake held, or a page failed.
const STOPPED: u8 = 5;

#[derive(Debug, Args)]
pub(super) struct Reconcile {
    /// Put right what is out of step
    #[arg(long)]
    repair: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: Source,
}

impl Reconcile {
    /// Exits with 0 when no drift is left, 3 when some is, 5 when the brake or a failed page stopped the sweep.
    pub(super) async fn run(self) -> ExitCode {
        match self.report().await {
            Err(failure) => {
                output::failure(&*failure);
                ExitCode::FAILURE
            }
            Ok(report) if report.stopped() => STOPPED.into(),
            Ok(report) if report.drift > 0 => DRIFT_LEFT.into(),
            Ok(_) => ExitCode::SUCCESS,
        }
    }

    async fn report(&self) -> Result<ReconcileReport, Failure> {
        let job = self.source.open().await?;
        let directory = job.directory()?;
        let shown = Shown::new();
        let options = ReconcileOptions {
            repair: self.repair,
            max_absent: job.config.sync.max_absent,
            ..ReconcileOptions::default()
        };
        let tell = |progress| shown.tell(progress);
        let store = &job.store;
        let report = reconcile(
            &directory,
            &*store.mirror,
            &*store.rows,
            &options,
            &tell,
            &Utc::now,
        )
        .await?;
        if self.json {
            output::line(serde_json::to_string_pretty(&report)?);
        } else {
            print(&report);
        }
        Ok(report)
    }
}

fn print(report: &ReconcileReport) {
    output::line(format!(
        "drift {}, repaired {}",
        report.drift, report.repaired
    ));
    for (listing, found) in &report.kinds {
        output::line(format!(
            "  {}: {} missing, {} extra, {} stale, {} differ",
            listing.as_str(),
            found.missing,
            found.extra,
            found.stale,
            found.differs
        ));
        for (field, count) in &found.fields {
            output::line(format!("    {field}: {count}"));
        }
    }
    for (listing, held) in report.brake.iter().flatten() {
        output::line(format!(
            "  brake: {} of {} {} are not at Clerk, more than the {} that one sweep may delete; nothing was deleted",
            held.absent,
            held.live,
            listing.as_str(),
            held.limit
        ));
    }
    for failure in &report.failures {
        output::line(format!(
            "  {} stopped: {}",
            failure.listing.as_str(),
            failure.reason
        ));
    }
}
