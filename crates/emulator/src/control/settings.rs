//! `/__emu/settings`: what clients must be told, with everything that only a running emulator knows.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::HOST;
use serde_json::{Map, Value, json};

use crate::backend::{ApiError, Query};
use crate::client_settings::{Client, Reached};
use crate::instance::Instance;
use crate::params::invalid;

/// `{client: {NAME: value}}`, of one client with `client=`. The origin is the one by which the emulator was reached.
pub(super) async fn get(
    State(instance): State<Arc<Instance>>,
    headers: HeaderMap,
    query: Query,
) -> Result<Json<Value>, ApiError> {
    let one = query.one("client").map(|name| {
        let unknown = |_| {
            invalid(
                "client",
                "clerk-js, next, express, backend, python, rust or clerk-sync",
            )
        };
        name.parse::<Client>().map_err(unknown)
    });
    let one = one.transpose()?;
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let origin = format!("http://{}", host.unwrap_or(crate::DEFAULT_BIND));
    let secret = instance.webhook_secret();
    let reached = Reached {
        origin: &origin,
        webhook_secret: Some(&secret),
        jwt_key: Some(instance.key().public_pem()),
    };
    let wanted = Client::ALL
        .into_iter()
        .filter(|it| one.is_none_or(|one| one == *it));
    let all: Map<String, Value> = wanted
        .map(|client| {
            let settings = client.settings(reached).into_iter();
            let settings = settings.map(|(name, value)| (name.to_owned(), json!(value)));
            (
                client.name().to_owned(),
                settings.collect::<Map<_, _>>().into(),
            )
        })
        .collect();
    Ok(Json(all.into()))
}
