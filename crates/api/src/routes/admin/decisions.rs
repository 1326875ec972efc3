//! What admins decide about users: role, tier, whether the account is open, whether tokens count.

use axum::Json;
use axum::extract::State;
use chrono::Utc;
use domain::{ClerkId, Decided, Policy, Role, Tier, WriteBack};
use serde::Deserialize;
use utoipa::ToSchema;

use super::shown::AdminUser;
use super::users::{key, unknown};
use super::{AdminCaller, Id, Input};
use crate::app::App;
use crate::input::{Reason, given, words};
use crate::problem::{Kind, Problem, ProblemBody};

/// A role for a user.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "growth", "reason": "moved to the growth programme"}))]
pub(crate) struct RoleGiven {
    /// One of the policy's; null gives the role back to the rules.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, required = true)]
    role: Option<Option<String>>,
    /// The admin's own words, for the audit log: 500 characters at most.
    #[serde(default)]
    #[schema(max_length = 500)]
    reason: Option<String>,
}

/// A tier for a user.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"tier": "paid", "reason": "goodwill until the invoice is settled"}))]
pub(crate) struct TierGiven {
    /// One of the policy's; null gives the tier back to what is paid for.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, required = true)]
    tier: Option<Option<String>>,
    /// The admin's own words, for the audit log: 500 characters at most.
    #[serde(default)]
    #[schema(max_length = 500)]
    reason: Option<String>,
}

