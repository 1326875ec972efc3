//! Clerk's Frontend API under `/__clerk`, as its browser libraries use it: `/v1/…` for calls, `/npm/…` for their own
//! bundles, plain pages to sign in and out.
//!
//! Browsers send GET and POST only, forms instead of JSON, and the true method in the query; `edge` undoes that before
//! a route is chosen. What changes something answers `{"response": …, "client": …}`; the client beside the answer is
//! what updates the page.

mod bundles;
mod edge;
mod environment;
mod error;
mod form;
mod handshake;
mod invitations;
mod me;
mod members;
mod organizations;
mod picture;
mod portal;
mod sessions;
mod shown;
mod sign_ins;
mod sign_ups;
mod social;
mod visitor;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};

use crate::backend::{unknown, wrong_method};
use crate::instance::Instance;

pub(crate) use bundles::router as bundles;
pub(crate) use error::Answer;

/// More than any form holds.
const FORM_LIMIT: usize = 64 * 1024;
/// More than any picture that Clerk takes.
const PICTURE_LIMIT: usize = 11 * 1024 * 1024;

/// To be nested under `/__clerk`. The rewriting stands around a router of its own, because routes are chosen inside.
/// `loopback`: the emulator listens on a loopback address only.
pub(crate) fn router(instance: &Arc<Instance>, loopback: bool) -> Router {
    let routes = Router::new()
        .nest("/v1", calls())
        .merge(bundles())
        .merge(portal::router().layer(DefaultBodyLimit::max(FORM_LIMIT)))
        .route("/img/{id}", get(picture::get))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .with_state(Arc::clone(instance));
    let guarded = from_fn_with_state((Arc::clone(instance), loopback), edge::guard);
    Router::new()
        .fallback_service(routes)
        .layer(from_fn(edge::rewrite))
        .layer(guarded)
}

fn calls() -> Router<Arc<Instance>> {
    Router::new()
        .route("/dev_browser", post(sessions::new_dev_browser))
        .route(
            "/environment",
            get(environment::get).patch(environment::get),
        )
        .route("/client/handshake", get(handshake::handshake))
        .route("/client/touch", get(handshake::touch))
        .route("/client/sign_ups", post(sign_ups::create))
        .route(
            "/client/sign_ups/{id}",
            get(sign_ups::get).patch(sign_ups::update),
        )
        .route(
            "/client/sign_ups/{id}/prepare_verification",
            post(sign_ups::prepare),
        )
        .route(
            "/client/sign_ups/{id}/attempt_verification",
            post(sign_ups::attempt),
        )
        .route("/waitlist", post(sign_ups::wait))
        .route("/client/sign_ins", post(sign_ins::create))
        .route(
            "/client/sign_ins/{id}",
            get(sign_ins::get).patch(sign_ins::update),
        )
        .route(
            "/client/sign_ins/{id}/prepare_first_factor",
            post(sign_ins::prepare),
        )
        .route(
            "/client/sign_ins/{id}/attempt_first_factor",
            post(sign_ins::attempt),
        )
        .route(
            "/client/sign_ins/{id}/reset_password",
            post(sign_ins::reset_password),
        )
        .merge(sessions())
        .merge(me())
        .merge(organizations())
        .layer(DefaultBodyLimit::max(FORM_LIMIT))
        .merge(pictures())
}

fn sessions() -> Router<Arc<Instance>> {
    Router::new()
        .route(
            "/client",
            get(sessions::client)
                .put(sessions::create_client)
                .post(sessions::create_client)
                .delete(sessions::remove_all),
        )
        .route(
            "/client/sessions",
            axum::routing::delete(sessions::remove_all),
        )
        .route("/client/sessions/{id}", get(sessions::get))
        .route("/client/sessions/{id}/touch", post(sessions::touch))
        .route("/client/sessions/{id}/tokens", post(sessions::token))
        .route(
            "/client/sessions/{id}/tokens/{template}",
            post(sessions::template_token),
        )
        .route("/client/sessions/{id}/remove", post(sessions::remove))
        .route("/client/sessions/{id}/end", post(sessions::end))
}

fn me() -> Router<Arc<Instance>> {
    Router::new()
        .route("/me", get(me::get).patch(me::update).delete(me::delete))
        .route("/me/metadata", axum::routing::patch(me::merge_metadata))
        .route("/me/change_password", post(me::change_password))
        .route("/me/remove_password", post(me::remove_password))
        .route(
            "/me/email_addresses",
            get(me::emails).post(me::create_email),
        )
        .route(
            "/me/email_addresses/{id}",
            get(me::email).delete(me::delete_email),
        )
        .route(
            "/me/email_addresses/{id}/prepare_verification",
            post(me::prepare_email),
        )
        .route(
            "/me/email_addresses/{id}/attempt_verification",
            post(me::attempt_email),
        )
        .route("/me/sessions", get(me::sessions))
        .route("/me/sessions/active", get(me::sessions))
        .route("/me/sessions/{id}/revoke", post(me::revoke_session))
        .route("/me/organization_memberships", get(members::mine))
        .route(
            "/me/organization_memberships/{id}",
            axum::routing::delete(members::leave),
        )
        .route("/me/organization_invitations", get(invitations::mine))
        .route(
            "/me/organization_invitations/{id}/accept",
            post(invitations::accept),
        )
        .route("/me/organization_suggestions", get(organizations::nothing))
        .route(
            "/me/organization_creation_defaults",
            get(organizations::creation_defaults),
        )
}

fn organizations() -> Router<Arc<Instance>> {
    Router::new()
        .route("/organizations", post(organizations::create))
        .route(
            "/organizations/{id}",
            get(organizations::get)
                .patch(organizations::update)
                .delete(organizations::delete),
        )
        .route(
            "/organizations/{id}/memberships",
            get(members::list).post(members::add),
        )
        .route(
            "/organizations/{id}/memberships/{user_id}",
            axum::routing::patch(members::change_role).delete(members::remove),
        )
        .route(
            "/organizations/{id}/invitations",
            get(invitations::list).post(invitations::create),
        )
        .route(
            "/organizations/{id}/invitations/bulk",
            post(invitations::create_many),
        )
        .route(
            "/organizations/{id}/invitations/{invitation_id}/revoke",
            post(invitations::revoke),
        )
        .route("/organizations/{id}/roles", get(organizations::roles))
        .route("/organizations/{id}/domains", get(organizations::domains))
        .route(
            "/organizations/{id}/membership_requests",
            get(organizations::nothing_of),
        )
}

/// Uploads, which are larger than forms.
fn pictures() -> Router<Arc<Instance>> {
    Router::new()
        .route(
            "/me/profile_image",
            post(me::set_picture).delete(me::remove_picture),
        )
        .layer(DefaultBodyLimit::max(PICTURE_LIMIT))
}
