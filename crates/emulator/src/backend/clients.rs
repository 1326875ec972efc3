//! `/v1/clients`: the browsers of sessions, for reading.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::ApiError;
use crate::body::Body;
use crate::instance::Instance;
use crate::instance::browsers::Browser;
use crate::params::Params;
use crate::refusal::Refusal;
use crate::session::Session;
use crate::state;

type Answer = Result<Json<Value>, ApiError>;

/// A client with its sessions. One of a session that was made over this API exists too, though no browser has it.
pub(super) async fn get(State(instance): State<Arc<Instance>>, Path(id): Path<String>) -> Answer {
    let found = instance.read(|state| shown(state, &id));
    let kind = "client";
    Ok(Json(found.ok_or(Refusal::NotFound { kind, id })?))
}

/// The client whose `__client` cookie this is.
pub(super) async fn verify(
    State(instance): State<Arc<Instance>>,
    Body(body): Body<Value>,
) -> Answer {
    let token = Params::new(body)?.required("token")?;
    let Browser::Cookie(Some(id)) = instance.cookie_browser(Some(&token)) else {
        return Err(Refusal::TokenForeign.into());
    };
    get(State(instance), Path(id)).await
}

fn shown(state: &state::State, id: &str) -> Option<Value> {
    let held = state.browsers.clients.get(id);
    let sessions: Vec<&Session> = state
        .sessions
        .iter()
        .filter(|it| it.client_id == id)
        .collect();
    let ids: Vec<&str> = sessions.iter().map(|it| it.id.as_str()).collect();
    let newest = sessions.iter().rev().find(|it| it.status.is_alive());
    let oldest = sessions.first().map(|it| it.created_at);
    let changed = sessions.iter().map(|it| it.updated_at).max();
    let sign_in = held.and_then(|it| it.sign_in.as_ref());
    let sign_up = held.and_then(|it| it.sign_up.as_ref());
    Some(json!({
        "object": "client",
        "id": id,
        "session_ids": ids,
        "sessions": sessions,
        "sign_in_id": sign_in.map(|it| &it.id),
        "sign_up_id": sign_up.map(|it| &it.id),
        "last_active_session_id": held
            .map_or(newest.map(|it| &it.id), |it| it.last_active_session_id.as_ref()),
        "last_authentication_strategy": held.and_then(|it| it.last_authentication_strategy.as_ref()),
        "created_at": held.map(|it| it.created_at).or(oldest)?,
        "updated_at": held.map(|it| it.updated_at).or(changed)?,
    }))
}
