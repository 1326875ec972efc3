//! What every resource of the workspace does.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::LOCATION;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::row::Shown;
use super::{Acting, Exposed, OwnedRow, Which, done, found, id, limited};
use crate::app::App;
use crate::current_user::CurrentUser;
use crate::guards::{Admin, Invited};
use crate::input::Input;
use crate::page::PageOf;
use crate::parameters::Id;
use crate::problem::Problem;

/// The largest body, in bytes: several times the longest text, and the largest JSON that a row keeps.
const MAX_BYTES: usize = 512 * 1024;

/// The body of a request that writes a row.
pub(crate) type Body<T> = Input<T, MAX_BYTES>;

/// Who is to own a row.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOwner {
    /// The user, by our id.
    pub(super) user_id: Uuid,
}

pub(super) async fn list<R: Exposed>(
    Acting { scope, .. }: Acting<CurrentUser>,
    State(app): State<App>,
    Which { filter, page, .. }: Which<R>,
) -> Result<Json<PageOf<Shown<R>>>, Problem> {
    let page = R::rows(&app).list(&scope, filter, page).await?;
    Ok(Json(PageOf::showing(page, OwnedRow::of)))
}

pub(super) async fn one<R: Exposed>(
    Acting { scope, .. }: Acting<CurrentUser>,
    State(app): State<App>,
    Id(text): Id,
) -> Result<Json<Shown<R>>, Problem> {
    let row = R::rows(&app).find(&scope, id(&text)?).await?;
    found(row).map(OwnedRow::of).map(Json)
}

pub(super) async fn create<R: Exposed>(
    Acting { scope, caller, .. }: Acting<Invited>,
    State(app): State<App>,
    Input(fields): Body<R::Fields>,
) -> Result<Response, Problem> {
    let most = R::limit(&caller);
    let written = R::rows(&app).create(&scope, fields.into(), most).await?;
    let row = limited(written, R::LIMIT_REACHED)?;
    Ok(created::<R, _>(row.id, OwnedRow::<R::Fields>::of(row)))
}

/// The answer to what has made a row: where it is, and itself.
pub(crate) fn created<R: Exposed, T: Serialize>(id: Uuid, body: T) -> Response {
    let place = format!("/api/v1{}/{id}", R::PATH);
    (StatusCode::CREATED, [(LOCATION, place)], Json(body)).into_response()
}

pub(super) async fn change<R: Exposed>(
    Acting { scope, .. }: Acting<Invited>,
    State(app): State<App>,
    Id(text): Id,
    Input(changes): Body<R::Changes>,
) -> Result<Json<Shown<R>>, Problem> {
    let (id, patch) = (id(&text)?, changes.into());
    let written = R::rows(&app).change(&scope, id, patch).await?;
    done(written).map(OwnedRow::of).map(Json)
}

pub(super) async fn delete<R: Exposed>(
    Acting { scope, .. }: Acting<Invited>,
    State(app): State<App>,
    Id(text): Id,
) -> Result<StatusCode, Problem> {
    let was_there = R::rows(&app).delete(&scope, id(&text)?).await?;
    found(was_there.then_some(StatusCode::NO_CONTENT))
}

pub(super) async fn give<R: Exposed>(
    Acting { scope, .. }: Acting<Admin>,
    State(app): State<App>,
    Id(text): Id,
    Input(NewOwner { user_id }): Input<NewOwner>,
) -> Result<Json<Shown<R>>, Problem> {
    let written = R::rows(&app).give(&scope, id(&text)?, user_id).await?;
    done(written).map(OwnedRow::of).map(Json)
}
