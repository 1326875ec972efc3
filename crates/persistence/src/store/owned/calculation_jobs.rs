//! Jobs that calculate a portfolio.

use domain::StoreError;
use domain::workspace::{CalculationJob, JobStatus, Owned};

use super::pieces::Bind;
use super::portfolios::PORTFOLIO;
use super::table::{Newest, Table};
use super::{Keep, keep_row, owned_row, unreadable};
use crate::column::{Id, Json, Time};
use crate::schema::calculation_jobs;

owned_row! {
    JobRow of calculation_jobs as CalculationJob {
        portfolio_id: Id,
        status: String,
        result: Option<Json>,
        error: Option<String>,
        finished_at: Option<Time>,
    }
}

/// Anybody may calculate as often as he likes, and each result is some hundred kilobytes of a large portfolio.
const NEWEST: Newest = Newest {
    count: 20,
    others: "finished_at is not null",
};

impl Keep for CalculationJob {
    keep_row!(JobRow);

    const TABLE: Table = Table {
        parent: Some(PORTFOLIO),
        newest: Some(NEWEST),
        ..Table::named("calculation_jobs")
    };

    fn columns(&self) -> Vec<(&'static str, Bind)> {
        let Self {
            portfolio_id,
            status,
            result,
            error,
            finished_at,
        } = self;
        vec![
            ("portfolio_id", (*portfolio_id).into()),
            ("status", status.as_str().into()),
            ("result", result.as_ref().into()),
            ("error", error.as_deref().into()),
            ("finished_at", Bind::Time(finished_at.map(Time))),
        ]
    }

    fn read(row: JobRow) -> Result<Owned<Self>, StoreError> {
        let (head, (portfolio_id, status, result, error, finished_at)) = row.split();
        Ok(head.with(Self {
            portfolio_id: portfolio_id.0,
            status: JobStatus::parse(&status)
                .ok_or_else(|| unreadable("calculation_jobs.status", &status))?,
            result: result.map(|result| result.0),
            error,
            finished_at: finished_at.map(|at| at.0),
        }))
    }
}
