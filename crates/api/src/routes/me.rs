//! The caller's own record.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::Entitlements;
use futures_util::FutureExt as _;
use futures_util::future::Map;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use serde::Serialize;
use serde_json::Value;
use tower_service::Service;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::current_user::CurrentUser;
use crate::metering::AI_MESSAGES;
use crate::problem::{Kind, Problem, ProblemBody};

use super::me_answers::Grounds;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Headers that the answer has in the end, so that the map of them is made once.
const HEADERS: usize = 8;

/// The caller, with what he may do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    /// Ours; stays when everything else changes.
    id: Uuid,
    /// Clerk's.
    #[schema(example = "user_2g7np7Hrk0SN6kj5EDMLDaKNL0S")]
    clerk_user_id: String,
    /// The primary address.
    #[schema(example = "ann@example.com")]
    email: Option<String>,
    /// Whether the primary address is verified.
    email_verified: bool,
    first_name: Option<String>,
    last_name: Option<String>,
    full_name: Option<String>,
    /// Where the avatar is.
    image_url: Option<String>,
    #[schema(example = "solo")]
    role: String,
    /// What gave the role: `configuration`, `override`, `rule 2: organization`, `default`.
    #[schema(example = "default")]
    role_source: Option<String>,
    #[schema(example = "free")]
    tier: String,
    /// What gave the tier: `override`, `plan`, `public_metadata`, `default`.
    #[schema(example = "default")]
    tier_source: Option<String>,
    /// The organization that is active in this session.
    organization: Option<Organization>,
    /// Whether the user may pass the invite gate: by a code that he has given, as an admin, or because the gate is open.
    invite_validated: bool,
    is_active: bool,
    /// The user's own settings.
    #[schema(value_type = Object)]
    preferences: Value,
    /// The user's oldest portfolio.
    portfolio_id: Option<Uuid>,
    portfolio_count: u32,
    limits: MyLimits,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    last_login_at: Option<DateTime<Utc>>,
}

/// The organization that is active in this session, as the token says.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Organization {
    /// Clerk's.
    id: String,
    slug: Option<String>,
    /// The caller's role in it, with its prefix.
    #[schema(example = "org:admin")]
    role: Option<String>,
}

/// How much the caller may do, and how much of it is left.
#[derive(Debug, Serialize, ToSchema)]
struct MyLimits {
    max_portfolios: u32,
    /// For each calendar month (UTC).
    max_ai_messages: u32,
    /// This month; work that is going on does not count yet.
    ai_messages_used: u64,
    /// What is left of this month's limit.
    ai_messages_remaining: u64,
}

/// Who is calling.
#[utoipa::path(
    get, path = "/auth/me", tag = "auth", security(("session" = [])),
    responses(
        (status = 200, description = "The caller", body = Me),
        (status = 401, description = "No valid session: the code says why", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`user_inactive`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "`user_not_found`: no webhook has told of this user, and provisioning is off", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`keys_unavailable`, `store_unavailable`, `request_timeout`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn me(State(app): State<App>, caller: CurrentUser) -> Result<Response, Problem> {
    let now = Utc::now();
    let ai_messages_used = match &caller.usage {
        Some(usage) => usage.used_at(AI_MESSAGES, now),
        // A token of a previous login, or a first request.
        None => {
            let counted = app.usage.usage(caller.user.id, now).await?;
            let of_it = counted.iter().find(|usage| usage.feature == AI_MESSAGES);
            of_it.map_or(0, |usage| usage.used)
        }
    };
    let user = &caller.user;
    let invite = app.policy.current().require_invite(
        &caller.entitlements,
        user.invite_validated_at,
        app.settings.invites.is_enforced,
    );
    let grounds = Grounds {
        user,
        entitlements: &caller.entitlements,
        organization: caller.proof.organization(),
        ai_messages_used,
        portfolios: caller.portfolios,
        invite_validated: invite.is_ok(),
    };
    let body = app
        .me_answers
        .answer(&grounds, || serde_json::to_vec(&Me::new(&grounds)));
    let body = body.map_err(|error| {
        tracing::error!(%error, "a caller cannot be written as JSON");
        Problem::of(Kind::Internal)
    })?;
    let mut response = Response::new(body.into());
    let mut headers = HeaderMap::with_capacity(HEADERS);
    headers.insert(CONTENT_TYPE, JSON);
    *response.headers_mut() = headers;
    Ok(response)
}

/// The route by itself, for whoever has found it without the router.
#[derive(Clone)]
pub(crate) struct MeRoute(pub(crate) App);

impl Service<Request> for MeRoute {
    type Response = Response;
    type Error = Infallible;
    type Future = MeFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let app = self.0.clone();
        Handler::call(me, request, app).map(Ok)
    }
}
type MeFuture = Map<
    Pin<Box<dyn Future<Output = Response> + Send>>,
    fn(Response) -> Result<Response, Infallible>,
>;

impl Organization {
    pub(crate) fn of(organization: &auth::ActiveOrganization) -> Self {
        Self {
            id: organization.id.clone(),
            slug: organization.slug.clone(),
            role: organization.role.clone(),
        }
    }

    /// Whether the other would be shown alike.
    pub(crate) fn is(&self, other: &auth::ActiveOrganization) -> bool {
        let Self { id, slug, role } = self;
        *id == other.id && *slug == other.slug && *role == other.role
    }
}

impl Me {
    /// From the grounds and nothing else: what they do not have would be out of date in an answer that is kept.
    fn new(grounds: &Grounds<'_>) -> Self {
        let Grounds {
            user,
            entitlements,
            organization,
            ai_messages_used,
            portfolios,
            invite_validated,
        } = grounds;
        let Entitlements {
            role,
            tier,
            limits,
            role_source,
            tier_source,
            features: _,
        } = (*entitlements).clone();
        let max_ai_messages = limits.per_month(AI_MESSAGES).unwrap_or_default();
        Self {
            id: user.id,
            clerk_user_id: user.clerk_user_id.to_string(),
            email: user.email.clone(),
            email_verified: user.email_verified,
            first_name: user.first_name.clone(),
            last_name: user.last_name.clone(),
            full_name: user.full_name.clone(),
            image_url: user.image_url.clone(),
            role: role.to_string(),
            role_source: role_source.map(|source| source.to_string()),
            tier: tier.to_string(),
            tier_source: tier_source.map(|source| source.to_string()),
            organization: organization.map(Organization::of),
            invite_validated: *invite_validated,
            portfolio_id: portfolios.first,
            portfolio_count: u32::try_from(portfolios.count).unwrap_or(u32::MAX),
            limits: MyLimits {
                max_portfolios: limits.max_portfolios,
                max_ai_messages,
                ai_messages_used: *ai_messages_used,
                ai_messages_remaining: u64::from(max_ai_messages).saturating_sub(*ai_messages_used),
            },
            is_active: user.is_active,
            preferences: user.preferences.clone(),
            created_at: user.created_at,
            updated_at: user.updated_at,
            last_login_at: user.last_login_at,
        }
    }
}
