//! Operations on the waitlist.

use serde_json::{Value, json};

use super::sign_up_invitations::{Draft, address, keep_invitation};
use super::{Caller, Instance};
use crate::params::Params;
use crate::refusal::Refusal;
use crate::registry::{WaitlistEntry, WaitlistStatus};
use crate::state::State;

impl Instance {
    /// Puts an address on the waitlist; emits `waitlistEntry.created`. One that is there already is returned as it is.
    /// Returns Clerk's WaitlistEntry object, as all operations here do.
    ///
    /// # Errors
    /// A malformed address.
    pub fn wait(&self, params: Value, caller: &Caller) -> Result<Value, Refusal> {
        let address = address(&Params::new(params)?)?;
        Ok(self.enlist(&mut self.change(), &address, caller))
    }

    /// Up to fifty addresses, all or none.
    ///
    /// # Errors
    /// As [`Self::wait`].
    pub fn wait_many(&self, params: Value, caller: &Caller) -> Result<Vec<Value>, Refusal> {
        let listed = Params::several(params, 50, "at most 50 entries in one call")?;
        let addresses = listed.iter().map(address).collect::<Result<Vec<_>, _>>()?;
        let mut state = self.change();
        let enlist = |address: &String| self.enlist(&mut state, address, caller);
        Ok(addresses.iter().map(enlist).collect())
    }

    /// Invites whoever waits; emits `waitlistEntry.updated` with the invitation.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::Conflict`] for one who is invited or in already, and as
    /// [`Instance::invite_to_sign_up`].
    pub fn invite_waiting(
        &self,
        id: &str,
        params: Value,
        caller: &Caller,
    ) -> Result<Value, Refusal> {
        let ignore_existing = Params::new(params)?
            .flag("ignore_existing")?
            .unwrap_or(false);
        let mut state = self.change();
        let entry = find(&state, id)?;
        if matches!(
            entry.status,
            WaitlistStatus::Invited | WaitlistStatus::Completed
        ) {
            return Err(Refusal::Conflict {
                reason: "the waitlist entry was invited already",
            });
        }
        let draft = Draft::to(&entry.email_address, ignore_existing);
        let invitation = keep_invitation(&mut state, draft)?.id;
        let status = WaitlistStatus::Invited;
        self.move_entry(&mut state, id, status, Some(invitation), caller)
    }

    /// Turns whoever waits away; emits `waitlistEntry.updated`.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::Conflict`] for one who does not wait any more.
    pub fn reject_waiting(&self, id: &str, caller: &Caller) -> Result<Value, Refusal> {
        let mut state = self.change();
        check_waiting(find(&state, id)?)?;
        self.move_entry(&mut state, id, WaitlistStatus::Rejected, None, caller)
    }

    /// Takes an entry off the waitlist. Clerk has no event for it. Returns the deletion object.
    ///
    /// # Errors
    /// As [`Self::reject_waiting`].
    pub fn delete_waiting(&self, id: &str) -> Result<Value, Refusal> {
        let mut state = self.change();
        check_waiting(find(&state, id)?)?;
        state.registry.waitlist.remove(id);
        Ok(json!({ "object": "waitlist_entry", "id": id, "deleted": true }))
    }

    /// Brings an entry to another status and tells of it.
    pub(super) fn move_entry(
        &self,
        state: &mut State,
        id: &str,
        status: WaitlistStatus,
        invitation: Option<String>,
        caller: &Caller,
    ) -> Result<Value, Refusal> {
        let mut entry = find(state, id)?.clone();
        entry.status = status;
        entry.invitation_id = invitation.or(entry.invitation_id);
        entry.updated_at = state.after(entry.updated_at);
        let (at, shown) = (entry.updated_at, entry.shown(&state.registry));
        state.registry.waitlist.put(entry);
        self.emit(state, caller, "waitlistEntry.updated", at, &shown);
        Ok(shown)
    }

    fn enlist(&self, state: &mut State, address: &str, caller: &Caller) -> Value {
        if let Some(known) = state.registry.waiting(address) {
            return known.shown(&state.registry);
        }
        let now = state.now();
        let entry = WaitlistEntry {
            id: state.issue_id("wle_"),
            email_address: address.to_owned(),
            status: WaitlistStatus::Pending,
            invitation_id: None,
            created_at: now,
            updated_at: now,
        };
        let shown = entry.shown(&state.registry);
        state.registry.waitlist.insert(entry);
        self.emit(state, caller, "waitlistEntry.created", now, &shown);
        shown
    }
}

fn check_waiting(entry: &WaitlistEntry) -> Result<(), Refusal> {
    if entry.status == WaitlistStatus::Pending {
        return Ok(());
    }
    Err(Refusal::Conflict {
        reason: "the waitlist entry is no longer pending",
    })
}

fn find<'a>(state: &'a State, id: &str) -> Result<&'a WaitlistEntry, Refusal> {
    state
        .registry
        .waitlist
        .get(id)
        .ok_or_else(|| Refusal::NotFound {
            kind: "waitlist_entry",
            id: id.to_owned(),
        })
}
