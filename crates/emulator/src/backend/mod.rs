//! Clerk's Backend API under `/v1`. Answers are `Content-Type: application/json` and nothing more: Clerk's own client
//! takes anything else for text.

mod billing;
mod clients;
mod domains;
mod email_addresses;
mod error;
mod images;
mod invitations;
mod memberships;
mod organizations;
mod phone_numbers;
mod query;
mod roles;
mod routes;
mod sessions;
mod settings;
mod sign_in_tokens;
mod sign_up_invitations;
mod templates;
mod unknown;
mod user_lookup;
mod user_query;
mod users;
mod waitlist;
mod written;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, FromRequestParts, Request};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, USER_AGENT};
use axum::http::request::Parts;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, patch, post};

pub(crate) use error::ApiError;
pub(crate) use query::Query;
pub(crate) use unknown::{unknown, wrong_method};
pub(crate) use written::Written;

use crate::faults::inflict;
use crate::instance::{Caller, Instance};

/// Every route here needs the secret key, also those that do not exist.
pub(crate) fn router(instance: &Arc<Instance>) -> Router<Arc<Instance>> {
    Router::new()
        .route("/users", get(users::list).post(users::create))
        .route("/users/count", get(users::count))
        .route(
            "/users/{id}",
            get(users::get).patch(users::update).delete(users::delete),
        )
        .route(
            "/users/{id}/metadata",
            patch(users::merge_metadata).put(users::replace_metadata),
        )
        .route("/users/{id}/ban", post(users::ban))
        .route("/users/{id}/unban", post(users::unban))
        .route("/users/{id}/lock", post(users::lock))
        .route("/users/{id}/unlock", post(users::unlock))
        .route("/users/{id}/verify_password", post(users::verify_password))
        .route(
            "/users/{id}/organization_memberships",
            get(memberships::of_user),
        )
        .route(
            "/users/{id}/organization_invitations",
            get(invitations::of_user),
        )
        .route("/email_addresses", post(email_addresses::create))
        .route(
            "/email_addresses/{id}",
            patch(email_addresses::update).delete(email_addresses::delete),
        )
        .route("/sessions", get(sessions::list).post(sessions::create))
        .route("/sessions/{id}", get(sessions::get))
        .route("/sessions/{id}/revoke", post(sessions::revoke))
        .route("/sessions/{id}/tokens", post(sessions::token))
        .route(
            "/sessions/{id}/tokens/{template}",
            post(sessions::template_token),
        )
        .route("/sign_in_tokens", post(sign_in_tokens::create))
        .route("/sign_in_tokens/{id}/revoke", post(sign_in_tokens::revoke))
        .route(
            "/clients/handshake_payload",
            get(sign_in_tokens::handshake_payload),
        )
        .merge(organization_routes())
        .merge(routes::more())
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(
            Arc::clone(instance),
            inflict,
        ))
        .layer(middleware::from_fn(require_secret_key))
}

fn organization_routes() -> Router<Arc<Instance>> {
    Router::new()
        .route(
            "/organizations",
            get(organizations::list).post(organizations::create),
        )
        .route(
            "/organizations/{id}",
            get(organizations::get)
                .patch(organizations::update)
                .delete(organizations::delete),
        )
        .route(
            "/organizations/{id}/metadata",
            patch(organizations::merge_metadata).put(organizations::replace_metadata),
        )
        .route(
            "/organizations/{id}/memberships",
            get(memberships::of_organization).post(memberships::create),
        )
        .route(
            "/organizations/{id}/memberships/{user_id}",
            patch(memberships::update).delete(memberships::delete),
        )
        .route(
            "/organizations/{id}/memberships/{user_id}/metadata",
            patch(memberships::merge_metadata),
        )
        .route(
            "/organizations/{id}/invitations",
            get(invitations::of_organization).post(invitations::create),
        )
        .route(
            "/organizations/{id}/invitations/{invitation_id}",
            get(invitations::get),
        )
        .route(
            "/organizations/{id}/invitations/{invitation_id}/revoke",
            post(invitations::revoke),
        )
        .route("/billing/plans", get(billing::plans))
        .route("/billing/subscription_items", get(billing::items))
        .route("/users/{id}/billing/subscription", get(billing::of_user))
        .route(
            "/organizations/{id}/billing/subscription",
            get(billing::of_organization),
        )
        .route("/organization_memberships", get(memberships::of_instance))
        .route("/organization_invitations", get(invitations::of_instance))
}

async fn require_secret_key(request: Request, next: Next) -> Result<Response, ApiError> {
    check_secret_key(request.headers())?;
    Ok(next.run(request).await)
}

/// Any `Bearer sk_test_…` will do: an emulator that wants one certain key only adds a step to everybody's set-up.
pub(crate) fn check_secret_key(headers: &HeaderMap) -> Result<(), ApiError> {
    let value = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let accepted = value.split_once(' ').is_some_and(|(scheme, key)| {
        scheme.eq_ignore_ascii_case("bearer") && key.trim().starts_with("sk_test_")
    });
    if accepted {
        Ok(())
    } else {
        Err(ApiError::key_invalid())
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let mut caller = Self::default();
        if let Some(ConnectInfo(peer)) = parts.extensions.get::<ConnectInfo<SocketAddr>>() {
            caller.client_ip = peer.ip().to_string();
        }
        if let Some(agent) = parts
            .headers
            .get(USER_AGENT)
            .and_then(|value| value.to_str().ok())
        {
            caller.user_agent = agent.to_owned();
        }
        Ok(caller)
    }
}
