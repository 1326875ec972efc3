//! The caller's own settings in the team's product.

use axum::Json;
use axum::extract::State;
use chrono::Utc;
use domain::{PreferencesError, PreferencesOutcome, UserKey};
use serde_json::Value;

use crate::app::App;
use crate::current_user::CurrentUser;
use crate::json_body::JsonBody;
use crate::problem::{Kind, Problem, ProblemBody};
use crate::request_id::RequestId;

/// The caller's preferences: one JSON object, empty in the beginning.
#[utoipa::path(
    get, path = "/me/preferences", tag = "auth", security(("session" = [])),
    responses(
        (status = 200, description = "The preferences", body = Object, example = json!({"theme": "dark", "email": {"digest": true}})),
        (status = 401, description = "No valid session: the code says why", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`user_inactive`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`keys_unavailable`, `store_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn read(caller: CurrentUser) -> Json<Value> {
    Json(caller.user.preferences.clone())
}

/// Changes the caller's preferences by a JSON merge patch (RFC 7396): what the patch names is set, `null` takes a member
/// away, everything else stays.
///
/// After the patch they have at most 16 KiB as compact JSON, 8 levels, and no U+0000. Patches that come at the same time
/// are applied one after the other. Nothing else of a user can be changed here: `role` is a preference like any other
/// word.
#[utoipa::path(
    patch, path = "/me/preferences", tag = "auth", security(("session" = [])),
    request_body(
        description = "A JSON object; `application/json` is taken too",
        content((Object = "application/merge-patch+json", example = json!({"theme": "dark", "sidebar": null}))),
    ),
    responses(
        (status = 200, description = "The preferences as they are now", body = Object, example = json!({"theme": "dark", "email": {"digest": true}})),
        (status = 400, description = "`body_invalid`: no JSON; `preferences_invalid`: no object, too deep, or U+0000", body = ProblemBody, content_type = "application/problem+json",
            example = json!({"type": "urn:clerk-sync:problem:preferences_invalid", "title": "Invalid preferences", "status": 400, "code": "preferences_invalid", "detail": "preferences are at most 8 levels deep", "instance": "0197"})),
        (status = 401, description = "No valid session: the code says why", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`user_inactive`, `origin_not_allowed`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "`preferences_too_large`: more than 16 KiB after the patch; `body_too_large`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`keys_unavailable`, `store_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn change(
    caller: CurrentUser,
    State(app): State<App>,
    request: RequestId,
    JsonBody(patch): JsonBody<Value>,
) -> Result<Json<Value>, Problem> {
    let by = caller.attribution(Some(&request), None, Utc::now());
    let key = UserKey::from(caller.user.id);
    match app
        .administration
        .patch_preferences(&key, &patch, by)
        .await?
    {
        PreferencesOutcome::Written(user) => Ok(Json(user.preferences)),
        // Deleted since he was let in.
        PreferencesOutcome::Unknown => Err(Problem::of(Kind::UserDeleted)),
        PreferencesOutcome::Refused(refusal) => Err(refused(refusal)),
    }
}

fn refused(refusal: PreferencesError) -> Problem {
    let kind = match refusal {
        PreferencesError::TooLarge { .. } => Kind::PreferencesTooLarge,
        PreferencesError::NotAnObject
        | PreferencesError::TooDeep
        | PreferencesError::NulCharacter => Kind::PreferencesInvalid,
    };
    Problem::with_detail(kind, refusal.to_string())
}
