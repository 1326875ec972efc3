//! The application: apart from `main`, so that a test can call it.

use auth::axum::{Session, Sessions};
use axum::Router;
use axum::routing::get;

/// One route that greets the user, one that greets anybody, and one whose handler does not care who asks, behind the layer.
pub(crate) fn router(sessions: Sessions) -> Router {
    Router::new()
        .route("/report", get(async || "the report"))
        .route_layer(sessions.layer())
        .route("/hello", get(hello).post(hello))
        .route("/", get(welcome))
        .with_state(sessions)
}

async fn hello(session: Session) -> String {
    format!("hello, {}", session.user_id)
}

async fn welcome(session: Option<Session>) -> String {
    session.map_or_else(
        || "welcome, stranger".to_owned(),
        |session| format!("welcome back, {}", session.user_id),
    )
}