/// Gives a user a role.
///
/// It beats every rule, and no webhook undoes it; `null` gives the role back to the rules. It holds from the user's next
/// request on. The last admin stays one.
#[utoipa::path(
    patch, path = "/admin/users/{id}/role", tag = "admin", security(("session" = [])),
    params(("id" = String, Path, description = "Our id or Clerk's", example = "user_2g7np7Hrk0SN6kj5EDMLDaKNL0S")),
    request_body(content = RoleGiven, content_type = "application/json"),
    responses(
        (status = 200, description = "The user as he is then", body = AdminUser),
        (status = 400, description = "`body_invalid`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid session", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`role_required`, `user_inactive`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "`user_not_found`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`last_admin`, `user_gone`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "`role_unknown`, naming the known ones", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`store_unavailable`, `keys_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn role(
    admin: AdminCaller,
    State(app): State<App>,
    Id(id): Id,
    Input(RoleGiven { role, reason }): Input<RoleGiven>,
) -> Result<Json<AdminUser>, Problem> {
    let policy = &app.policy.current();
    let role =
        match role.ok_or_else(|| missing("role"))? {
            None => None,
            Some(name) => Some(policy.role_named(&name).cloned().ok_or_else(|| {
                no_such(Kind::RoleUnknown, "role", policy.roles().map(Role::as_str))
            })?),
        };
    let (key, by) = (key(&id), admin.signs(words("reason", reason)?));
    let written_back = app.settings.role_write_back;
    let decided = app
        .administration
        .set_role(&key, role, written_back, by.clone(), &configured(policy))
        .await?;
    if written_back && let Decided::Changed { before, user } = &decided {
        app.write_backs.wanted(WriteBack::Role {
            clerk_user_id: user.clerk_user_id.clone(),
            former: before.role_override.clone(),
            by,
        });
    }
    shown(&app, decided)
}

/// Gives a user a tier.
///
/// It beats every plan, and no webhook undoes it; `null` gives the tier back to what is paid for. It holds from the
/// user's next request on.
#[utoipa::path(
    patch, path = "/admin/users/{id}/tier", tag = "admin", security(("session" = [])),
    params(("id" = String, Path, description = "Our id or Clerk's", example = "user_2g7np7Hrk0SN6kj5EDMLDaKNL0S")),
    request_body(content = TierGiven, content_type = "application/json"),
    responses(
        (status = 200, description = "The user as he is then", body = AdminUser),
        (status = 400, description = "`body_invalid`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid session", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`role_required`, `user_inactive`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "`user_not_found`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`user_gone`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "`tier_unknown`, naming the known ones", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`store_unavailable`, `keys_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn tier(
    admin: AdminCaller,
    State(app): State<App>,
    Id(id): Id,
    Input(TierGiven { tier, reason }): Input<TierGiven>,
) -> Result<Json<AdminUser>, Problem> {
    let policy = &app.policy.current();
    let tier =
        match tier.ok_or_else(|| missing("tier"))? {
            None => None,
            Some(name) => Some(policy.tier_named(&name).cloned().ok_or_else(|| {
                no_such(Kind::TierUnknown, "tier", policy.tiers().map(Tier::as_str))
            })?),
        };
    let by = admin.signs(words("reason", reason)?);
    let decided = app.administration.set_tier(&key(&id), tier, by).await?;
    shown(&app, decided)
}

/// Closes a user's account here, whatever Clerk says. His very next request is refused (403 `user_inactive`).
#[utoipa::path(
    post, path = "/admin/users/{id}/deactivate", tag = "admin", security(("session" = [])),
    params(("id" = String, Path, description = "Our id or Clerk's", example = "user_2g7np7Hrk0SN6kj5EDMLDaKNL0S")),
    request_body(content = Reason, content_type = "application/json"),
    responses(
        (status = 200, description = "The user as he is then", body = AdminUser),
        (status = 400, description = "`body_invalid`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid session", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`role_required`, `user_inactive`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "`user_not_found`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`last_admin`, `user_gone`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`store_unavailable`, `keys_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn deactivate(
    admin: AdminCaller,
    State(app): State<App>,
    Id(id): Id,
    Input(reason): Input<Reason>,
) -> Result<Json<AdminUser>, Problem> {
    let by = admin.signs(reason.checked()?);
    let admins = configured(&app.policy.current());
    let decided = app
        .administration
        .deactivate(&key(&id), by, &admins)
        .await?;
    shown(&app, decided)
}

/// Opens a user's account again. It stays closed as long as Clerk bans him.
#[utoipa::path(
    post, path = "/admin/users/{id}/reactivate", tag = "admin", security(("session" = [])),
    params(("id" = String, Path, description = "Our id or Clerk's", example = "user_2g7np7Hrk0SN6kj5EDMLDaKNL0S")),
    request_body(content = Reason, content_type = "application/json"),
    responses(
        (status = 200, description = "The user as he is then", body = AdminUser),
        (status = 400, description = "`body_invalid`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid session", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`role_required`, `user_inactive`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "`user_not_found`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`user_gone`, `erasure_already_requested`: call the erasure off first", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`store_unavailable`, `keys_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn reactivate(
    admin: AdminCaller,
    State(app): State<App>,
    Id(id): Id,
    Input(reason): Input<Reason>,
) -> Result<Json<AdminUser>, Problem> {
    let by = admin.signs(reason.checked()?);
    let decided = app.administration.reactivate(&key(&id), by).await?;
    shown(&app, decided)
}

/// Ends every session of a user, and every token of his that was issued until now.
///
/// Here at once: a token that was good a moment ago is refused, remembered or not. At Clerk in the background, where a
/// secret key is set; without one, sessions of which no webhook has told go on there, and so do the tokens they give.
#[utoipa::path(
    post, path = "/admin/users/{id}/revoke-sessions", tag = "admin", security(("session" = [])),
    params(("id" = String, Path, description = "Our id or Clerk's", example = "user_2g7np7Hrk0SN6kj5EDMLDaKNL0S")),
    request_body(content = Reason, content_type = "application/json"),
    responses(
        (status = 200, description = "The user as he is then", body = AdminUser),
        (status = 400, description = "`body_invalid`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid session", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`role_required`, `user_inactive`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "`user_not_found`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`user_gone`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`store_unavailable`, `keys_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn revoke_sessions(
    admin: AdminCaller,
    State(app): State<App>,
    Id(id): Id,
    Input(reason): Input<Reason>,
) -> Result<Json<AdminUser>, Problem> {
    let by = admin.signs(reason.checked()?);
    let begun_until = by.at;
    let decided = app.administration.revoke_tokens(&key(&id), by).await?;
    if let Decided::Changed { user, .. } = &decided {
        app.write_backs.wanted(WriteBack::EndOfSessions {
            clerk_user_id: user.clerk_user_id.clone(),
            begun_until,
        });
    }
    shown(&app, decided)
}

/// The users whom the configuration makes admin.
pub(super) fn configured(policy: &Policy) -> Vec<ClerkId> {
    policy.admins().iter().cloned().collect()
}

fn missing(field: &str) -> Problem {
    Problem::with_field(Kind::BodyInvalid, field, "must be there; null clears it")
}

fn no_such<'a>(kind: Kind, field: &str, known: impl Iterator<Item = &'a str>) -> Problem {
    let known: Vec<&str> = known.collect();
    let message = format!("must be null or one of {}", known.join(", "));
    Problem::with_field(kind, field, message)
}

pub(super) fn shown(app: &App, decided: Decided) -> Result<Json<AdminUser>, Problem> {
    match decided {
        Decided::Changed { user, .. } | Decided::Unchanged(user) => Ok(Json(AdminUser::new(
            *user,
            &app.policy.current(),
            Utc::now(),
        ))),
        Decided::Unknown => Err(unknown()),
        Decided::Deleted => Err(Problem::of(Kind::UserGone)),
        Decided::LastAdmin => Err(last_admin()),
        Decided::Erasing(erasure) => {
            let due_at = erasure.due_at.to_rfc3339();
            let detail = format!("to be forgotten at {due_at}: call the erasure off first");
            Err(Problem::with_detail(Kind::ErasureAlready, detail))
        }
    }
}

pub(super) fn last_admin() -> Problem {
    Problem::with_detail(Kind::LastAdmin, "nobody would be admin afterwards")
}
