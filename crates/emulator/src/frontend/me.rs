//! `/me`: what users see and change of themselves.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::form::Form;
use super::visitor::Visitor;
use super::{Answer, shown};
use crate::denial::Denial;
use crate::instance::Instance;
use crate::refusal::Refusal;
use crate::session::{Session, SessionStatus};

/// What a user may change of himself. Public and private metadata are not in it.
const PROFILE: [&str; 5] = [
    "first_name",
    "last_name",
    "username",
    "primary_email_address_id",
    "locale",
];

pub(super) async fn get(State(instance): State<Arc<Instance>>, visitor: Visitor) -> Answer {
    let session = visitor.session(&instance)?;
    told(&instance, &visitor, &session)
}

pub(super) async fn update(
    State(instance): State<Arc<Instance>>,
    visitor: Visitor,
    form: Form,
) -> Answer {
    let session = visitor.session(&instance)?;
    let mut changes = form.pick(&PROFILE)?;
    if let Some(metadata) = form.object("unsafe_metadata")? {
        changes.insert("unsafe_metadata".to_owned(), metadata.into());
    }
    instance.update_profile(&session.user_id, changes.into(), &visitor.caller)?;
    told(&instance, &visitor, &session)
}

/// Merges, as the Backend API does; of the unsafe metadata only.
pub(super) async fn merge_metadata(
    State(instance): State<Arc<Instance>>,
    visitor: Visitor,
    form: Form,
) -> Answer {
    let session = visitor.session(&instance)?;
    let metadata = form.object("unsafe_metadata")?.unwrap_or_default();
    let changes = json!({ "unsafe_metadata": metadata });
    instance.update_metadata(&session.user_id, changes, false, &visitor.caller)?;
    told(&instance, &visitor, &session)
}

pub(super) async fn delete(State(instance): State<Arc<Instance>>, visitor: Visitor) -> Answer {
    let session = visitor.session(&instance)?;
    let allowed = instance.user(&session.user_id)?.delete_self_enabled;
    if !allowed || !instance.frontend_settings().delete_self {
        return Err(Denial::NotAllowed);
    }
    let deleted = instance.delete_user(&session.user_id, &visitor.caller)?;
    Ok(visitor.answer(&instance, deleted))
}

pub(super) async fn change_password(
    State(instance): State<Arc<Instance>>,
    visitor: Visitor,
    form: Form,
) -> Answer {
    let session = visitor.session(&instance)?;
    let (current, new) = (
        form.some("current_password")?,
        form.required("new_password")?,
    );
    let others = form.flag("sign_out_of_other_sessions")?;
    instance.change_password(&session, current.as_deref(), &new, others, &visitor.caller)?;
    told(&instance, &visitor, &session)
}

pub(super) async fn remove_password(
    State(instance): State<Arc<Instance>>,
    visitor: Visitor,
    form: Form,
) -> Answer {
    let session = visitor.session(&instance)?;
    let current = form.required("current_password")?;
    instance.remove_password(&session.user_id, &current, &visitor.caller)?;
    told(&instance, &visitor, &session)
}

pub(super) async fn emails(State(instance): State<Arc<Instance>>, visitor: Visitor) -> Answer {
    let session = visitor.session(&instance)?;
    let user = instance.user(&session.user_id)?;
    Ok(visitor.answer(&instance, json!(user.email_addresses)))
}

/// Not verified until its code was entered.
pub(super) async fn create_email(
    State(instance): State<Arc<Instance>>,
    visitor: Visitor,
    form: Form,
) -> Answer {
    let session = visitor.session(&instance)?;
    let address = form.required("email_address")?;
    let user_id = &session.user_id;
    let email = instance.add_email(user_id, &address, false, false, &visitor.caller)?;
    Ok(visitor.answer(&instance, json!(email)))
}

pub(super) async fn email(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
) -> Answer {
    let session = visitor.session(&instance)?;
    let email = instance.email_of(&session.user_id, &id)?;
    Ok(visitor.answer(&instance, json!(email)))
}

pub(super) async fn delete_email(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
) -> Answer {
    let session = visitor.session(&instance)?;
    instance.remove_own_email(&session.user_id, &id, &visitor.caller)?;
    let deleted = json!({ "object": "email_address", "id": id, "deleted": true });
    Ok(visitor.answer(&instance, deleted))
}

pub(super) async fn prepare_email(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
    form: Form,
) -> Answer {
    let session = visitor.session(&instance)?;
    if form.some("strategy")?.is_some_and(|it| it != "email_code") {
        return Err(Denial::StrategyInvalid);
    }
    let email = instance.prepare_email(&session.user_id, &id)?;
    Ok(visitor.answer(&instance, json!(email)))
}

pub(super) async fn attempt_email(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
    form: Form,
) -> Answer {
    let session = visitor.session(&instance)?;
    let code = form.required("code")?;
    let email = instance.attempt_email(&session.user_id, &id, &code, &visitor.caller)?;
    Ok(visitor.answer(&instance, json!(email)))
}

/// The user's live sessions on all devices, newest first: a bare array.
pub(super) async fn sessions(State(instance): State<Arc<Instance>>, visitor: Visitor) -> Answer {
    let own = visitor.session(&instance)?;
    let live = instance.sessions(|it| it.user_id == own.user_id && it.status.is_alive());
    let devices: Vec<Value> = live.iter().map(shown::device).collect();
    Ok(axum::response::IntoResponse::into_response(axum::Json(
        devices,
    )))
}

/// Ends a session of this user wherever it is; emits `session.revoked`.
pub(super) async fn revoke_session(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
) -> Answer {
    let own = visitor.session(&instance)?;
    let known = instance.session(&id);
    if !known.is_ok_and(|it| it.user_id == own.user_id) {
        return Err(Refusal::NotFound {
            kind: "session",
            id,
        }
        .into());
    }
    let revoked = instance.end_session(&id, SessionStatus::Revoked, &visitor.caller)?;
    Ok(visitor.answer(&instance, shown::device(&revoked)))
}

/// Takes any upload and keeps none of it: what is shown is another generated picture.
pub(super) async fn set_picture(
    State(instance): State<Arc<Instance>>,
    visitor: Visitor,
    upload: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Answer {
    let session = visitor.session(&instance)?;
    upload.map_err(|error| match error.status().as_u16() {
        413 => Denial::TooLarge,
        _ => Denial::Refused(Refusal::BodyInvalid {
            reason: error.body_text(),
        }),
    })?;
    picture(&instance, &visitor, &session, true)
}

pub(super) async fn remove_picture(
    State(instance): State<Arc<Instance>>,
    visitor: Visitor,
) -> Answer {
    let session = visitor.session(&instance)?;
    picture(&instance, &visitor, &session, false)
}

fn picture(instance: &Instance, visitor: &Visitor, session: &Session, has_image: bool) -> Answer {
    let user = instance.set_picture(&session.user_id, has_image, &visitor.caller)?;
    let image = json!({
        "object": "image", "id": user.id, "name": if has_image { "profile" } else { "" },
        "public_url": user.image_url, "deleted": !has_image,
    });
    Ok(visitor.answer(instance, image))
}

fn told(instance: &Instance, visitor: &Visitor, session: &Session) -> Answer<Response> {
    let user = instance.read(|state| {
        let stored = state.user(&session.user_id)?;
        Ok::<_, Refusal>(shown::user(state, &stored.user))
    })?;
    Ok(visitor.answer(instance, user))
}
