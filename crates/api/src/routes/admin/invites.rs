//! Invites: codes that let users in.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::{Invite, InviteCode, InviteCreation, List, NewInvite};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{AdminCaller, Id, Input, PageOf, Parameters, parameters};
use crate::app::App;
use crate::input::{Reason, words};
use crate::problem::{Kind, Problem, ProblemBody};

/// An invite to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"max_uses": 25, "expires_at": "2027-03-31T00:00:00Z", "note": "conference"}))]
pub(crate) struct InviteWanted {
    /// A code of one's own, 4 letters or digits at least; case, spaces and hyphens do not count. Without one a code is
    /// made that cannot be guessed.
    #[serde(default)]
    code: Option<String>,
    /// How many users it lets in; any number unless said.
    #[serde(default)]
    #[schema(minimum = 1)]
    max_uses: Option<u32>,
    /// From when on it counts no more.
    #[serde(default)]
    expires_at: Option<DateTime<Utc>>,
    /// What it is for: 500 characters at most.
    #[serde(default)]
    #[schema(max_length = 500)]
    note: Option<String>,
}

/// An invite, without its code.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InviteShown {
    id: Uuid,
    /// How many users it lets in; null for any number.
    max_uses: Option<u64>,
    /// How many it has let in.
    uses: u64,
    expires_at: Option<DateTime<Utc>>,
    /// When it was taken back.
    revoked_at: Option<DateTime<Utc>>,
    note: Option<String>,
    /// A Clerk id or `system`.
    created_by: String,
    created_at: DateTime<Utc>,
}

/// An invite that was just made, with its code: the one time that it is shown.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InviteMade {
    #[schema(example = "7QKM-2W0X-9D4E-HT6Z-1RBC-8NVS-3PAJ")]
    code: String,
    #[serde(flatten)]
    invite: InviteShown,
}

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct InviteQuery {
    /// Rows on a page: 50 unless said, 200 at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

impl From<Invite> for InviteShown {
    fn from(invite: Invite) -> Self {
        let Invite {
            id,
            max_uses,
            uses,
            expires_at,
            revoked_at,
            note,
            created_by,
            created_at,
        } = invite;
        Self {
            id,
            max_uses,
            uses,
            expires_at,
            revoked_at,
            note,
            created_by,
            created_at,
        }
    }
}

/// Makes an invite.
#[utoipa::path(
    post, path = "/admin/invites", tag = "admin", security(("session" = [])),
    request_body(content = InviteWanted, content_type = "application/json"),
    responses(
        (status = 201, description = "The invite and its code, shown once", body = InviteMade),
        (status = 400, description = "`body_invalid`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid session", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`role_required`, `user_inactive`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`invite_code_taken`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`store_unavailable`, `keys_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create(
    admin: AdminCaller,
    State(app): State<App>,
    Input(wanted): Input<InviteWanted>,
) -> Result<(StatusCode, Json<InviteMade>), Problem> {
    let InviteWanted {
        code,
        max_uses,
        expires_at,
        note,
    } = wanted;
    let wrong = |field, message: String| Problem::with_field(Kind::BodyInvalid, field, message);
    let code = match code {
        None => None,
        Some(text) => {
            Some(InviteCode::parse(&text).map_err(|error| wrong("code", error.to_string()))?)
        }
    };
    if max_uses == Some(0) {
        return Err(wrong("max_uses", "must be 1 or more".to_owned()));
    }
    let by = admin.signs(None);
    if expires_at.is_some_and(|expires_at| expires_at <= by.at) {
        return Err(wrong("expires_at", "must be in the future".to_owned()));
    }
    let invite = NewInvite {
        code,
        max_uses,
        expires_at,
        note: words("note", note)?,
    };
    match app.invites.create(invite, by).await? {
        InviteCreation::CodeTaken => Err(Problem::of(Kind::InviteCodeTaken)),
        InviteCreation::Created { invite, code } => {
            let made = InviteMade {
                code: code.shown().to_owned(),
                invite: invite.into(),
            };
            Ok((StatusCode::CREATED, Json(made)))
        }
    }
}

/// Invites, the latest first, without their codes.
#[utoipa::path(
    get, path = "/admin/invites", tag = "admin", params(InviteQuery), security(("session" = [])),
    responses(
        (status = 200, description = "A page", body = PageOf<InviteShown>),
        (status = 400, description = "`parameter_invalid`, naming the parameter", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid session", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`role_required`, `user_inactive`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`store_unavailable`, `keys_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    _admin: AdminCaller,
    State(app): State<App>,
    Parameters(InviteQuery { limit, cursor }): Parameters<InviteQuery>,
) -> Result<Json<PageOf<InviteShown>>, Problem> {
    let page = parameters::page(List::Invites, limit, cursor)?;
    let found = app.invites.list(page).await?;
    Ok(Json(PageOf::showing(found, InviteShown::from)))
}

/// Takes an invite back: it lets nobody in any more, and those whom it has let in stay.
#[utoipa::path(
    delete, path = "/admin/invites/{id}", tag = "admin", security(("session" = [])),
    params(("id" = Uuid, Path, description = "The invite's id")),
    request_body(content = Reason, content_type = "application/json"),
    responses(
        (status = 200, description = "The invite as it is then", body = InviteShown),
        (status = 400, description = "`body_invalid`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid session", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`role_required`, `user_inactive`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "`invite_not_found`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`store_unavailable`, `keys_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn revoke(
    admin: AdminCaller,
    State(app): State<App>,
    Id(id): Id,
    Input(reason): Input<Reason>,
) -> Result<Json<InviteShown>, Problem> {
    let by = admin.signs(reason.checked()?);
    let unknown = || Problem::with_detail(Kind::InviteNotFound, "no invite has this id");
    let id = Uuid::parse_str(&id).map_err(|_| unknown())?;
    let revoked = app.invites.revoke(id, by).await?;
    Ok(Json(revoked.ok_or_else(unknown)?.into()))
}
