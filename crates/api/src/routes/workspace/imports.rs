//! A portfolio that somebody brings along as a file.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequest, Request, State};
use axum::response::Response;
use bytes::Bytes;
use domain::workspace::{ImportRefusal, ImportedPosition, Portfolio, Position};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use multer::Multipart;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::portfolios::PortfolioFields;
use crate::access::Asks;
use crate::app::App;
use crate::guards::Invited;
use crate::owned::{Acting, Exposed as _, OwnedRow, created, limited};
use crate::parameters::Parameters;
use crate::problem::{Kind, Problem, ProblemBody};
use crate::raw_body;

/// What a portfolio is called of which nobody says it.
const NAMELESS: &str = "Imported portfolio";
/// The part of a form that holds the file.
const FILE: &str = "file";

/// What is told of a new portfolio.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportQuery {
    /// What it is to be called.
    name: Option<String>,
}

/// A portfolio that was brought along.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportedPortfolio {
    /// How many positions are in it.
    position_count: usize,
    #[serde(flatten)]
    portfolio: OwnedRow<PortfolioFields>,
}

/// A CSV file, as it came.
pub(crate) struct CsvFile(Bytes);

impl Asks for CsvFile {}

/// How a file may come.
enum Form {
    /// As the body.
    Plain,
    /// As a part of a form with this boundary.
    Multipart(String),
}

impl Form {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
        let essence = text.split(';').next()?.trim().to_ascii_lowercase();
        match essence.as_str() {
            "text/csv" | "application/csv" => Some(Self::Plain),
            "multipart/form-data" => multer::parse_boundary(text).ok().map(Self::Multipart),
            _ => None,
        }
    }
}

impl FromRequest<App> for CsvFile {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let form = Form::of(request.headers()).ok_or_else(|| {
            Problem::with_detail(
                Kind::UnsupportedMediaType,
                "send a CSV file with `Content-Type: text/csv`, or as the part `file` of `multipart/form-data`",
            )
        })?;
        raw_body::refuse_encoded(request.headers())?;
        let limit = app.settings.import_body_limit;
        let body = raw_body::read(app, request, limit).await?;
        match form {
            Form::Plain => Ok(Self(body)),
            Form::Multipart(boundary) => file_of(body, boundary).await.map(Self),
        }
    }
}

/// The one file of a form.
async fn file_of(body: Bytes, boundary: String) -> Result<Bytes, Problem> {
    let wrong = |words: String| Problem::with_detail(Kind::BodyInvalid, words);
    let unreadable = |error: multer::Error| wrong(format!("the form cannot be read: {error}"));
    let body = futures_util::stream::iter([Ok::<_, Infallible>(body)]);
    let mut form = Multipart::new(body, boundary);
    let mut file = None;
    while let Some(part) = form.next_field().await.map_err(unreadable)? {
        if part.name() != Some(FILE) {
            continue;
        }
        if file.is_some() {
            return Err(wrong(format!("the form has more than one part `{FILE}`")));
        }
        file = Some(part.bytes().await.map_err(unreadable)?);
    }
    file.ok_or_else(|| wrong(format!("the form has no part `{FILE}`")))
}

