//! The routes of the Backend API beside users, sessions, organizations and their members.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, post, put};

use super::{
    billing, clients, domains, email_addresses, images, invitations, phone_numbers, roles,
    sessions, settings, sign_up_invitations, templates, users, waitlist,
};
use crate::instance::Instance;

/// What Clerk lets images weigh, in bytes.
const IMAGE_LIMIT: usize = 10 * 1024 * 1024;

pub(super) fn more() -> Router<Arc<Instance>> {
    Router::new()
        .merge(of_users())
        .merge(of_organizations())
        .merge(of_the_instance())
        .merge(with_images())
}

fn of_users() -> Router<Arc<Instance>> {
    Router::new()
        .route("/users/ban", post(users::ban_many))
        .route("/users/unban", post(users::unban_many))
        .route("/users/{id}/email_address", put(email_addresses::replace))
        .route("/users/{id}/remove_password", post(users::remove_password))
        .route("/users/{id}/mfa", delete(users::disable_second_factors))
        .route(
            "/users/{id}/external_accounts/{account_id}",
            delete(users::remove_account),
        )
        .route("/email_addresses/{id}", get(email_addresses::get))
        .route("/phone_numbers", post(phone_numbers::create))
        .route(
            "/phone_numbers/{id}",
            get(phone_numbers::get)
                .patch(phone_numbers::update)
                .delete(phone_numbers::delete),
        )
        .route("/users/{id}/phone_number", put(phone_numbers::replace))
        .route("/clients/{id}", get(clients::get))
        .route("/clients/verify", post(clients::verify))
        .route("/sessions/{id}/refresh", post(sessions::refresh))
        .route("/sessions/{id}/verify", post(sessions::verify))
        .route(
            "/invitations",
            get(sign_up_invitations::list).post(sign_up_invitations::create),
        )
        .route("/invitations/bulk", post(sign_up_invitations::create_many))
        .route(
            "/invitations/{id}/revoke",
            post(sign_up_invitations::revoke),
        )
        .route(
            "/waitlist_entries",
            get(waitlist::list).post(waitlist::create),
        )
        .route("/waitlist_entries/bulk", post(waitlist::create_many))
        .route("/waitlist_entries/{id}", delete(waitlist::delete))
        .route("/waitlist_entries/{id}/invite", post(waitlist::invite))
        .route("/waitlist_entries/{id}/reject", post(waitlist::reject))
}

fn of_organizations() -> Router<Arc<Instance>> {
    Router::new()
        .route(
            "/organizations/{id}/invitations/bulk",
            post(invitations::create_many),
        )
        .route(
            "/organizations/{id}/invitations/pending",
            get(invitations::pending),
        )
        .route(
            "/organizations/{id}/domains",
            get(domains::of_organization).post(domains::create),
        )
        .route(
            "/organizations/{id}/domains/{domain_id}",
            axum::routing::patch(domains::update).delete(domains::delete),
        )
        .route(
            "/organizations/{id}/domains/{domain_id}/verify_ownership",
            post(domains::verify),
        )
        .route("/organization_domains", get(domains::of_instance))
        .route("/organization_roles", get(roles::list))
        .route("/organization_roles/{id}", get(roles::get))
        .route("/organization_permissions", get(roles::permissions))
        .route("/organization_permissions/{id}", get(roles::permission))
}

fn of_the_instance() -> Router<Arc<Instance>> {
    Router::new()
        .route(
            "/jwt_templates",
            get(templates::list).post(templates::create),
        )
        .route(
            "/jwt_templates/{id}",
            get(templates::get)
                .patch(templates::update)
                .delete(templates::delete),
        )
        .route(
            "/billing/subscription_items/{id}",
            delete(billing::cancel_item),
        )
        .route(
            "/billing/subscription_items/{id}/extend_free_trial",
            post(billing::extend_trial),
        )
        .route("/instance", get(settings::instance))
        .route(
            "/instance/organization_settings",
            get(settings::organizations),
        )
        .route("/domains", get(settings::domains))
        .route("/testing_tokens", post(settings::testing_token))
        .route(
            "/webhooks/svix",
            post(settings::svix).delete(settings::no_svix),
        )
        .route("/webhooks/svix_url", post(settings::svix))
}

fn with_images() -> Router<Arc<Instance>> {
    Router::new()
        .route(
            "/users/{id}/profile_image",
            post(images::set_profile_image).delete(images::delete_profile_image),
        )
        .route(
            "/organizations/{id}/logo",
            put(images::set_logo).delete(images::delete_logo),
        )
        .layer(DefaultBodyLimit::max(IMAGE_LIMIT))
}
