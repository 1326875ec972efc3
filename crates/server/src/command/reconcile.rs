use std::process::ExitCode;

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use domain::{ReconcileOptions, ReconcileReport, reconcile};

use super::backfill::{switched_off, unmappable};
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
    /// Look only at what may have changed since this time, such as 2026-05-01T00:00:00Z, or for so long, such as 90s, 15m,
    /// 2h or 1d. Deletions are found by whole sweeps alone
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<DateTime<Utc>>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: Source,
}

/// A time, or a span that ends now.
fn since(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    span(text)
        .and_then(|span| Utc::now().checked_sub_signed(span))
        .ok_or_else(|| {
            "write a time such as 2026-05-01T00:00:00Z or a span such as 90s, 15m, 2h, 1d"
                .to_owned()
        })
}

fn span(text: &str) -> Option<TimeDelta> {
    let unit = text.chars().next_back()?;
    let number: u32 = text.strip_suffix(unit)?.parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    TimeDelta::try_seconds(i64::from(number) * seconds)
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
            since: self.since,
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
    if let Some(since) = report.since {
        output::line(format!("  of what may have changed since {since}"));
    }
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
    for (listing, words) in &report.switched_off {
        output::line(format!("  {}", switched_off(*listing, words)));
    }
    if report.unmappable.count > 0 {
        output::line(format!(
            "  {} objects cannot be read, and were not compared:",
            report.unmappable.count
        ));
        for line in unmappable(&report.unmappable) {
            output::line(format!("    {line}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_or_a_span_is_read() {
        let time = since("2026-05-01T02:00:00+02:00").unwrap();
        assert_eq!(time.to_rfc3339(), "2026-05-01T00:00:00+00:00");
        for (text, seconds) in [("90s", 90), ("15m", 900), ("2h", 7200), ("1d", 86_400)] {
            assert_eq!(span(text), TimeDelta::try_seconds(seconds), "{text}");
        }
        for wrong in [
            "",
            "s",
            "1",
            "1w",
            "-1h",
            "1.5h",
            "yesterday",
            "é",
            "99999999999d",
        ] {
            assert!(since(wrong).is_err(), "{wrong}");
        }
    }
}
