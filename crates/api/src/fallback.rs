//! Answers where no route is, and where a handler fell over.

use crate::problem::{Kind, Problem};

/// No such path.
pub(crate) async fn not_found() -> Problem {
    Problem::of(Kind::NotFound)
}

/// The path is there, but not with this method.
pub(crate) async fn method_not_allowed() -> Problem {
    Problem::of(Kind::MethodNotAllowed)
}

/// A handler panicked. What it said may hold anything, so it is not repeated; the panic hook has logged the place.
pub(crate) fn panicked() -> Problem {
    tracing::error!("a handler panicked");
    Problem::of(Kind::Internal)
}