/// Makes a portfolio of a CSV file: all of it, or nothing.
///
/// The header names the columns `symbol`, `quantity`, `entry_price` and, if there is one, `entry_date`, in any order; other
/// names that are often used for them are known (`ticker`, `shares`, `price`, `cost`, `date`, …). Numbers are kept exactly
/// as they are written.
#[utoipa::path(
    post, path = "/onboarding/import", tag = "onboarding", security(("session" = [])),
    params(ImportQuery),
    request_body(
        description = "A CSV file; or `multipart/form-data` with the file as its part `file`",
        content((String = "text/csv", example = "symbol,quantity,entry_price,entry_date\nAAPL,10,150.25,2026-03-31\n")),
    ),
    responses(
        (status = 201, description = "The portfolio; `Location` says where it is", body = ImportedPortfolio),
        (status = 400, description = "`body_invalid`: the form, or the name; `parameter_invalid`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid session: the code says why", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`invite_required`, `user_inactive`, `portfolio_limit_reached`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "`import_invalid`: `errors` names line and column of what is wrong, 100 at most", body = ProblemBody, content_type = "application/problem+json",
            example = json!({"type": "urn:clerk-sync:problem:import_invalid", "title": "Invalid file", "status": 422, "code": "import_invalid", "detail": "nothing was imported", "instance": "0197", "errors": [{"line": 2, "column": "quantity", "message": "is not a number"}]})),
        (status = 503, description = "`store_unavailable`, `keys_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn import(
    Acting { scope, caller, .. }: Acting<Invited>,
    State(app): State<App>,
    Parameters(ImportQuery { name }): Parameters<ImportQuery>,
    CsvFile(file): CsvFile,
) -> Result<Response, Problem> {
    let positions = read(&app, file).await?;
    let name = name.filter(|name| !name.trim().is_empty());
    let portfolio = Portfolio {
        name: name.unwrap_or_else(|| NAMELESS.to_owned()),
        description: None,
    };
    let position_count = positions.len();
    // In which portfolio they are, the store says.
    let positions = positions
        .into_iter()
        .map(|position| Position::imported(Uuid::nil(), position));
    let whole = &app.workspace.whole_portfolios;
    let most = Portfolio::limit(&caller);
    let written = whole
        .import(&scope, portfolio, positions.collect(), most)
        .await?;
    let row = limited(written, Portfolio::LIMIT_REACHED)?;
    let id = row.id;
    let body = ImportedPortfolio {
        position_count,
        portfolio: OwnedRow::of(row),
    };
    Ok(created::<Portfolio, _>(id, body))
}

/// The positions of a file, read where a thread may be busy.
async fn read(app: &App, file: Bytes) -> Result<Vec<ImportedPosition>, Problem> {
    let (reader, limits) = (Arc::clone(&app.position_reader), app.settings.import);
    let read = tokio::task::spawn_blocking(move || reader.read(&file, limits)).await;
    let read = read.map_err(|error| {
        tracing::error!(%error, "the reading of a file was lost");
        Problem::of(Kind::Internal)
    })?;
    read.map_err(|ImportRefusal { problems, more }| {
        let words = if more {
            format!(
                "nothing was imported; these are the first {} problems",
                problems.len()
            )
        } else {
            "nothing was imported".to_owned()
        };
        Problem::with_errors(Kind::ImportInvalid, words, problems)
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    async fn form(parts: &[(&str, &str)]) -> Result<Bytes, Problem> {
        let mut body = String::new();
        for (name, text) in parts {
            body.push_str(&format!(
                "--b\r\ncontent-disposition: form-data; name=\"{name}\"; filename=\"a.csv\"\r\n\r\n{text}\r\n"
            ));
        }
        body.push_str("--b--\r\n");
        file_of(body.into(), "b".to_owned()).await
    }

    #[tokio::test]
    async fn a_form_has_one_file() {
        let file = form(&[("note", "x"), ("file", "symbol\r\nA"), ("other", "")]).await;
        assert_eq!(file.unwrap(), "symbol\r\nA");
        for wrong in [&[("note", "x")][..], &[("file", "a"), ("file", "b")], &[]] {
            assert_eq!(form(wrong).await.unwrap_err().kind(), Kind::BodyInvalid);
        }
        let cut = file_of("--b\r\ncontent-disp".into(), "b".to_owned()).await;
        assert_eq!(cut.unwrap_err().kind(), Kind::BodyInvalid);
    }

    #[test]
    fn a_file_comes_as_csv_or_in_a_form() {
        let taken = |text: &'static str| {
            let headers = [(CONTENT_TYPE, HeaderValue::from_static(text))];
            Form::of(&headers.into_iter().collect()).is_some()
        };
        for known in [
            "text/csv",
            "Text/CSV; charset=utf-8",
            "application/csv",
            "multipart/form-data; boundary=x",
        ] {
            assert!(taken(known), "{known}");
        }
        for other in ["", "text/plain", "application/json", "multipart/form-data"] {
            assert!(!taken(other), "{other}");
        }
    }
}
