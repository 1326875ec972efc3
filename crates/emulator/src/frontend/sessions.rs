//! Development browsers, the client, and `/client/sessions`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::error::Bare;
use super::form::Form;
use super::visitor::Visitor;
use super::{Answer, shown};
use crate::instance::Instance;
use crate::session::SessionStatus;

/// The id goes into the query of every call to come; the page keeps it in a cookie of its own.
pub(super) async fn new_dev_browser(State(instance): State<Arc<Instance>>) -> Json<Value> {
    let browser = instance.new_dev_browser();
    Json(json!({
        "object": "dev_browser",
        "id": browser.id,
        "token": browser.id,
        "instance_id": crate::INSTANCE_ID,
        "client_id": null,
        "created_at": browser.created_at,
        "updated_at": browser.created_at,
    }))
}

/// `{"response": null}` until something was begun in this browser.
pub(super) async fn client(State(instance): State<Arc<Instance>>, visitor: Visitor) -> Answer {
    let client = shown::client(&instance, &visitor.browser, visitor.party.as_deref());
    Ok(visitor.read(&instance, client))
}

pub(super) async fn create_client(
    State(instance): State<Arc<Instance>>,
    mut visitor: Visitor,
) -> Answer {
    visitor.client(&instance);
    let client = shown::client(&instance, &visitor.browser, visitor.party.as_deref());
    Ok(visitor.answer(&instance, client))
}

/// Signs out of all sessions of this browser.
pub(super) async fn remove_all(State(instance): State<Arc<Instance>>, visitor: Visitor) -> Answer {
    instance.sign_out(
        &visitor.browser,
        None,
        SessionStatus::Removed,
        &visitor.caller,
    );
    let client = shown::client(&instance, &visitor.browser, visitor.party.as_deref());
    Ok(visitor.answer(&instance, client))
}

pub(super) async fn get(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
) -> Answer {
    let session = instance.session_in(&visitor.browser, &id)?;
    let shown = shown::session(&instance, &session, visitor.party.as_deref());
    Ok(visitor.answer(&instance, shown))
}

/// Makes the session the active one of its browser and, when the form says so, an organization the active one of the
/// session: the empty text means the personal account.
pub(super) async fn touch(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
    form: Form,
) -> Answer {
    instance.session_in(&visitor.browser, &id)?;
    if let Some(organization) = form.text("active_organization_id")? {
        instance.set_active_organization(&id, organization.as_deref())?;
    }
    instance.select_session(&visitor.browser, &id);
    instance.note_activity(&id, &visitor.caller);
    let session = instance.session_in(&visitor.browser, &id)?;
    let shown = shown::session(&instance, &session, visitor.party.as_deref());
    Ok(visitor.answer(&instance, shown))
}

/// Bare. `organization_id` says which organization the tab shows, whatever the session's last one is.
pub(super) async fn token(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
    form: Form,
) -> Bare<Value> {
    issue(&instance, &visitor, &id, None, &form)
}

pub(super) async fn template_token(
    State(instance): State<Arc<Instance>>,
    Path((id, template)): Path<(String, String)>,
    visitor: Visitor,
    form: Form,
) -> Bare<Value> {
    issue(&instance, &visitor, &id, Some(&template), &form)
}

fn issue(
    instance: &Instance,
    visitor: &Visitor,
    id: &str,
    template: Option<&str>,
    form: &Form,
) -> Bare<Value> {
    let mut session = instance.session_in(&visitor.browser, id)?;
    if let Some(organization) = form.text("organization_id")? {
        // A user who has left it gets a token without it.
        session.last_active_organization_id = organization;
    }
    instance.note_activity(id, &visitor.caller);
    let jwt = instance.token_of(&session, template, visitor.party.as_deref(), None)?;
    Ok(Json(json!({ "object": "token", "jwt": jwt })))
}

pub(super) async fn remove(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
) -> Answer {
    leave(&instance, &visitor, &id, SessionStatus::Removed)
}

pub(super) async fn end(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
) -> Answer {
    leave(&instance, &visitor, &id, SessionStatus::Ended)
}

fn leave(instance: &Instance, visitor: &Visitor, id: &str, status: SessionStatus) -> Answer {
    instance.session_in(&visitor.browser, id)?;
    instance.sign_out(&visitor.browser, Some(id), status, &visitor.caller);
    let session = instance.session(id)?;
    let shown = shown::session(instance, &session, visitor.party.as_deref());
    Ok(visitor.answer(instance, shown))
}
