//! Operations on invitations to organizations.

use serde_json::{Map, Value};

use super::memberships::role;
use super::user_params::email_address;
use super::{Caller, Instance};
use crate::organization::{Invitation, InvitationStatus};
use crate::params::{Params, invalid};
use crate::refusal::Refusal;
use crate::state::State;
use crate::user::{StoredUser, User};

const DAY_MS: i64 = 86_400_000;

impl Instance {
    /// Invites an address from the parameters of `POST /v1/organizations/{id}/invitations`; emits
    /// `organizationInvitation.created`. Returns Clerk's OrganizationInvitation object, as all operations here do.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::AlreadyInvited`], [`Refusal::AlreadyMember`], a malformed address or role.
    pub fn invite(
        &self,
        organization_id: &str,
        params: Value,
        caller: &Caller,
    ) -> Result<Value, Refusal> {
        let draft = Draft::read(&Params::new(params)?)?;
        let mut state = self.change();
        let organization_id = state.organization(organization_id)?.id.clone();
        draft.check(&state, &organization_id)?;
        Ok(self.send_invitation(&mut state, &organization_id, draft, caller))
    }

    /// Up to ten of them, all or none.
    ///
    /// # Errors
    /// As [`Self::invite`].
    pub fn invite_many(
        &self,
        organization_id: &str,
        params: Value,
        caller: &Caller,
    ) -> Result<Vec<Value>, Refusal> {
        let listed = Params::several(params, 10, "at most 10 invitations in one call")?;
        self.invite_all(organization_id, &listed, caller)
    }

    /// However many, all or none.
    ///
    /// # Errors
    /// As [`Self::invite`].
    pub(crate) fn invite_all(
        &self,
        organization_id: &str,
        listed: &[Params],
        caller: &Caller,
    ) -> Result<Vec<Value>, Refusal> {
        let drafts: Vec<Draft> = listed.iter().map(Draft::read).collect::<Result<_, _>>()?;
        let mut state = self.change();
        let organization_id = state.organization(organization_id)?.id.clone();
        for (place, draft) in drafts.iter().enumerate() {
            draft.check(&state, &organization_id)?;
            let same = |it: &Draft| it.address.eq_ignore_ascii_case(&draft.address);
            if drafts.iter().take(place).any(same) {
                return Err(Refusal::AlreadyInvited);
            }
        }
        let send = |draft| self.send_invitation(&mut state, &organization_id, draft, caller);
        Ok(drafts.into_iter().map(send).collect())
    }

    fn send_invitation(
        &self,
        state: &mut State,
        organization_id: &str,
        draft: Draft,
        caller: &Caller,
    ) -> Value {
        let now = state.now();
        let id = state.issue_id("orginv_");
        let host = crate::FRONTEND_API_HOST;
        let invitation = Invitation {
            url: Some(format!("https://{host}/v1/tickets/accept?ticket={id}")),
            id,
            organization_id: organization_id.to_owned(),
            email_address: draft.address,
            role: draft.role,
            inviter_id: draft.inviter_id,
            status: InvitationStatus::Pending,
            public_metadata: draft.public_metadata,
            private_metadata: draft.private_metadata,
            expires_at: now.saturating_add(draft.days * DAY_MS),
            user_id: None,
            created_at: now,
            updated_at: now,
        };
        state.expires(invitation.expires_at);
        self.keep(state, invitation, "organizationInvitation.created", caller)
    }

    /// Withdraws a pending invitation; emits `organizationInvitation.revoked`.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::InvitationNotPending`].
    pub fn revoke_invitation(&self, id: &str, caller: &Caller) -> Result<Value, Refusal> {
        let mut state = self.change();
        let mut invitation = pending(&state, id)?;
        invitation.status = InvitationStatus::Revoked;
        invitation.url = None;
        invitation.updated_at = state.after(invitation.updated_at);
        Ok(self.keep(
            &mut state,
            invitation,
            "organizationInvitation.revoked",
            caller,
        ))
    }

    /// Accepts a pending invitation, as its addressee does in a browser: for the user who is named, else for whoever
    /// has the address, else for a new user (`user.created`). Emits `organizationInvitation.accepted` and
    /// `organizationMembership.created`.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::InvitationNotPending`], [`Refusal::AlreadyMember`],
    /// [`Refusal::OrganizationFull`].
    pub fn accept_invitation(
        &self,
        id: &str,
        user_id: Option<&str>,
        caller: &Caller,
    ) -> Result<Value, Refusal> {
        let mut state = self.change();
        let invitation = pending(&state, id)?;
        let known = match user_id {
            Some(id) => Some(state.user(id)?.user.id.clone()),
            None => state
                .owner_of(&invitation.email_address)
                .map(|owner| owner.user.id.clone()),
        };
        check_admission(&state, &invitation, known.as_deref())?;
        let user_id = match known {
            Some(id) => id,
            None => self.sign_up(&mut state, &invitation.email_address, caller)?,
        };
        self.accept_as(&mut state, id, &user_id, caller)?;
        let accepted = state.roster.invitations().get(id);
        Ok(accepted.map_or(Value::Null, |it| shown(&state, it)))
    }

