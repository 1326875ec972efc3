//! What a listing is worth by a ruleset, and how well it fits a profile. Nothing is written.

use axum::Json;
use axum::extract::State;
use domain::workspace::{
    AppliedRule, Decimal, Effect, Listing, Ruleset, Scope, Score, ScorePart, Valuation, Weights,
    score_listing, value_listing,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::guards::Invited;
use crate::input::Input;
use crate::owned::{Acting, alike, found, id, reference_unknown};
use crate::parameters::Id;
use crate::problem::{Kind, Problem, ProblemBody};

/// Which listing.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfListing {
    /// The caller's own, or one that is shared with him.
    listing_id: Uuid,
}

/// What a listing is worth, and why.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ValuationShown {
    /// What it costs: where the rules began.
    #[schema(value_type = Option<String>)]
    price: Option<Decimal>,
    currency: Option<String>,
    #[schema(value_type = String, example = "1125")]
    value: Decimal,
    /// Every rule that applied, in order.
    applied: Vec<AppliedShown>,
}

/// A rule that applied.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AppliedShown {
    /// Which one, from 1.
    number: usize,
    name: String,
    /// `{"add": …}`, `{"multiply": …}` or `{"set": …}`.
    #[schema(value_type = Object)]
    effect: Effect,
    #[schema(value_type = String)]
    before: Decimal,
    /// A product is rounded to 12 digits after the point, halves to the even digit.
    #[schema(value_type = String)]
    after: Decimal,
}

/// How well a listing fits.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScoreShown {
    /// The mean of the fields, each by its weight, to 6 digits after the point.
    #[schema(value_type = String, example = "0.8125")]
    score: Decimal,
    parts: Vec<ScorePartShown>,
    /// Fields that the listing does not have, or that are no numbers: they count as nothing.
    missing: Vec<String>,
}

/// What one field adds.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScorePartShown {
    field: String,
    #[schema(value_type = String)]
    weight: Decimal,
    /// True is 1 and false 0; a condition is between 1 (new) and 0 (broken).
    #[schema(value_type = String)]
    value: Decimal,
    #[schema(value_type = String)]
    part: Decimal,
}

/// Values a listing by a ruleset.
#[utoipa::path(
    post, path = "/valuation-rulesets/{id}/evaluate", tag = "workspace", security(("session" = [])),
    params(("id" = String, Path)),
    request_body(content = OfListing, content_type = "application/json"),
    responses(
        (status = 200, description = "What it is worth", body = ValuationShown),
        (status = 400, description = "`body_invalid`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid session: the code says why", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`invite_required`, `user_inactive`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "`resource_not_found`: the ruleset", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "`reference_unknown`: the listing; `calculation_failed`: a rule makes the value too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`store_unavailable`, `keys_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn evaluate(
    Acting { scope, .. }: Acting<Invited>,
    State(app): State<App>,
    Id(text): Id,
    Input(OfListing { listing_id }): Input<OfListing>,
) -> Result<Json<ValuationShown>, Problem> {
    let ruleset = found(app.workspace.rulesets.find(&scope, id(&text)?).await?)?;
    let rules = Ruleset::read(&ruleset.body.rules).map_err(|error| failed(&error))?;
    let listing = listing(&app, &scope, listing_id).await?;
    let valuation = value_listing(&rules, &listing).map_err(|error| failed(&error))?;
    Ok(Json(valuation.into()))
}

/// Scores a listing by a profile.
#[utoipa::path(
    post, path = "/profiles/{id}/score", tag = "workspace", security(("session" = [])),
    params(("id" = String, Path)),
    request_body(content = OfListing, content_type = "application/json"),
    responses(
        (status = 200, description = "How well it fits", body = ScoreShown),
        (status = 400, description = "`body_invalid`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid session: the code says why", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`invite_required`, `user_inactive`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "`resource_not_found`: the profile", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "`reference_unknown`: the listing; `calculation_failed`: the profile weighs nothing, or the score is too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`store_unavailable`, `keys_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn score(
    Acting { scope, .. }: Acting<Invited>,
    State(app): State<App>,
    Id(text): Id,
    Input(OfListing { listing_id }): Input<OfListing>,
) -> Result<Json<ScoreShown>, Problem> {
    let profile = found(app.workspace.profiles.find(&scope, id(&text)?).await?)?;
    let weights = Weights::read(&profile.body.weights).map_err(|error| failed(&error))?;
    let listing = listing(&app, &scope, listing_id).await?;
    let score = score_listing(&weights, &listing).map_err(|error| failed(&error))?;
    Ok(Json(score.into()))
}

async fn listing(app: &App, scope: &Scope, id: Uuid) -> Result<Listing, Problem> {
    let row = app.workspace.listings.find(scope, id).await?;
    row.map(|row| row.body)
        .ok_or_else(|| reference_unknown("listing_id"))
}

fn failed(error: &dyn std::error::Error) -> Problem {
    Problem::with_detail(Kind::CalculationFailed, error.to_string())
}

impl From<Valuation> for ValuationShown {
    fn from(valuation: Valuation) -> Self {
        let Valuation {
            price,
            currency,
            value,
            applied,
        } = valuation;
        Self {
            price,
            currency,
            value,
            applied: applied.into_iter().map(AppliedShown::from).collect(),
        }
    }
}

impl From<Score> for ScoreShown {
    fn from(score: Score) -> Self {
        let Score {
            score,
            parts,
            missing,
        } = score;
        Self {
            score,
            parts: parts.into_iter().map(ScorePartShown::from).collect(),
            missing,
        }
    }
}

alike! {
    AppliedRule => AppliedShown { number, name, effect, before, after }
    ScorePart => ScorePartShown { field, weight, value, part }
}
