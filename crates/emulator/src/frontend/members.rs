//! Who is in an organization and as what, and where oneself is.

use std::sync::Arc;

use axum::extract::{Path, State};
use serde_json::json;

use super::form::Form;
use super::organizations::{member, page, signed_in};
use super::visitor::Visitor;
use super::{Answer, shown};
use crate::backend::Query;
use crate::denial::Denial;
use crate::instance::{Instance, memberships};
use crate::organization::{ADMIN, Membership};

pub(super) async fn list(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
    query: Query,
) -> Answer {
    let (_, id) = member(&instance, &visitor, &id, false)?;
    let list = instance.read(|state| {
        let kept: Vec<&Membership> = state
            .roster
            .members_of(&id)
            .rev()
            .filter(|it| {
                let user = state.users.get(&it.user_id).map(|stored| &stored.user);
                let texts = || {
                    let user = user.into_iter();
                    user.flat_map(|user| {
                        [
                            user.first_name.as_deref(),
                            user.last_name.as_deref(),
                            user.username.as_deref(),
                            user.primary_email(),
                        ]
                    })
                    .flatten()
                };
                query.admits("role", || std::iter::once(it.role.as_str()))
                    && query.matches("query", texts)
            })
            .collect();
        let total = kept.len();
        page(&query, total, kept.into_iter(), |it| {
            shown::public(memberships::shown(state, it))
        })
    })?;
    Ok(visitor.answer(&instance, list))
}

/// A user by his id, as admins may add one.
pub(super) async fn add(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
    form: Form,
) -> Answer {
    let (_, id) = member(&instance, &visitor, &id, true)?;
    let params = json!({ "user_id": form.required("user_id")?, "role": form.required("role")? });
    let added = instance.create_membership(&id, params, &visitor.caller)?;
    Ok(visitor.answer(&instance, shown::public(added)))
}

pub(super) async fn change_role(
    State(instance): State<Arc<Instance>>,
    Path((id, user_id)): Path<(String, String)>,
    visitor: Visitor,
    form: Form,
) -> Answer {
    let (_, id) = member(&instance, &visitor, &id, true)?;
    let role = form.required("role")?;
    if role != ADMIN {
        keep_an_admin(&instance, &id, &user_id)?;
    }
    let params = json!({ "role": role });
    let changed = instance.update_membership(&id, &user_id, params, &visitor.caller)?;
    Ok(visitor.answer(&instance, shown::public(changed)))
}

pub(super) async fn remove(
    State(instance): State<Arc<Instance>>,
    Path((id, user_id)): Path<(String, String)>,
    visitor: Visitor,
) -> Answer {
    let (session, id) = member(&instance, &visitor, &id, false)?;
    if session.user_id != user_id {
        member(&instance, &visitor, &id, true)?;
    }
    expel(&instance, &visitor, &id, &user_id)
}

/// Leaves an organization.
pub(super) async fn leave(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
) -> Answer {
    let (session, id) = member(&instance, &visitor, &id, false)?;
    expel(&instance, &visitor, &id, &session.user_id)
}

fn expel(instance: &Instance, visitor: &Visitor, id: &str, user_id: &str) -> Answer {
    keep_an_admin(instance, id, user_id)?;
    let left = instance.delete_membership(id, user_id, &visitor.caller)?;
    let mut left = shown::public(left);
    if let Some(members) = left.as_object_mut() {
        members.insert("deleted".to_owned(), true.into());
    }
    Ok(visitor.answer(instance, left))
}

pub(super) async fn mine(
    State(instance): State<Arc<Instance>>,
    visitor: Visitor,
    query: Query,
) -> Answer {
    let session = signed_in(&instance, &visitor)?;
    let list = instance.read(|state| {
        let total = state.roster.joined_by(&session.user_id).count();
        let joined = state.roster.joined_by(&session.user_id);
        page(&query, total, joined, |it| {
            shown::public(memberships::shown(state, it))
        })
    })?;
    Ok(visitor.answer(&instance, list))
}

/// Refuses to let the last admin go or step down.
fn keep_an_admin(instance: &Instance, id: &str, user_id: &str) -> Result<(), Denial> {
    let is_last = instance.read(|state| {
        let admins: Vec<&str> = state
            .roster
            .members_of(id)
            .filter(|it| it.role == ADMIN)
            .map(|it| it.user_id.as_str())
            .collect();
        admins == [user_id]
    });
    if is_last {
        Err(Denial::LastAdmin)
    } else {
        Ok(())
    }
}
