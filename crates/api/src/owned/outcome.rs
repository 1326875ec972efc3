//! What became of a call on owned rows, as an answer.

use domain::workspace::Written;

use crate::problem::{Kind, Problem};

/// A limit, and what is told of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LimitReached {
    /// So many at most.
    pub(crate) limit: u64,
    /// What whoever has them is told.
    pub(crate) kind: Kind,
}

/// What was written, or why nothing was. `limit` is what the caller was held to.
pub(crate) fn done<T>(written: Written<T>, limit: Option<LimitReached>) -> Result<T, Problem> {
    match written {
        Written::Done(row) => Ok(row),
        Written::Unknown => Err(Problem::of(Kind::ResourceNotFound)),
        Written::UnknownReference(field) => Err(Problem::with_field(
            Kind::ReferenceUnknown,
            field,
            "names nothing that is yours to use",
        )),
        Written::LimitReached { limit: most } => {
            let kind = limit.map_or(Kind::UsageLimitReached, |limit| limit.kind);
            let words = format!("there are {most} of {most} already");
            Err(Problem::with_detail(kind, words))
        }
        Written::Invalid(problems) => {
            let words: Vec<String> = problems
                .iter()
                .map(|problem| format!("{} {}", problem.field, problem.message))
                .collect();
            Err(Problem::with_errors(
                Kind::BodyInvalid,
                words.join("; "),
                problems,
            ))
        }
    }
}

/// A row, unless there is none.
pub(crate) fn found<T>(row: Option<T>) -> Result<T, Problem> {
    row.ok_or_else(|| Problem::of(Kind::ResourceNotFound))
}
