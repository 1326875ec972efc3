//! The switches of the Frontend API, which Clerk's dashboard has.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use crate::body::Body;
use crate::instance::{FrontendSettings, Instance};

pub(super) async fn get(State(instance): State<Arc<Instance>>) -> Json<FrontendSettings> {
    Json(instance.frontend_settings())
}

/// Replaces all of them; those that are left out are as at first.
pub(super) async fn put(
    State(instance): State<Arc<Instance>>,
    Body(settings): Body<FrontendSettings>,
) -> Json<FrontendSettings> {
    instance.set_frontend_settings(settings);
    Json(instance.frontend_settings())
}
