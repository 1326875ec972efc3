//! Jobs that calculate a portfolio.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::fields::Fields;
use super::listing::words;
use super::{FieldProblem, Resource};

words! {
    /// How far a job is.
    JobStatus {
        /// It waits.
        Queued = "queued",
        /// It is at work.
        Running = "running",
        /// It is done, and there is a result.
        Done = "done",
        /// It failed, and there is an error.
        Failed = "failed",
    }
}

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CalculationJob {
    /// What is calculated; never changed.
    pub portfolio_id: Uuid,
    /// How far it is.
    pub status: JobStatus,
    /// What came of it.
    pub result: Option<Value>,
    /// Why nothing came of it: a stable code, not an error's text.
    pub error: Option<String>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

impl CalculationJob {
    /// One that waits.
    #[must_use]
    pub fn queued(portfolio_id: Uuid) -> Self {
        Self {
            portfolio_id,
            status: JobStatus::Queued,
            result: None,
            error: None,
            finished_at: None,
        }
    }
}

/// What happens to a job.
#[derive(Debug, Clone, PartialEq)]
pub enum JobStep {
    /// It is begun.
    Begin,
    /// It is done.
    Finish {
        /// What came of it.
        result: Value,
        /// When.
        at: DateTime<Utc>,
    },
    /// It failed.
    Fail {
        /// Why: a stable code.
        error: String,
        /// When.
        at: DateTime<Utc>,
    },
}

impl Resource for CalculationJob {
    type Patch = JobStep;
    const KIND: &'static str = "calculation_job";

    /// A job that has ended stays as it is.
    fn patched(self, step: JobStep) -> Self {
        if self.finished_at.is_some() {
            return self;
        }
        let portfolio_id = self.portfolio_id;
        match step {
            JobStep::Begin => Self {
                status: JobStatus::Running,
                ..self
            },
            JobStep::Finish { result, at } => Self {
                portfolio_id,
                status: JobStatus::Done,
                result: Some(result),
                error: None,
                finished_at: Some(at),
            },
            JobStep::Fail { error, at } => Self {
                portfolio_id,
                status: JobStatus::Failed,
                result: None,
                error: Some(error),
                finished_at: Some(at),
            },
        }
    }

    /// The result is ours, and has no bounds of its own.
    fn problems(&self) -> Vec<FieldProblem> {
        let mut fields = Fields::default();
        fields.text("error", self.error.as_deref());
        fields.problems()
    }
}
