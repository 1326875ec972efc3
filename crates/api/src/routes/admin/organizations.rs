//! Organizations.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::{List, OrganizationFilter, Tier};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{PageOf, Parameters, Reader, parameters};
use crate::app::App;
use crate::problem::{Problem, ProblemBody};

/// Which organizations, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct OrganizationQuery {
    /// Rows on a page: 50 unless said, 200 at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// What the name holds, what the slug begins with, or the id at Clerk; 255 characters at most.
    q: Option<String>,
    /// Deleted ones too.
    #[param(value_type = Option<bool>)]
    include_deleted: Option<String>,
}

/// An organization.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrganizationShown {
    #[schema(example = "org_2aBcDeFgHiJkLmNoPqRsTuVwXyZ")]
    clerk_organization_id: String,
    name: Option<String>,
    slug: Option<String>,
    image_url: Option<String>,
    #[schema(value_type = Object)]
    public_metadata: Value,
    /// Clerk's id of the user who made it.
    created_by: Option<String>,
    /// What the organization pays for; null where it pays for nothing.
    tier: Option<String>,
    /// When the tier lapses unless Clerk says more.
    tier_until: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    deleted_at: Option<DateTime<Utc>>,
}

impl From<domain::Organization> for OrganizationShown {
    fn from(organization: domain::Organization) -> Self {
        let domain::Organization {
            clerk_organization_id,
            name,
            slug,
            image_url,
            public_metadata,
            created_by,
            tier,
            tier_until,
            created_at,
            updated_at,
            deleted_at,
            version: _,
        } = organization;
        Self {
            clerk_organization_id: clerk_organization_id.into_string(),
            name,
            slug,
            image_url,
            public_metadata,
            created_by,
            tier: tier.as_ref().map(Tier::to_string),
            tier_until,
            created_at,
            updated_at,
            deleted_at,
        }
    }
}

/// Organizations, by Clerk's id downwards.
#[utoipa::path(
    get, path = "/admin/organizations", tag = "admin", params(OrganizationQuery), security(("session" = []), ("service" = [])),
    responses(
        (status = 200, description = "A page", body = PageOf<OrganizationShown>),
        (status = 400, description = "`parameter_invalid`, naming the parameter", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid session or service token", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`role_required`, `user_inactive`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`store_unavailable`, `keys_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    _reader: Reader,
    State(app): State<App>,
    Parameters(query): Parameters<OrganizationQuery>,
) -> Result<Json<PageOf<OrganizationShown>>, Problem> {
    let OrganizationQuery {
        limit,
        cursor,
        q,
        include_deleted,
    } = query;
    let filter = OrganizationFilter {
        q: parameters::text("q", q)?,
        include_deleted: parameters::flag("include_deleted", include_deleted)?,
    };
    let page = parameters::page(List::Organizations, limit, cursor)?;
    let found = app.overview.organizations(filter, page).await?;
    Ok(Json(PageOf::showing(found, OrganizationShown::from)))
}
