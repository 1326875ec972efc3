//! What became of a call on owned rows, as an answer.

use domain::workspace::Written;

use crate::problem::{Kind, Problem};

/// What was written, or why nothing was, where there is no limit.
pub(crate) fn done<T>(written: Written<T>) -> Result<T, Problem> {
    limited(written, None)
}

/// The same, where there may be a limit, with what is told of it.
pub(crate) fn limited<T>(written: Written<T>, reached: Option<Kind>) -> Result<T, Problem> {
    match written {
        Written::Done(row) => Ok(row),
        Written::Unknown => Err(Problem::of(Kind::ResourceNotFound)),
        Written::UnknownReference(field) => Err(reference_unknown(field)),
        Written::LimitReached { limit: most } => {
            let kind = reached.unwrap_or(Kind::UsageLimitReached);
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

/// The field names a row that there is not, or that is another's.
pub(crate) fn reference_unknown(field: &str) -> Problem {
    let words = "names nothing that is yours to use";
    Problem::with_field(Kind::ReferenceUnknown, field, words)
}

/// A row, unless there is none.
pub(crate) fn found<T>(row: Option<T>) -> Result<T, Problem> {
    row.ok_or_else(|| Problem::of(Kind::ResourceNotFound))
}
