use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::{Failure, dev, output};
use crate::config::environment;
use crate::doctor::{Finding, Status, examine};

/// Something does not work.
const FAILED: u8 = 4;

#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
    /// Look at what `clerk-sync dev` runs in this folder
    #[arg(long)]
    dev: bool,
}

#[derive(Serialize)]
struct Report {
    checks: Vec<Finding>,
}

impl Doctor {
    /// Exits with 4 when something does not work.
    pub(super) async fn run(self) -> ExitCode {
        match self.report().await {
            Err(failure) => {
                output::failure(&*failure);
                ExitCode::FAILURE
            }
            Ok(report) if report.checks.iter().any(|one| one.status == Status::Fail) => {
                FAILED.into()
            }
            Ok(_) => ExitCode::SUCCESS,
        }
    }

    async fn report(&self) -> Result<Report, Failure> {
        let checks = if self.dev {
            let kept = dev::kept_settings()?;
            examine(move |name: &str| kept.get(name).cloned()).await
        } else {
            let (lookup, trouble) = environment(Path::new("."));
            if let Some(trouble) = trouble {
                output::warning(trouble);
            }
            examine(lookup).await
        };
        let report = Report { checks };
        if self.json {
            output::line(serde_json::to_string_pretty(&report)?);
        } else {
            report.checks.iter().for_each(show);
        }
        Ok(report)
    }
}

fn show(finding: &Finding) {
    let Finding {
        check,
        status,
        message,
        fix,
    } = finding;
    let status = match status {
        Status::Ok => "ok  ",
        Status::Warn => "warn",
        Status::Fail => "FAIL",
    };
    output::line(format!("{status}  {check}: {message}"));
    if let Some(fix) = fix {
        output::line(format!("      to do: {fix}"));
    }
}
