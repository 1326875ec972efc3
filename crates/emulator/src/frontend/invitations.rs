//! Invitations to organizations: those that admins send, and those that one has got.

use std::sync::Arc;

use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::form::Form;
use super::organizations::{member, page, signed_in};
use super::visitor::Visitor;
use super::{Answer, shown};
use crate::backend::Query;
use crate::instance::{Instance, invitations};
use crate::organization::{Invitation, InvitationStatus, MEMBER};
use crate::params::{Params, invalid};
use crate::refusal::Refusal;
use crate::session::Session;
use crate::state;

/// At most so many addresses are invited by one call.
const INVITED_AT_ONCE: usize = 100;

pub(super) async fn list(
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

pub(super) async fn create(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    visitor: Visitor,
    form: Form,
) -> Answer {
    let (session, id) = member(&instance, &visitor, &id, true)?;
    let address = form.required("email_address")?;
    let role = form.required("role")?;
    let params = invitation(&session, &address, &role);
    let invited = instance.invite(&id, params, &visitor.caller)?;
    Ok(visitor.answer(&instance, shown::public(invited)))
}

/// Several addresses in one text, separated by commas or spaces, or as JSON. Those that are invited already, or in the
/// organization, stop the call before anybody is.
pub(super) async fn create_many(
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
        return Err(invalid("email_address", expected).into());
    }
    let listed = addresses.iter();
    let listed = listed.map(|address| Params::new(invitation(&session, address, &role)));
    let listed: Vec<Params> = listed.collect::<Result<_, _>>()?;
    let sent = instance.invite_all(&id, &listed, &visitor.caller)?;
    let sent: Vec<Value> = sent.into_iter().map(shown::public).collect();
    Ok(visitor.answer(&instance, json!(sent)))
}

/// As the Backend API takes one.
fn invitation(inviter: &Session, address: &str, role: &str) -> Value {
    json!({ "email_address": address, "role": role, "inviter_user_id": inviter.user_id })
}

pub(super) async fn revoke(
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

pub(super) async fn mine(
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
pub(super) async fn accept(
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
