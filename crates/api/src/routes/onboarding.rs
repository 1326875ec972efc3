//! How a user gets in: by an invite code.

use axum::Json;
use axum::extract::State;
use chrono::Utc;
use domain::{InviteAttempt, InviteCode, InviteOutcome};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::current_user::CurrentUser;
use crate::input::Input;
use crate::peer::PeerAddress;
use crate::problem::{Kind, Problem, ProblemBody};
use crate::request_id::RequestId;

/// A code as it was typed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InviteToValidate {
    /// Case, spaces, hyphens, underscores and full stops do not count.
    #[schema(example = "K7QM-2XWD-9H4T-1CVB-6NZR-8PEJ-3GYF")]
    invite_code: String,
}

/// What became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InviteValidated {
    /// `validated`.
    #[schema(example = "validated")]
    status: &'static str,
}

/// Gives an invite code: from then on the caller may change things, for good.
///
/// Whoever has done so before is told the same, whatever he gives. One answer stands for codes that are wrong, used up,
/// expired or taken back. Failed attempts are counted for the user and for his address, by the hour, before anything is
/// compared.
#[utoipa::path(
    post, path = "/onboarding/validate-invite", tag = "onboarding", security(("session" = [])),
    request_body = InviteToValidate,
    responses(
        (status = 200, description = "The caller's invite is validated", body = InviteValidated),
        (status = 400, description = "`invalid_invite_code`; `body_invalid`", body = ProblemBody, content_type = "application/problem+json",
            example = json!({"type": "urn:clerk-sync:problem:invalid_invite_code", "title": "Invalid invite code", "status": 400, "code": "invalid_invite_code", "instance": "0197"})),
        (status = 401, description = "No valid session: the code says why", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`user_inactive`, `origin_not_allowed`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_attempts`: this one was not looked at; `Retry-After` and `retry_at` say when the next one will be", body = ProblemBody, content_type = "application/problem+json",
            example = json!({"type": "urn:clerk-sync:problem:too_many_attempts", "title": "Too many failed attempts", "status": 429, "code": "too_many_attempts", "retry_at": "2026-11-21T13:00:00Z", "instance": "0197"})),
        (status = 503, description = "`keys_unavailable`, `store_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn validate_invite(
    caller: CurrentUser,
    State(app): State<App>,
    request: RequestId,
    PeerAddress(address): PeerAddress,
    Input(given): Input<InviteToValidate>,
) -> Result<Json<InviteValidated>, Problem> {
    let attempt = InviteAttempt {
        user_id: caller.user.id,
        address,
        digest: InviteCode::parse(&given.invite_code)
            .ok()
            .map(|code| code.digest()),
        by: caller.attribution(Some(&request), None, Utc::now()),
    };
    let rules = app.settings.invites.rules.clone();
    let user = caller.user.id;
    match app.invites.redeem(attempt, rules).await? {
        InviteOutcome::Validated { .. } => Ok(Json(InviteValidated {
            status: "validated",
        })),
        InviteOutcome::Refused { is_alarming } => {
            app.security_log.invite_refused(user, address, is_alarming);
            Err(Problem::of(Kind::InvalidInviteCode))
        }
        InviteOutcome::Limited { retry_at } => {
            app.security_log.invite_limited(user, address);
            Err(Problem::of(Kind::TooManyAttempts).until(retry_at))
        }
        // Deleted since he was let in.
        InviteOutcome::UserUnknown => Err(Problem::of(Kind::UserDeleted)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::Router;
    use axum::routing::post;
    use chrono::TimeDelta;
    use domain::{MockInvites, Policy};
    use serde_json::json;

    use super::*;
    use crate::security_log::InviteTries;
    use crate::test_app::{self, People, token, user};

    #[tokio::test]
    async fn tries_that_let_nobody_in_are_counted() {
        let mut outcomes = vec![
            InviteOutcome::Limited {
                retry_at: Utc::now() + TimeDelta::minutes(1),
            },
            InviteOutcome::Refused { is_alarming: true },
            InviteOutcome::Refused { is_alarming: false },
            InviteOutcome::Validated {
                user: Box::new(user("ann", "solo", "free")),
                is_first: true,
            },
        ];
        let mut invites = MockInvites::new();
        let redeem = invites.expect_redeem().times(4);
        redeem.returning(move |_, _| Ok(outcomes.pop().unwrap()));
        let people = People::of([user("ann", "solo", "free")]);
        let app = test_app::app(&people, Policy::built_in(), |parts| {
            parts.invites = Arc::new(invites);
        });
        let (token, body) = (token("ann", &json!({})), json!({"invite_code": "guess"}));
        for (status, code, refused, limited) in [
            (200, "", 0, 0),
            (400, "invalid_invite_code", 1, 0),
            (400, "invalid_invite_code", 2, 0),
            (429, "too_many_attempts", 2, 1),
        ] {
            let routes = Router::new().route("/validate", post(validate_invite));
            let answer = test_app::post(&app, routes, "/validate", &token, &body).await;
            assert_eq!(answer.problem(), (status, code));
            assert_eq!(app.invite_tries(), InviteTries { refused, limited });
        }
    }
}
