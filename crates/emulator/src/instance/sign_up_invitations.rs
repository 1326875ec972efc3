//! Operations on invitations to sign up. Clerk has no events for them; what comes of an accepted one has.

use serde_json::{Map, Value};

use super::user_params::email_address;
use super::{Caller, Instance};
use crate::organization::InvitationStatus;
use crate::params::{Params, invalid};
use crate::refusal::Refusal;
use crate::registry::{SignUpInvitation, WaitlistStatus};
use crate::state::State;
use crate::user::{StoredUser, User, is_email_address};

const DAY_MS: i64 = 86_400_000;

/// An invitation that has not been made yet.
pub(super) struct Draft {
    address: String,
    public_metadata: Map<String, Value>,
    redirect_url: Option<String>,
    days: i64,
    ignore_existing: bool,
}

impl Draft {
    pub(super) fn to(address: &str, ignore_existing: bool) -> Self {
        Self {
            address: address.to_owned(),
            public_metadata: Map::new(),
            redirect_url: None,
            days: 30,
            ignore_existing,
        }
    }

    fn read(params: &Params) -> Result<Self, Refusal> {
        let days = params.integer("expires_in_days")?.unwrap_or(30);
        if !(1..=365).contains(&days) {
            return Err(invalid("expires_in_days", "between 1 and 365"));
        }
        Ok(Self {
            address: address(params)?,
            public_metadata: params.object("public_metadata")?.unwrap_or_default(),
            redirect_url: params.text("redirect_url")?.flatten(),
            days,
            ignore_existing: params.flag("ignore_existing")?.unwrap_or(false),
        })
    }
}

/// The address that is asked for, when it has the form of one.
pub(super) fn address(params: &Params) -> Result<String, Refusal> {
    let address = params.required("email_address")?;
    if is_email_address(&address) {
        Ok(address)
    } else {
        Err(invalid("email_address", "a valid e-mail address"))
    }
}

impl Instance {
    /// Invites an address to sign up, from the parameters of `POST /v1/invitations`. Returns Clerk's Invitation
    /// object, as all operations here do.
    ///
    /// # Errors
    /// [`Refusal::IdentifierTaken`] when a user has the address, [`Refusal::AlreadyInvited`]; neither with
    /// `ignore_existing`.
    pub fn invite_to_sign_up(&self, params: Value) -> Result<Value, Refusal> {
        let draft = Draft::read(&Params::new(params)?)?;
        Ok(keep_invitation(&mut self.change(), draft)?.shown())
    }

    /// Up to ten of them, all or none.
    ///
    /// # Errors
    /// As [`Self::invite_to_sign_up`].
    pub fn invite_many_to_sign_up(&self, params: Value) -> Result<Vec<Value>, Refusal> {
        let listed = Params::several(params, 10, "at most 10 invitations in one call")?;
        let drafts: Vec<Draft> = listed.iter().map(Draft::read).collect::<Result<_, _>>()?;
        let mut state = self.change();
        for (place, draft) in drafts.iter().enumerate() {
            check(&state, draft)?;
            let same = |it: &Draft| it.address.eq_ignore_ascii_case(&draft.address);
            if !draft.ignore_existing && drafts.iter().take(place).any(same) {
                return Err(Refusal::AlreadyInvited);
            }
        }
        let made = drafts
            .into_iter()
            .map(|draft| Ok(keep_invitation(&mut state, draft)?.shown()));
        made.collect()
    }

    /// Withdraws a pending invitation.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::InvitationNotPending`].
    pub fn revoke_sign_up_invitation(&self, id: &str) -> Result<Value, Refusal> {
        let mut state = self.change();
        let mut invitation = pending(&state, id)?;
        invitation.status = InvitationStatus::Revoked;
        invitation.updated_at = state.after(invitation.updated_at);
        let shown = invitation.shown();
        state.registry.invitations.put(invitation);
        Ok(shown)
    }

    /// Signs the addressee up, as he does himself in a browser; emits `user.created`, and `waitlistEntry.updated` when
    /// he had waited. The invitation's metadata become the user's.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::InvitationNotPending`], [`Refusal::IdentifierTaken`].
    pub fn accept_sign_up_invitation(&self, id: &str, caller: &Caller) -> Result<Value, Refusal> {
        let mut state = self.change();
        let invitation = pending(&state, id)?;
        let now = state.now();
        let mut user = User::new(state.issue_id("user_"), now);
        let email = email_address(&mut state, &invitation.email_address, false, now)?;
        user.primary_email_address_id = Some(email.id.clone());
        user.email_addresses.push(email);
        user.public_metadata.clone_from(&invitation.public_metadata);
        let stored = StoredUser {
            user,
            password: None,
        };
        let user = state.put_user(stored)?;
        self.emit(&state, caller, "user.created", now, &user);
        self.settle_invitation(&mut state, invitation, caller)
    }

    /// Marks an invitation as accepted, and whoever waited for it as let in.
    pub(super) fn settle_invitation(
        &self,
        state: &mut State,
        mut invitation: SignUpInvitation,
        caller: &Caller,
    ) -> Result<Value, Refusal> {
        invitation.status = InvitationStatus::Accepted;
        invitation.updated_at = state.after(invitation.updated_at);
        let shown = invitation.shown();
        let waited = state
            .registry
            .waited_for(&invitation.id)
            .map(|it| it.id.clone());
        state.registry.invitations.put(invitation);
        if let Some(id) = waited {
            self.move_entry(state, &id, WaitlistStatus::Completed, None, caller)?;
        }
        Ok(shown)
    }
}

pub(super) fn keep_invitation(
    state: &mut State,
    draft: Draft,
) -> Result<SignUpInvitation, Refusal> {
    check(state, &draft)?;
    let now = state.now();
    let invitation = SignUpInvitation {
        id: state.issue_id("inv_"),
        email_address: draft.address,
        public_metadata: draft.public_metadata,
        redirect_url: draft.redirect_url,
        status: InvitationStatus::Pending,
        expires_at: now.saturating_add(draft.days * DAY_MS),
        created_at: now,
        updated_at: now,
    };
    state.expires(invitation.expires_at);
    state.registry.invitations.insert(invitation.clone());
    Ok(invitation)
}

fn check(state: &State, draft: &Draft) -> Result<(), Refusal> {
    if draft.ignore_existing {
        return Ok(());
    }
    if state.owner_of(&draft.address).is_some() {
        return Err(Refusal::IdentifierTaken {
            param: "email_address",
        });
    }
    match state.registry.invited(&draft.address) {
        Some(_) => Err(Refusal::AlreadyInvited),
        None => Ok(()),
    }
}

pub(super) fn pending(state: &State, id: &str) -> Result<SignUpInvitation, Refusal> {
    match state.registry.invitations.get(id) {
        None => Err(Refusal::NotFound {
            kind: "invitation",
            id: id.to_owned(),
        }),
        Some(held) if held.status != InvitationStatus::Pending => {
            Err(Refusal::InvitationNotPending { id: id.to_owned() })
        }
        Some(held) => Ok(held.clone()),
    }
}
