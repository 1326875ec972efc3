//! `/v1/email_addresses`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::Value;

use super::ApiError;
use crate::body::Body;
use crate::instance::{Caller, Instance};
use crate::params::Params;
use crate::user::EmailAddress;

pub(super) async fn create(
    State(instance): State<Arc<Instance>>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Result<Json<EmailAddress>, ApiError> {
    let params = Params::new(body)?;
    let (user_id, address) = (
        params.required("user_id")?,
        params.required("email_address")?,
    );
    let verified = params.flag("verified")?.unwrap_or(false);
    let primary = params.flag("primary")?.unwrap_or(false);
    Ok(Json(instance.add_email(
        &user_id, &address, verified, primary, &caller,
    )?))
}

pub(super) async fn get(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
) -> Result<Json<EmailAddress>, ApiError> {
    Ok(Json(instance.email(&id)?))
}

/// Instead of all that the user has.
pub(super) async fn replace(
    State(instance): State<Arc<Instance>>,
    Path(user_id): Path<String>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Result<Json<EmailAddress>, ApiError> {
    let params = Params::new(body)?;
    let address = params.required("email_address")?;
    let status = params.text("identification_status")?.flatten();
    let status = status.as_deref().unwrap_or("verified");
    Ok(Json(
        instance.replace_email(&user_id, &address, status, &caller)?,
    ))
}

pub(super) async fn update(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Result<Json<EmailAddress>, ApiError> {
    let params = Params::new(body)?;
    let verified = params.flag("verified")?.unwrap_or(false);
    let primary = params.flag("primary")?.unwrap_or(false);
    Ok(Json(
        instance.update_email(&id, verified, primary, &caller)?,
    ))
}

pub(super) async fn delete(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    caller: Caller,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(instance.remove_email(&id, &caller)?))
}
