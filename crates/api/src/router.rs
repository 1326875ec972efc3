//! Every route on one screen, grouped by who calls it.

use axum::Router;
use axum::middleware::{from_fn_with_state, map_response};
use axum::routing::any;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::routes::{changes, health, me, my_events, stream_ticket, verify, webhook};
use crate::fixed_headers::private;
use crate::outer::OuterLayer;
use crate::{fallback, legacy_bridge, openapi};

/// What Clerk calls: proven by its signature.
fn for_clerk() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(webhook::receive))
}

/// What signed-in users call: `CurrentUser` stands in every signature.
fn for_users() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(me::me))
        .routes(routes!(stream_ticket::issue))
        // Documented as GET; proxies send the client's method, whatever it is.
        .routes(routes!(verify::verify))
        .route("/auth/verify", any(verify::verify))
        .route("/auth/verify/", any(verify::verify_appended))
        .route("/auth/verify/{*appended}", any(verify::verify_appended))
        .layer(map_response(private))
}

/// What signed-in users follow, also by ticket: `StreamCaller` stands in every signature.
fn for_listeners() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(my_events::my_events))
        .layer(map_response(private))
}

/// What admins and machine callers call: `FeedReader` stands in every signature.
fn for_followers() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(changes::changes))
        .layer(map_response(private))
}

/// What anybody may call.
fn for_anybody() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health::summary))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
}

fn api() -> OpenApiRouter<App> {
    for_clerk()
        .merge(for_users())
        .merge(for_listeners())
        .merge(for_followers())
}

fn documented() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(openapi::frame())
        .merge(for_anybody())
        .nest("/api/v1", api())
}

/// The OpenAPI document of every route.
pub(crate) fn document() -> OpenApi {
    documented().to_openapi()
}

/// The whole HTTP side. Paths under `/api/v1` are documented and answer under `/api` too.
pub fn router(app: App) -> Router {
    let (routes, document) = documented().split_for_parts();
    let (alias, _) = api().split_for_parts();
    let limit = app.settings.request_timeout;
    let mut routes = routes.nest("/api", alias);
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
