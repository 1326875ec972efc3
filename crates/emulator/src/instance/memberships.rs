//! Operations on memberships. They are addressed by organization and user, as at Clerk.

use serde_json::{Map, Value};

use super::organizations::take_metadata;
use super::{Caller, Instance};
use crate::organization::{Membership, is_role};
use crate::params::{Params, invalid};
use crate::refusal::Refusal;
use crate::state::State;

impl Instance {
    /// Makes a user a member from the parameters of `POST /v1/organizations/{id}/memberships`; emits
    /// `organizationMembership.created`. Returns Clerk's OrganizationMembership object, as all operations here do.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::AlreadyMember`], [`Refusal::OrganizationFull`], a role of the wrong form.
    pub fn create_membership(
        &self,
        organization_id: &str,
        params: Value,
        caller: &Caller,
    ) -> Result<Value, Refusal> {
        let params = Params::new(params)?;
        let (user_id, role) = (params.required("user_id")?, role(&params)?);
        let public = params.object("public_metadata")?.unwrap_or_default();
        let private = params.object("private_metadata")?.unwrap_or_default();
        let mut state = self.change();
        let organization_id = state.organization(organization_id)?.id.clone();
        self.enter(
            &mut state,
            &organization_id,
            &user_id,
            &role,
            (public, private),
            caller,
        )
    }

    /// Changes the role; emits `organizationMembership.updated`.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], a role of the wrong form.
    pub fn update_membership(
        &self,
        organization_id: &str,
        user_id: &str,
        params: Value,
        caller: &Caller,
    ) -> Result<Value, Refusal> {
        let role = role(&Params::new(params)?)?;
        self.edit_membership(organization_id, user_id, caller, |membership| {
            membership.role = role;
            Ok(())
        })
    }

    /// Merges metadata into a membership's (null removes a member); emits `organizationMembership.updated`.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], or metadata that is no object.
    pub fn update_membership_metadata(
        &self,
        organization_id: &str,
        user_id: &str,
        params: Value,
        caller: &Caller,
    ) -> Result<Value, Refusal> {
        let params = Params::new(params)?;
        self.edit_membership(organization_id, user_id, caller, |membership| {
            let held = [
                ("public_metadata", &mut membership.public_metadata),
                ("private_metadata", &mut membership.private_metadata),
            ];
            take_metadata(&params, held, false)
        })
    }

    /// Ends a membership; the user's sessions leave the organization. Emits `organizationMembership.deleted` with the
    /// whole object as it was, its `updated_at` included: only the envelope tells when it went.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn delete_membership(
        &self,
        organization_id: &str,
        user_id: &str,
        caller: &Caller,
    ) -> Result<Value, Refusal> {
        let mut state = self.change();
        let membership = find(&state, organization_id, user_id)?.clone();
        state.roster.remove_membership(&membership.id);
        let left = Some(membership.organization_id.as_str());
        for session in state.sessions.iter_mut() {
            if session.user_id == user_id && session.last_active_organization_id.as_deref() == left
            {
                session.last_active_organization_id = None;
            }
        }
        let shown = shown(&state, &membership);
        let at = state.after(membership.updated_at);
        self.emit(&state, caller, "organizationMembership.deleted", at, &shown);
        Ok(shown)
    }

    /// A new membership without metadata.
    pub(super) fn join(
        &self,
        state: &mut State,
        organization_id: &str,
        user_id: &str,
        role: &str,
        caller: &Caller,
    ) -> Result<Value, Refusal> {
        let nothing = (Map::new(), Map::new());
        self.enter(state, organization_id, user_id, role, nothing, caller)
    }

    pub(super) fn enter(
        &self,
        state: &mut State,
        organization_id: &str,
        user_id: &str,
        role: &str,
        (public_metadata, private_metadata): (Map<String, Value>, Map<String, Value>),
        caller: &Caller,
    ) -> Result<Value, Refusal> {
        state.user(user_id)?;
        let limit = state.organization(organization_id)?.max_allowed_memberships;
        if state.roster.membership(organization_id, user_id).is_some() {
            return Err(Refusal::AlreadyMember {
                user_id: user_id.to_owned(),
            });
        }
        let count = state.roster.members_count(organization_id);
        if limit > 0 && i64::try_from(count).is_ok_and(|count| count >= limit) {
            return Err(Refusal::OrganizationFull { limit });
        }
        let now = state.now();
        let membership = Membership {
            id: state.issue_id("orgmem_"),
            organization_id: organization_id.to_owned(),
            user_id: user_id.to_owned(),
            role: role.to_owned(),
            public_metadata,
            private_metadata,
            created_at: now,
            updated_at: now,
        };
        state.roster.put_membership(membership.clone());
        let shown = shown(state, &membership);
        self.emit(state, caller, "organizationMembership.created", now, &shown);
        Ok(shown)
    }

    fn edit_membership(
        &self,
        organization_id: &str,
        user_id: &str,
        caller: &Caller,
        edit: impl FnOnce(&mut Membership) -> Result<(), Refusal>,
    ) -> Result<Value, Refusal> {
        let mut state = self.change();
        let mut membership = find(&state, organization_id, user_id)?.clone();
        edit(&mut membership)?;
        membership.updated_at = state.after(membership.updated_at);
        state.roster.put_membership(membership.clone());
        let shown = shown(&state, &membership);
        let at = membership.updated_at;
        self.emit(&state, caller, "organizationMembership.updated", at, &shown);
        Ok(shown)
    }
}

/// The membership with its organization and user of now.
pub(crate) fn shown(state: &State, membership: &Membership) -> Value {
    let user = state.users.get(&membership.user_id).map(|it| &it.user);
    match state.roster.organization(&membership.organization_id) {
        Some(organization) => membership.shown(&state.roster.counted(organization), user),
        None => Value::Null,
    }
}

fn find<'a>(
    state: &'a State,
    organization_id: &str,
    user_id: &str,
) -> Result<&'a Membership, Refusal> {
    let organization = state.organization(organization_id)?;
    state
        .roster
        .membership(&organization.id, user_id)
        .ok_or_else(|| Refusal::NotFound {
            kind: "organization_membership",
            id: user_id.to_owned(),
        })
}

pub(super) fn role(params: &Params) -> Result<String, Refusal> {
    let role = params.required("role")?;
    if is_role(&role) {
        Ok(role)
    } else {
        Err(invalid("role", "a role's key such as org:member"))
    }
}
