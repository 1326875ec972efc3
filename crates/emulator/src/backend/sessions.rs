//! `/v1/sessions`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::ORIGIN;
use serde_json::{Value, json};

use super::{ApiError, Query};
use crate::body::Body;
use crate::instance::{Caller, Instance};
use crate::params::{Params, invalid};
use crate::refusal::Refusal;
use crate::session::{Session, SessionStatus};

type Answer<T> = Result<Json<T>, ApiError>;

/// A bare array, or `{data, total_count}` with `paginated=true`. A user or a client must be named, as at Clerk.
pub(super) async fn list(State(instance): State<Arc<Instance>>, query: Query) -> Answer<Value> {
    query.require_any(&["user_id", "client_id"])?;
    let (limit, offset) = query.page()?;
    let status = query
        .one("status")
        .map(|text| {
            serde_json::from_value::<SessionStatus>(text.into())
                .map_err(|_| invalid("status", "a session status"))
        })
        .transpose()?;
    let sessions = instance.sessions(|session| {
        query.one("user_id").is_none_or(|id| session.user_id == id)
            && query
                .one("client_id")
                .is_none_or(|id| session.client_id == id)
            && status.is_none_or(|status| session.status == status)
    });
    let total = sessions.len();
    let page: Vec<Session> = sessions.into_iter().skip(offset).take(limit).collect();
    if query.paginated()? {
        return Ok(Json(json!({ "data": page, "total_count": total })));
    }
    Ok(Json(json!(page)))
}

pub(super) async fn create(
    State(instance): State<Arc<Instance>>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Answer<Session> {
    let params = Params::new(body)?;
    let user_id = params.required("user_id")?;
    let organization = params.text("active_organization_id")?.flatten();
    let session = instance.create_session_in(&user_id, organization.as_deref(), &caller)?;
    Ok(Json(session))
}

pub(super) async fn get(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
) -> Answer<Session> {
    Ok(Json(instance.session(&id)?))
}

pub(super) async fn revoke(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    caller: Caller,
) -> Answer<Session> {
    Ok(Json(instance.end_session(
        &id,
        SessionStatus::Revoked,
        &caller,
    )?))
}

pub(super) async fn token(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(body): Body<Value>,
) -> Answer<Value> {
    issue(&instance, &id, None, &headers, body)
}

pub(super) async fn template_token(
    State(instance): State<Arc<Instance>>,
    Path((id, template)): Path<(String, String)>,
    headers: HeaderMap,
    Body(body): Body<Value>,
) -> Answer<Value> {
    issue(&instance, &id, Some(&template), &headers, body)
}

/// Clerk's older way to check a session: it is given when the token is of it, whether it still lives or not.
pub(super) async fn verify(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    Body(body): Body<Value>,
) -> Answer<Session> {
    let token = Params::new(body)?.required("token")?;
    let session = instance.session(&id)?;
    if instance.session_of(&token).as_deref() != Some(id.as_str()) {
        return Err(Refusal::TokenForeign.into());
    }
    Ok(Json(session))
}

/// A token, or cookies with `format=cookie`. Every refusal is a 401, at which Clerk's libraries begin a handshake.
pub(super) async fn refresh(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    Body(body): Body<Value>,
) -> Answer<Value> {
    let params = Params::new(body)?;
    let expired = params.required("expired_token")?;
    let refresh = params.required("refresh_token")?;
    let origin = params.required("request_origin")?;
    let format = params.text("format")?.flatten();
    let jwt = instance
        .refresh_session(&id, &expired, &refresh, &origin)
        .map_err(|refusal| match refusal {
            Refusal::NotFound { .. } => Refusal::TokenForeign,
            other => other,
        })?;
    match format.as_deref() {
        None | Some("token") => Ok(Json(json!({ "object": "token", "jwt": jwt }))),
        Some("cookie") => {
            let cookie = format!("__session={jwt}; Path=/; SameSite=Lax");
            Ok(Json(json!({ "object": "cookies", "cookies": [cookie] })))
        }
        Some(_) => Err(invalid("format", "token or cookie").into()),
    }
}

/// `azp` is known only when the caller passes a page's `Origin` on.
fn issue(
    instance: &Instance,
    id: &str,
    template: Option<&str>,
    headers: &HeaderMap,
    body: Value,
) -> Answer<Value> {
    let expires_in = Params::new(body)?.integer("expires_in_seconds")?;
    if expires_in.is_some_and(|seconds| !(30..=315_360_000).contains(&seconds)) {
        return Err(invalid("expires_in_seconds", "between 30 and 315360000").into());
    }
    let azp = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
    let jwt = instance.session_token(id, template, azp, expires_in)?;
    Ok(Json(json!({ "object": "token", "jwt": jwt })))
}
