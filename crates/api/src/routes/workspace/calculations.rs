//! What portfolios cost and are worth: jobs that work it out.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, TimeDelta, Utc};
use domain::Workspace;
use domain::workspace::{
    Calculation, CalculationJob, Decimal, JobStatus, JobStep, Owned, Position, Scope, Symbol,
    Written, calculate,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::Instrument as _;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::app::App;
use crate::current_user::CurrentUser;
use crate::guards::{GatedBy, Invited, Must, Name};
use crate::input::Input;
use crate::owned::{Acting, Body, done, found, id};
use crate::parameters::{Id, Parameters};
use crate::problem::{Kind, Problem, ProblemBody};
use crate::query::invalid;

/// A job that has not ended after this time never will: whoever worked at it was stopped.
const LONGEST: TimeDelta = TimeDelta::minutes(10);
/// Portfolios of which the state is told at once.
const MOST_IDS: usize = 100;
/// Positions that a result tells of: those of the largest weight, where there are more.
const MOST_POSITIONS: usize = 1_000;
/// What a job is said to have failed of when its work was stopped.
const INTERRUPTED: &str = "interrupted";

/// The feature by which a policy may keep tiers or roles from calculating.
#[derive(Debug)]
pub(crate) struct Calculate;

impl Name for Calculate {
    const NAME: &'static str = "calculate";
}

/// What positions are worth now.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CalculationWanted {
    /// Prices by symbol, decimals as strings. A position whose symbol has none is worth what it cost.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>, example = json!({"AAPL": "172.10"}))]
    prices: BTreeMap<Symbol, Decimal>,
}

/// A job that calculates a portfolio.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobShown {
    id: Uuid,
    portfolio_id: Uuid,
    /// `queued`, `running`, `done` or `failed`.
    #[schema(value_type = String, example = "done")]
    status: JobStatus,
    /// `cost`, `value` and `gain` of the portfolio, and its `positions` with `symbol`, `quantity`, `price`,
    /// `is_entry_price`, `cost`, `value` and `weight` each. Sums are exact, weights are one together. Of more than 1,000
    /// positions those of the largest weight are told; `positions_left_out` says how many are not.
    #[schema(value_type = Option<Object>)]
    result: Option<Value>,
    /// A stable code: `position_negative`, `total_too_large`, `store_unavailable`, `interrupted`.
    error: Option<String>,
    created_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
}

/// The latest job of a portfolio, without its result.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PortfolioStatus {
    portfolio_id: Uuid,
    /// As of a job; `none` when there is none, or no such portfolio of the caller's.
    #[schema(example = "done")]
    status: &'static str,
    job_id: Option<Uuid>,
    error: Option<String>,
    created_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
}

/// How far portfolios are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PortfolioStatuses {
    /// In the order in which they were asked for, each once.
    items: Vec<PortfolioStatus>,
}

/// Which portfolios.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct StatusQuery {
    /// Ids, separated by commas: 100 at most.
    ids: Option<String>,
}

/// Calculates a portfolio: what it cost, what it is worth, and how much of that each position is.
///
/// The job goes on when the caller leaves, and can be asked for afterwards.
#[utoipa::path(
    post, path = "/portfolios/{id}/calculate", tag = "workspace", security(("session" = [])),
    params(("id" = String, Path)),
    request_body(content = CalculationWanted, content_type = "application/json"),
    responses(
        (status = 200, description = "The job, ended: `done` or `failed`", body = JobShown),
        (status = 400, description = "`body_invalid`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid session: the code says why", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`invite_required`, `user_inactive`; `feature_required` where the policy has a feature `calculate`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "`resource_not_found`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`store_unavailable`, `keys_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn run(
    Acting { scope, .. }: Acting<Invited>,
    _: Must<GatedBy<Calculate>>,
    State(app): State<App>,
    Id(text): Id,
    Input(wanted): Body<CalculationWanted>,
) -> Result<Json<JobShown>, Problem> {
    let portfolio_id = id(&text)?;
    let work = work(app.workspace.clone(), scope, portfolio_id, wanted.prices);
    let worked = tokio::spawn(work.in_current_span()).await;
    let job = worked.map_err(|error| {
        tracing::error!(%error, "a calculation was lost");
        Problem::of(Kind::Internal)
    })??;
    Ok(Json(JobShown::of(job, Utc::now())))
}

/// From the job's beginning to its end.
async fn work(
    workspace: Workspace,
    scope: Scope,
    portfolio_id: Uuid,
    prices: BTreeMap<Symbol, Decimal>,
) -> Result<Owned<CalculationJob>, Problem> {
    let jobs = Arc::clone(&workspace.jobs);
    let begun = CalculationJob {
        status: JobStatus::Running,
        ..CalculationJob::queued(portfolio_id)
    };
    let job = match jobs.create(&scope, begun, None).await? {
        Written::UnknownReference(_) => return Err(Problem::of(Kind::ResourceNotFound)),
        written => done(written)?,
    };
    let (step, failure) = match positions(&workspace, &scope, portfolio_id).await {
        Ok(positions) => (figures(positions, prices).await?, None),
        Err(problem) => (failed(problem.kind().code()), Some(problem)),
    };
    let written = jobs.change(&scope, job.id, step).await;
    match failure {
        Some(problem) => Err(problem),
        None => done(written?),
    }
}

async fn positions(
    workspace: &Workspace,
    scope: &Scope,
    portfolio_id: Uuid,
) -> Result<Vec<Owned<Position>>, Problem> {
    let whole = &workspace.whole_portfolios;
    found(whole.positions(scope, portfolio_id).await?)
}

/// The figures, worked out where a thread may be busy.
async fn figures(
    positions: Vec<Owned<Position>>,
    prices: BTreeMap<Symbol, Decimal>,
) -> Result<JobStep, Problem> {
    let calculating = move || {
        let positions: Vec<Position> = positions.into_iter().map(|row| row.body).collect();
        calculate(&positions, &prices).map(|figures| serde_json::to_value(Told::of(figures)))
    };
    let calculated = tokio::task::spawn_blocking(calculating).await;
    let broken = |error: &dyn std::fmt::Display| {
        tracing::error!(%error, "figures were lost");
        Problem::of(Kind::Internal)
    };
    Ok(match calculated.map_err(|error| broken(&error))? {
        Ok(result) => JobStep::Finish {
            result: result.map_err(|error| broken(&error))?,
            at: Utc::now(),
        },
        Err(error) => failed(error.code()),
    })
}

/// What is kept of figures: they are read whole, so they are bounded.
#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    figures: Calculation,
    positions_left_out: usize,
}

