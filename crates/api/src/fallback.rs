//! Answers where no route is, and where a handler fell over.

use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

use crate::problem::{Kind, Problem};

/// No such path.
pub(crate) async fn not_found() -> Problem {
    Problem::of(Kind::NotFound)
}

/// No such file of the page; whatever else it answers stays.
pub(crate) async fn of_page(answer: Response) -> Response {
    if answer.status() == StatusCode::NOT_FOUND {
        not_found().await.into_response()
    } else {
        answer
    }
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
