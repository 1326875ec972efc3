//! Organizations as their members see and change them, and the lists of one's own.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::form::Form;
use super::visitor::Visitor;
use super::{Answer, shown};
use crate::backend::Query;
use crate::denial::Denial;
use crate::instance::{Caller, Instance, invitations, memberships};
use crate::organization::{
    ADMIN, Invitation, InvitationStatus, MEMBER, Membership, permissions, role_name,
};
use crate::refusal::Refusal;
use crate::session::Session;
use crate::state;

/// At most so many addresses are invited by one call.
const INVITED_AT_ONCE: usize = 100;

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

pub(super) async fn memberships(
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
pub(super) async fn add_member(
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

pub(super) async fn remove_member(
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

pub(super) async fn invitations(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
    query: Query,
) -> Answer {
    let (_, id) = member(&instance, &visitor, &id, true)?;
    let list = instance.read(|state| {
        let kept: Vec<&Invitation> = state
            .roster
            .invitations_of(&id)
            .rev()
            .filter(|it| has_status(&query, it))
            .collect();
        let total = kept.len();
        page(&query, total, kept.into_iter(), |it| {
            shown::public(invitations::shown(state, it))
        })
    })?;
    Ok(visitor.answer(&instance, list))
}

pub(super) async fn invite(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
    form: Form,
) -> Answer {
    let (session, id) = member(&instance, &visitor, &id, true)?;
    let address = form.required("email_address")?;
    let role = form.required("role")?;
    let invited = send(&instance, &id, &session, &address, &role, &visitor.caller)?;
    Ok(visitor.answer(&instance, invited))
}

/// Several addresses in one text, separated by commas or spaces, or as JSON. Those that are invited already, or in the
/// organization, stop the call before anybody is.
pub(super) async fn invite_many(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
    form: Form,
) -> Answer {
    let (session, id) = member(&instance, &visitor, &id, true)?;
    let text = form.required("email_address")?;
    let role = form.some("role")?.unwrap_or_else(|| MEMBER.to_owned());
    let apart = |letter: char| letter == ',' || letter.is_whitespace();
    let addresses: Vec<String> = serde_json::from_str(&text).unwrap_or_else(|_| {
        let parts = text.split(apart).filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    });
    if addresses.is_empty() || addresses.len() > INVITED_AT_ONCE {
        let expected = "between 1 and 100 addresses";
        return Err(crate::params::invalid("email_address", expected).into());
    }
    let mut invited: Vec<Value> = Vec::with_capacity(addresses.len());
    for address in &addresses {
        match send(&instance, &id, &session, address, &role, &visitor.caller) {
            Ok(sent) => invited.push(sent),
            Err(refusal) => {
                for sent in &invited {
                    let id = sent.get("id").and_then(Value::as_str).unwrap_or_default();
                    let _ = instance.revoke_invitation(id, &visitor.caller);
                }
                return Err(refusal.into());
            }
        }
    }
    Ok(visitor.answer(&instance, json!(invited)))
}

fn send(
    instance: &Instance,
    id: &str,
    inviter: &Session,
    address: &str,
    role: &str,
    caller: &Caller,
) -> Result<Value, Refusal> {
    let params =
        json!({ "email_address": address, "role": role, "inviter_user_id": inviter.user_id });
    instance.invite(id, params, caller).map(shown::public)
}

pub(super) async fn revoke_invitation(
    State(instance): State<Arc<Instance>>,
    Path((id, invitation_id)): Path<(String, String)>,
    visitor: Visitor,
) -> Answer {
    let (_, id) = member(&instance, &visitor, &id, true)?;
    let own = instance.read(|state| {
        let invitation = state.roster.invitations().get(&invitation_id);
        invitation.is_some_and(|it| it.organization_id == id)
    });
    if !own {
        return Err(Refusal::NotFound {
            kind: "organization_invitation",
            id: invitation_id,
        }
        .into());
    }
    let revoked = instance.revoke_invitation(&invitation_id, &visitor.caller)?;
    Ok(visitor.answer(&instance, shown::public(revoked)))
}

/// The two roles that every instance has.
pub(super) async fn roles(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
    query: Query,
) -> Answer {
    member(&instance, &visitor, &id, false)?;
    let roles = [ADMIN, MEMBER].map(role);
    let list = page(&query, roles.len(), roles.iter(), Value::clone)?;
    Ok(visitor.answer(&instance, list))
}

fn role(key: &str) -> Value {
    let permissions: Vec<Value> = permissions(key)
        .iter()
        .map(|permission| {
            json!({
                "object": "permission", "id": permission.replace(':', "_"), "key": permission, "name": permission,
                "description": "", "type": "system", "created_at": 0, "updated_at": 0,
            })
        })
        .collect();
    json!({
        "object": "role", "id": key.replace(':', "_"), "key": key, "name": role_name(key), "description": "",
        "is_creator_eligible": key == ADMIN, "permissions": permissions, "created_at": 0, "updated_at": 0,
    })
}

/// Lists of what is not emulated, of an organization: domains, requests to join.
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

pub(super) async fn my_memberships(
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

pub(super) async fn my_invitations(
    State(instance): State<Arc<Instance>>,
    visitor: Visitor,
    query: Query,
) -> Answer {
    let session = signed_in(&instance, &visitor)?;
    let list = instance.read(|state| {
        let kept: Vec<&Invitation> = state
            .roster
            .invitations()
            .iter()
            .filter(|it| has_status(&query, it) && is_his(state, &session, it))
            .collect();
        let total = kept.len();
        page(&query, total, kept.into_iter(), |it| {
            shown::public(invitations::shown(state, it))
        })
    })?;
    Ok(visitor.answer(&instance, list))
}

/// Accepts an invitation that was sent to one of the user's addresses.
pub(super) async fn accept_invitation(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
) -> Answer {
    let session = signed_in(&instance, &visitor)?;
    let his = instance.read(|state| {
        let invitation = state.roster.invitations().get(&id);
        invitation.is_some_and(|it| is_his(state, &session, it))
    });
    if !his {
        return Err(Refusal::NotFound {
            kind: "organization_invitation",
            id,
        }
        .into());
    }
    let user_id = Some(session.user_id.as_str());
    let accepted = instance.accept_invitation(&id, user_id, &visitor.caller)?;
    Ok(visitor.answer(&instance, shown::public(accepted)))
}

fn is_his(state: &state::State, session: &Session, invitation: &Invitation) -> bool {
    let user = state.users.get(&session.user_id).map(|it| &it.user);
    user.is_some_and(|user| {
        let mut addresses = user.email_addresses.iter();
        addresses.any(|own| {
            let verified = own.verification.as_ref();
            verified.is_some_and(|it| it.status == "verified")
                && own
                    .email_address
                    .eq_ignore_ascii_case(&invitation.email_address)
        })
    })
}

fn has_status(query: &Query, invitation: &Invitation) -> bool {
    let status = match invitation.status {
        InvitationStatus::Pending => "pending",
        InvitationStatus::Accepted => "accepted",
        InvitationStatus::Revoked => "revoked",
        InvitationStatus::Expired => "expired",
    };
    query.admits("status", || std::iter::once(status))
}

/// `{data, total_count}`, or the bare array for callers who say `paginated=false`.
fn page<'a, T: 'a>(
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
fn signed_in(instance: &Instance, visitor: &Visitor) -> Result<Session, Denial> {
    if instance.frontend_settings().organizations {
        visitor.session(instance)
    } else {
        Err(Denial::OrganizationsOff)
    }
}

/// The session and the organization's id, if its user is in it, and an admin where that is asked for. To others it is
/// as if there was no such organization.
fn member(
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

fn told(instance: &Instance, visitor: &Visitor, id: &str) -> Answer<Response> {
    let organization = shown::public(json!(instance.organization(id)?));
    Ok(visitor.answer(instance, organization))
}