impl Told {
    fn of(mut figures: Calculation) -> Self {
        let positions_left_out = figures.positions.len().saturating_sub(MOST_POSITIONS);
        if positions_left_out > 0 {
            figures.positions.sort_by_key(|its| Reverse(its.weight));
            figures.positions.truncate(MOST_POSITIONS);
        }
        Self {
            figures,
            positions_left_out,
        }
    }
}

fn failed(code: &str) -> JobStep {
    JobStep::Fail {
        error: code.to_owned(),
        at: Utc::now(),
    }
}

impl JobShown {
    fn of(job: Owned<CalculationJob>, now: DateTime<Utc>) -> Self {
        let Owned {
            id,
            created_at,
            body:
                CalculationJob {
                    portfolio_id,
                    status,
                    result,
                    error,
                    finished_at,
                },
            ..
        } = job;
        let is_lost = finished_at.is_none() && now - created_at > LONGEST;
        Self {
            id,
            portfolio_id,
            status: if is_lost { JobStatus::Failed } else { status },
            result,
            error: error.or_else(|| is_lost.then(|| INTERRUPTED.to_owned())),
            created_at,
            finished_at,
        }
    }
}

/// How far the latest calculations of portfolios are.
#[utoipa::path(
    get, path = "/portfolios/batch-status", tag = "workspace", security(("session" = [])),
    params(StatusQuery),
    responses(
        (status = 200, description = "One line for each id", body = PortfolioStatuses),
        (status = 400, description = "`parameter_invalid`, naming the parameter", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid session: the code says why", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`user_inactive`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`store_unavailable`, `keys_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn statuses(
    Acting { scope, .. }: Acting<CurrentUser>,
    State(app): State<App>,
    Parameters(StatusQuery { ids }): Parameters<StatusQuery>,
) -> Result<Json<PortfolioStatuses>, Problem> {
    let ids = read_ids(ids.as_deref().unwrap_or_default())?;
    let whole = &app.workspace.whole_portfolios;
    let jobs = whole.latest_jobs(&scope, ids.clone()).await?;
    let now = Utc::now();
    let mut jobs: BTreeMap<Uuid, JobShown> = jobs
        .into_iter()
        .map(|job| (job.body.portfolio_id, JobShown::of(job, now)))
        .collect();
    let items = ids
        .into_iter()
        .map(|portfolio_id| PortfolioStatus::of(portfolio_id, jobs.remove(&portfolio_id)));
    Ok(Json(PortfolioStatuses {
        items: items.collect(),
    }))
}

fn read_ids(text: &str) -> Result<Vec<Uuid>, Problem> {
    let mut ids: Vec<Uuid> = Vec::new();
    for part in text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        let id = Uuid::parse_str(part)
            .map_err(|_| invalid("ids", "must be ids, separated by commas"))?;
        if !ids.contains(&id) {
            ids.push(id);
        }
        if ids.len() > MOST_IDS {
            return Err(invalid("ids", format!("at most {MOST_IDS} ids")));
        }
    }
    Ok(ids)
}

impl PortfolioStatus {
    fn of(portfolio_id: Uuid, job: Option<JobShown>) -> Self {
        let Some(job) = job else {
            return Self {
                portfolio_id,
                status: "none",
                job_id: None,
                error: None,
                created_at: None,
                finished_at: None,
            };
        };
        Self {
            portfolio_id,
            status: job.status.as_str(),
            job_id: Some(job.id),
            error: job.error,
            created_at: Some(job.created_at),
            finished_at: job.finished_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_few_and_each_is_named_once() {
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(read_ids(&format!(" {a},{b},,{a} ")), Ok(vec![a, b]));
        assert_eq!(read_ids(""), Ok(Vec::new()));
        let many = |count: u128| {
            let ids: Vec<String> = (0..count)
                .map(|id| Uuid::from_u128(id).to_string())
                .collect();
            ids.join(",")
        };
        assert!(read_ids(&many(100)).is_ok());
        for wrong in [many(101), "1".to_owned(), format!("{a};{b}")] {
            assert_eq!(read_ids(&wrong).unwrap_err().kind(), Kind::ParameterInvalid);
        }
    }
}
