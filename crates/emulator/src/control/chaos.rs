//! `/__emu/chaos`, and the rotation of the webhook secret.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::backend::ApiError;
use crate::body::Body;
use crate::chaos::Chaos;
use crate::instance::Instance;

/// The settings in use.
pub(super) async fn get(State(instance): State<Arc<Instance>>) -> Json<Chaos> {
    Json(instance.chaos())
}

/// Replaces all settings; what is absent has its default, so `{}` ends the chaos.
pub(super) async fn put(
    State(instance): State<Arc<Instance>>,
    Body(chaos): Body<Chaos>,
) -> Result<Json<Chaos>, ApiError> {
    instance.set_chaos(chaos)?;
    Ok(get(State(instance)).await)
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Rotation {
    secret: Option<String>,
    grace_seconds: u64,
}

impl Default for Rotation {
    /// Svix's day.
    fn default() -> Self {
        Self {
            secret: None,
            grace_seconds: 86_400,
        }
    }
}

/// Signs with another secret from now on, and with the old one beside it for `grace_seconds`. Answers `{secret}`.
pub(super) async fn rotate(
    State(instance): State<Arc<Instance>>,
    Body(rotation): Body<Rotation>,
) -> Result<Json<Value>, ApiError> {
    let grace = Duration::from_secs(rotation.grace_seconds);
    let secret = instance.rotate_webhook_secret(rotation.secret.as_deref(), grace)?;
    Ok(Json(json!({ "secret": secret })))
}
