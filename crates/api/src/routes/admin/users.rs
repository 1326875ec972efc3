//! Users: lists of them, and one with all that belongs to him.

use std::convert::Infallible;

use axum::Json;
use axum::extract::State;
use chrono::Utc;
use domain::{List, UserFilter, UserKey, UserOverview};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::audit::Line;
use super::erasure::ErasureShown;
use super::sessions::SessionShown;
use super::shown::{Address, AdminUser, Place, Used};
use super::{Id, PageOf, Parameters, Reader, parameters};
use crate::app::App;
use crate::problem::{Kind, Problem, ProblemBody};

/// Which users, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct UserQuery {
    /// Rows on a page: 50 unless said, 200 at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// What an address or the user name begins with, what the name holds, or the id at Clerk; 255 characters at most.
    #[param(example = "ann@")]
    q: Option<String>,
    /// The role, as the policy names it and the row has it.
    #[param(example = "growth")]
    role: Option<String>,
    /// The tier, as the policy names it and the row has it.
    #[param(example = "paid")]
    tier: Option<String>,
    /// Deleted users too.
    #[param(value_type = Option<bool>)]
    include_deleted: Option<String>,
}

/// A user with all that belongs to him. Machine callers see neither sessions nor history.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserWhole {
    #[serde(flatten)]
    user: AdminUser,
    /// Every address.
    emails: Vec<Address>,
    /// The latest sessions, the newest first, 50 at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    sessions: Option<Vec<SessionShown>>,
    organizations: Vec<Place>,
    /// What was used this month.
    usage: Vec<Used>,
    /// The latest lines of the audit log about him, the newest first, 50 at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<Vec<Line>>,
    /// The latest request to forget him.
    #[serde(skip_serializing_if = "Option::is_none")]
    erasure: Option<ErasureShown>,
}

/// Users, the latest first.
///
/// Pages neither repeat nor skip a user who was there when the first one was read, whatever is written meanwhile.
#[utoipa::path(
    get, path = "/admin/users", tag = "admin", params(UserQuery), security(("session" = []), ("service" = [])),
    responses(
        (status = 200, description = "A page", body = PageOf<AdminUser>),
        (status = 400, description = "`parameter_invalid`, naming the parameter", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid session or service token", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`role_required`, `user_inactive`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`store_unavailable`, `keys_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    _reader: Reader,
    State(app): State<App>,
    Parameters(query): Parameters<UserQuery>,
) -> Result<Json<PageOf<AdminUser>>, Problem> {
    let UserQuery {
        limit,
        cursor,
        q,
        role,
        tier,
        include_deleted,
    } = query;
    let policy = &app.policy.current();
    let roles = policy.roles().map(|role| (role.as_str(), role.clone()));
    let tiers = policy.tiers().map(|tier| (tier.as_str(), tier.clone()));
    let filter = UserFilter {
        q: parameters::text("q", q)?,
        role: parameters::one_of("role", role, roles)?,
        tier: parameters::one_of("tier", tier, tiers)?,
        include_deleted: parameters::flag("include_deleted", include_deleted)?,
    };
    let page = parameters::page(List::Users, limit, cursor)?;
    let (users, now) = (app.overview.users(filter, page).await?, Utc::now());
    Ok(Json(PageOf::showing(users, |user| {
        AdminUser::new(user, policy, now)
    })))
}

/// One user with all that belongs to him, deleted or not.
#[utoipa::path(
    get, path = "/admin/users/{id}", tag = "admin", security(("session" = []), ("service" = [])),
    params(("id" = String, Path, description = "Our id or Clerk's", example = "user_2g7np7Hrk0SN6kj5EDMLDaKNL0S")),
    responses(
        (status = 200, description = "The user", body = UserWhole),
        (status = 401, description = "No valid session or service token", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`role_required`, `user_inactive`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "`user_not_found`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`store_unavailable`, `keys_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn one(
    reader: Reader,
    State(app): State<App>,
    Id(id): Id,
) -> Result<Json<UserWhole>, Problem> {
    let now = Utc::now();
    let found = app.overview.user_overview(&key(&id), now).await?;
    let UserOverview {
        user,
        emails,
        sessions,
        organizations,
        usage,
        history,
        erasure,
    } = found.ok_or_else(unknown)?;
    let has = app.policy.current().entitlements(&user, now);
    let is_machine = matches!(reader, Reader::Machine);
    let sessions = sessions.into_iter().map(|row| SessionShown::new(row, now));
    let history = history.into_iter().map(Line::from);
    let usage = usage.into_iter().map(|usage| Used::new(usage, &has));
    Ok(Json(UserWhole {
        user: AdminUser::new(user, &app.policy.current(), now),
        emails: emails.into_iter().map(Address::from).collect(),
        sessions: (!is_machine).then(|| sessions.collect()),
        organizations: organizations.into_iter().map(Place::from).collect(),
        usage: usage.collect(),
        history: (!is_machine).then(|| history.collect()),
        erasure: erasure.filter(|_| !is_machine).map(ErasureShown::from),
    }))
}

/// A user as a path names him.
pub(super) fn key(text: &str) -> UserKey {
    let Ok(key) = text.parse::<UserKey>() as Result<_, Infallible>;
    key
}

/// Nobody has this id.
pub(super) fn unknown() -> Problem {
    Problem::with_detail(Kind::UserNotFound, "no user has this id")
}
