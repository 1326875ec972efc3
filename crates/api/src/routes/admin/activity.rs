//! How much there is, and how much goes on.

use axum::Json;
use axum::extract::State;
use chrono::{NaiveDate, Utc};
use domain::{DayActivity, Outcome};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{AdminCaller, Parameters};
use crate::app::App;
use crate::problem::{Problem, ProblemBody};
use crate::query::invalid;

const USUAL_DAYS: u32 = 14;
const MOST_DAYS: u32 = 90;

/// How many days.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ActivityQuery {
    /// Days (UTC) up to today: 14 unless said, 90 at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 90)]
    days: Option<String>,
}

/// How much there is, and how much went on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Activity {
    totals: TotalsShown,
    /// The oldest first, today last; every day is there.
    days: Vec<Day>,
}

/// How many of each there are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TotalsShown {
    /// Users who are not deleted.
    users: u64,
    /// Organizations that are not deleted.
    organizations: u64,
    /// Sessions in use.
    sessions: u64,
}

/// One day (UTC).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Day {
    #[schema(value_type = String, example = "2026-11-22")]
    day: NaiveDate,
    /// Sessions that began.
    sign_ins: u64,
    deliveries: DayDeliveries,
}

/// Deliveries of a day, by what became of them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DayDeliveries {
    applied: u64,
    stale: u64,
    ignored: u64,
    quarantined: u64,
    rejected: u64,
}

impl From<DayActivity> for Day {
    fn from(activity: DayActivity) -> Self {
        Self {
            day: activity.day,
            sign_ins: activity.sign_ins,
            deliveries: DayDeliveries {
                applied: activity.of(Outcome::Applied),
                stale: activity.of(Outcome::Stale),
                ignored: activity.of(Outcome::Ignored),
                quarantined: activity.of(Outcome::Quarantined),
                rejected: activity.of(Outcome::Rejected),
            },
        }
    }
}

/// How many users, organizations and sessions there are, and deliveries and sign-ins day by day.
///
/// The ledger of deliveries reaches back as far as its lines are kept.
#[utoipa::path(
    get, path = "/admin/activity", tag = "admin", params(ActivityQuery), security(("session" = [])),
    responses(
        (status = 200, description = "The figures", body = Activity),
        (status = 400, description = "`parameter_invalid`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid session", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`role_required`, `user_inactive`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`store_unavailable`, `keys_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn activity(
    _admin: AdminCaller,
    State(app): State<App>,
    Parameters(ActivityQuery { days }): Parameters<ActivityQuery>,
) -> Result<Json<Activity>, Problem> {
    let wrong = || invalid("days", format!("must be a number from 1 to {MOST_DAYS}"));
    let days = match days.as_deref() {
        None | Some("") => USUAL_DAYS,
        Some(text) => text.parse().map_err(|_| wrong())?,
    };
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(wrong());
    }
    let now = Utc::now();
    let totals = app.overview.totals(now).await?;
    let days = app.overview.activity(now.date_naive(), days).await?;
    Ok(Json(Activity {
        totals: TotalsShown {
            users: totals.users,
            organizations: totals.organizations,
            sessions: totals.sessions,
        },
        days: days.into_iter().map(Day::from).collect(),
    }))
}
