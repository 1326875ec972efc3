//! Every route on one screen, grouped by who calls it.

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::any;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::group::Group;
use crate::outer::OuterLayer;
use crate::routes::{changes, health, me, my_events, stream_ticket, verify, webhook};
use crate::{fallback, legacy_bridge, openapi};

/// What Clerk calls: proven by its signature.
fn for_clerk(prefix: &'static str) -> OpenApiRouter<App> {
    Group::under(prefix)
        .routes(routes!(webhook::receive))
        .public()
}

/// What signed-in users call: `CurrentUser` stands in every signature.
fn for_users(prefix: &'static str) -> OpenApiRouter<App> {
    Group::under(prefix)
        .routes(routes!(me::me))
        .routes(routes!(stream_ticket::issue))
        // Documented as GET; proxies send the client's method, whatever it is.
        .routes(routes!(verify::verify))
        .route("/auth/verify", any(verify::verify))
        .route("/auth/verify/", any(verify::verify_appended))
        .route("/auth/verify/{*appended}", any(verify::verify_appended))
        .private()
}

/// What signed-in users follow, also by ticket: `StreamCaller` stands in every signature.
fn for_listeners(prefix: &'static str) -> OpenApiRouter<App> {
    Group::under(prefix)
        .routes(routes!(my_events::my_events))
        .private()
}

/// What admins and machine callers call: `FeedReader` stands in every signature.
fn for_followers(prefix: &'static str) -> OpenApiRouter<App> {
    Group::under(prefix)
        .routes(routes!(changes::changes))
        .private()
}

/// What anybody may call.
fn for_anybody() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health::summary))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
}

fn api(prefix: &'static str) -> OpenApiRouter<App> {
    for_clerk(prefix)
        .merge(for_users(prefix))
        .merge(for_listeners(prefix))
        .merge(for_followers(prefix))
}

fn documented() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(openapi::frame())
        .merge(for_anybody())
        .merge(api("/api/v1"))
}

/// The OpenAPI document of every route.
pub(crate) fn document() -> OpenApi {
    documented().to_openapi()
}

/// The whole HTTP side. Paths under `/api/v1` are documented and answer under `/api` too.
pub fn router(app: App) -> Router {
    let (routes, document) = documented().split_for_parts();
    let (alias, _) = api("/api").split_for_parts();
    let limit = app.settings.request_timeout;
    let mut routes = routes.merge(alias);
    if app.legacy.is_some() {
        routes = routes.layer(from_fn_with_state(app.clone(), legacy_bridge::announce));
    }
    routes
        .fallback(fallback::not_found)
        .method_not_allowed_fallback(fallback::method_not_allowed)
        .with_state(app)
        .merge(openapi::page(document))
        .layer(OuterLayer::new(limit))
}