    /// [`Self::accept_invitation`] for a known user within another operation. Returns the organization's id.
    pub(super) fn accept_as(
        &self,
        state: &mut State,
        id: &str,
        user_id: &str,
        caller: &Caller,
    ) -> Result<String, Refusal> {
        let mut invitation = pending(state, id)?;
        check_admission(state, &invitation, Some(user_id))?;
        invitation.status = InvitationStatus::Accepted;
        invitation.url = None;
        invitation.user_id = Some(user_id.to_owned());
        invitation.updated_at = state.after(invitation.updated_at);
        let event = "organizationInvitation.accepted";
        self.keep(state, invitation.clone(), event, caller);
        let Invitation {
            organization_id,
            role,
            public_metadata,
            private_metadata,
            ..
        } = invitation;
        let metadata = (public_metadata, private_metadata);
        self.enter(state, &organization_id, user_id, &role, metadata, caller)?;
        Ok(organization_id)
    }

    fn sign_up(
        &self,
        state: &mut State,
        address: &str,
        caller: &Caller,
    ) -> Result<String, Refusal> {
        let now = state.now();
        let mut user = User::new(state.issue_id("user_"), now);
        let email = email_address(state, address, false, now)?;
        user.primary_email_address_id = Some(email.id.clone());
        user.email_addresses.push(email);
        let user = state.put_user(StoredUser {
            user,
            password: None,
        })?;
        self.emit(state, caller, "user.created", now, &user);
        Ok(user.id)
    }

    fn keep(
        &self,
        state: &mut State,
        invitation: Invitation,
        event_type: &str,
        caller: &Caller,
    ) -> Value {
        let at = invitation.updated_at;
        state.roster.put_invitation(invitation.clone());
        let shown = shown(state, &invitation);
        self.emit(state, caller, event_type, at, &shown);
        shown
    }
}

/// An invitation that has not been sent yet.
struct Draft {
    address: String,
    role: String,
    days: i64,
    inviter_id: Option<String>,
    public_metadata: Map<String, Value>,
    private_metadata: Map<String, Value>,
}

impl Draft {
    fn read(params: &Params) -> Result<Self, Refusal> {
        let (address, role) = (params.required("email_address")?, role(params)?);
        if !crate::user::is_email_address(&address) {
            return Err(invalid("email_address", "a valid e-mail address"));
        }
        let days = params.integer("expires_in_days")?.unwrap_or(30);
        if !(1..=365).contains(&days) {
            return Err(invalid("expires_in_days", "between 1 and 365"));
        }
        Ok(Self {
            address,
            role,
            days,
            inviter_id: params.text("inviter_user_id")?.flatten(),
            public_metadata: params.object("public_metadata")?.unwrap_or_default(),
            private_metadata: params.object("private_metadata")?.unwrap_or_default(),
        })
    }

    fn check(&self, state: &State, organization_id: &str) -> Result<(), Refusal> {
        if let Some(id) = &self.inviter_id {
            state.user(id)?;
        }
        check_free(state, organization_id, &self.address)
    }
}

/// The invitation with its organization and inviter of now.
pub(crate) fn shown(state: &State, invitation: &Invitation) -> Value {
    let inviter = invitation
        .inviter_id
        .as_deref()
        .and_then(|id| state.users.get(id));
    match state.roster.organization(&invitation.organization_id) {
        Some(organization) => invitation.shown(organization, inviter.map(|it| &it.user)),
        None => Value::Null,
    }
}

pub(super) fn pending(state: &State, id: &str) -> Result<Invitation, Refusal> {
    match state.roster.invitations().get(id) {
        None => Err(Refusal::NotFound {
            kind: "organization_invitation",
            id: id.to_owned(),
        }),
        Some(invitation) if invitation.status != InvitationStatus::Pending => {
            Err(Refusal::InvitationNotPending { id: id.to_owned() })
        }
        Some(invitation) => Ok(invitation.clone()),
    }
}

/// Whether the organization has room, and the user, if he is known, is not in it.
fn check_admission(
    state: &State,
    invitation: &Invitation,
    user_id: Option<&str>,
) -> Result<(), Refusal> {
    let organization = state.organization(&invitation.organization_id)?;
    let limit = organization.max_allowed_memberships;
    let count = state.roster.members_count(&organization.id);
    if limit > 0 && i64::try_from(count).is_ok_and(|count| count >= limit) {
        return Err(Refusal::OrganizationFull { limit });
    }
    match user_id {
        Some(id) if state.roster.membership(&organization.id, id).is_some() => {
            Err(Refusal::AlreadyMember {
                user_id: id.to_owned(),
            })
        }
        _ => Ok(()),
    }
}

/// Nobody is invited twice, and no member is.
fn check_free(state: &State, organization_id: &str, address: &str) -> Result<(), Refusal> {
    let invited = state.roster.invitations_of(organization_id).any(|it| {
        it.status == InvitationStatus::Pending && it.email_address.eq_ignore_ascii_case(address)
    });
    if invited {
        return Err(Refusal::AlreadyInvited);
    }
    if let Some(owner) = state.owner_of(address)
        && state
            .roster
            .membership(organization_id, &owner.user.id)
            .is_some()
    {
        return Err(Refusal::AlreadyMember {
            user_id: owner.user.id.clone(),
        });
    }
    Ok(())
}
