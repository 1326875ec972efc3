//! What the caller has used this month.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::{FeatureUsage, Month};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::current_user::CurrentUser;
use crate::problem::{Problem, ProblemBody};

/// Metered features by name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MyUsage {
    /// Every metered feature of the policy.
    #[schema(example = json!({"ai_messages": {"used": 12, "limit": 100, "remaining": 87, "resets_at": "2026-12-01T00:00:00Z"}}))]
    features: BTreeMap<String, MyFeature>,
}

/// One metered feature in this calendar month (UTC).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MyFeature {
    /// What is used for good.
    #[schema(example = 12)]
    used: u64,
    /// What the tier in force allows.
    #[schema(example = 100)]
    limit: u64,
    /// What is left; what is held for work that is going on is not.
    #[schema(example = 87)]
    remaining: u64,
    /// When counting begins anew.
    resets_at: DateTime<Utc>,
}

/// What the caller has used this month of each metered feature, and what is left of it.
///
/// Exact at the moment of the answer, as the store has it: work that is going on counts as gone from `remaining`. `/me`
/// has the counts too, but of what is used for good alone.
#[utoipa::path(
    get, path = "/me/usage", tag = "auth", security(("session" = [])),
    responses(
        (status = 200, description = "The counts", body = MyUsage),
        (status = 401, description = "No valid session: the code says why", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`user_inactive`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`keys_unavailable`, `store_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn usage(
    caller: CurrentUser,
    State(app): State<App>,
) -> Result<Json<MyUsage>, Problem> {
    let now = Utc::now();
    let counted = app.usage.usage(caller.user.id, now).await?;
    let month = Month::of(now);
    let policy = app.policy.current();
    let features = policy.metered().map(|feature| {
        let name = feature.as_str();
        let counted = counted.iter().find(|usage| usage.feature == name);
        let nothing = || FeatureUsage::none(name.to_owned(), month);
        let usage = counted.cloned().unwrap_or_else(nothing);
        let limit = caller.entitlements.limits.per_month(name);
        let limit = u64::from(limit.unwrap_or_default());
        let shown = MyFeature {
            used: usage.used,
            limit,
            remaining: usage.remaining(limit),
            resets_at: month.resets_at(),
        };
        (name.to_owned(), shown)
    });
    Ok(Json(MyUsage {
        features: features.collect(),
    }))
}
