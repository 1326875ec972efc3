//! Organizations as their members see and change them.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::form::Form;
use super::visitor::Visitor;
use super::{Answer, shown};
use crate::backend::Query;
use crate::denial::Denial;
use crate::domain::Domain;
use crate::instance::Instance;
use crate::organization::ADMIN;
use crate::refusal::Refusal;
use crate::role::Role;
use crate::session::Session;

/// Whoever creates it is its admin.
pub(super) async fn create(
    State(instance): State<Arc<Instance>>,
    visitor: Visitor,
    form: Form,
) -> Answer {
    let session = signed_in(&instance, &visitor)?;
    if !instance.user(&session.user_id)?.create_organization_enabled {
        return Err(Denial::NotAllowed);
    }
    let mut params = form.pick(&["name", "slug"])?;
    params.insert("created_by".to_owned(), session.user_id.into());
    let id = instance
        .create_organization(params.into(), &visitor.caller)?
        .id;
    told(&instance, &visitor, &id)
}

pub(super) async fn get(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
) -> Answer {
    let (_, id) = member(&instance, &visitor, &id, false)?;
    told(&instance, &visitor, &id)
}

pub(super) async fn update(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
    form: Form,
) -> Answer {
    let (_, id) = member(&instance, &visitor, &id, true)?;
    let changes = form.pick(&["name", "slug"])?;
    instance.update_organization(&id, changes.into(), &visitor.caller)?;
    told(&instance, &visitor, &id)
}

pub(super) async fn delete(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
) -> Answer {
    let (_, id) = member(&instance, &visitor, &id, true)?;
    if !instance.organization(&id)?.admin_delete_enabled {
        return Err(Denial::NotAllowed);
    }
    let deleted = instance.delete_organization(&id, &visitor.caller)?;
    Ok(visitor.answer(&instance, deleted))
}

/// The two roles that every instance has, and those in use.
pub(super) async fn roles(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
    query: Query,
) -> Answer {
    member(&instance, &visitor, &id, false)?;
    let roles = instance.read(Role::all);
    let list = page(&query, roles.len(), roles.iter(), Role::shown)?;
    Ok(visitor.answer(&instance, list))
}

pub(super) async fn domains(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
    query: Query,
) -> Answer {
    let (_, id) = member(&instance, &visitor, &id, false)?;
    let list = instance.read(|state| {
        let domains = state.registry.domains.iter();
        let kept: Vec<&Domain> = domains.filter(|it| it.organization_id == id).collect();
        let organization = state.roster.organization(&id);
        page(&query, kept.len(), kept.into_iter(), |it| {
            it.shown(organization)
        })
    })?;
    Ok(visitor.answer(&instance, list))
}

/// Lists of what is not emulated, of an organization: requests to join.
pub(super) async fn nothing_of(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
) -> Answer {
    member(&instance, &visitor, &id, false)?;
    Ok(visitor.answer(&instance, json!({ "data": [], "total_count": 0 })))
}

/// Lists of what is not emulated, of a user: suggestions.
pub(super) async fn nothing(State(instance): State<Arc<Instance>>, visitor: Visitor) -> Answer {
    signed_in(&instance, &visitor)?;
    Ok(visitor.answer(&instance, json!({ "data": [], "total_count": 0 })))
}

pub(super) async fn creation_defaults(
    State(instance): State<Arc<Instance>>,
    visitor: Visitor,
) -> Answer {
    signed_in(&instance, &visitor)?;
    let defaults = json!({
        "advisory": null,
        "form": { "name": "", "slug": "", "logo": null, "blur_hash": null },
    });
    Ok(visitor.answer(&instance, defaults))
}

/// `{data, total_count}`, or the bare array for callers who say `paginated=false`.
pub(super) fn page<'a, T: 'a>(
    query: &Query,
    total: usize,
    records: impl Iterator<Item = &'a T>,
    show: impl Fn(&T) -> Value,
) -> Result<Value, Refusal> {
    let (limit, offset) = query.page()?;
    let data: Vec<Value> = records.skip(offset).take(limit).map(show).collect();
    Ok(json!({ "data": data, "total_count": total }))
}

/// The session, where there are organizations at all.
pub(super) fn signed_in(instance: &Instance, visitor: &Visitor) -> Result<Session, Denial> {
    if instance.frontend_settings().organizations {
        visitor.session(instance)
    } else {
        Err(Denial::OrganizationsOff)
    }
}

/// The session and the organization's id, if its user is in it, and an admin where that is asked for. To others it is
/// as if there was no such organization.
pub(super) fn member(
    instance: &Instance,
    visitor: &Visitor,
    id: &str,
    admin: bool,
) -> Result<(Session, String), Denial> {
    let session = signed_in(instance, visitor)?;
    let (id, role) = instance.read(|state| {
        let unknown = || Refusal::NotFound {
            kind: "organization",
            id: id.to_owned(),
        };
        let organization = state.organization(id).map_err(|_| unknown())?;
        let membership = state.roster.membership(&organization.id, &session.user_id);
        let role = membership.ok_or_else(unknown)?.role.clone();
        Ok::<_, Denial>((organization.id.clone(), role))
    })?;
    if admin && role != ADMIN {
        return Err(Denial::NotAnAdmin);
    }
    Ok((session, id))
}

fn told(instance: &Instance, visitor: &Visitor, id: &str) -> Answer<Response> {
    let organization = shown::public(json!(instance.organization(id)?));
    Ok(visitor.answer(instance, organization))
}
