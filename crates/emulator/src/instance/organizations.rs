//! Operations on organizations.

use serde_json::{Map, Value, json};

use super::user_params::merge;
use super::users::image_url;
use super::{Caller, Instance};
use crate::organization::{self, Organization};
use crate::params::{Params, invalid};
use crate::refusal::Refusal;
use crate::state::State;

impl Instance {
    /// Creates an organization from the parameters of `POST /v1/organizations`; emits `organization.created`, and
    /// `organizationMembership.created` for its creator, who becomes an admin, when there is one.
    ///
    /// # Errors
    /// A parameter of the wrong form, a slug that is taken, [`Refusal::NotFound`] for the creator.
    pub fn create_organization(
        &self,
        params: Value,
        caller: &Caller,
    ) -> Result<Organization, Refusal> {
        let params = Params::new(params)?;
        let name = params.required("name")?;
        let creator = params.text("created_by")?.flatten();
        let mut state = self.change();
        if let Some(id) = &creator {
            state.user(id)?;
        }
        let now = state.now();
        let slug = free_slug(&state, &name);
        let id = state.issue_id("org_");
        let mut organization = Organization::new(id.clone(), name, slug, state.image_url(&id), now);
        organization.created_by.clone_from(&creator);
        apply(&state, &mut organization, &params)?;
        for (name, held) in metadata(&mut organization) {
            if let Some(given) = params.object(name)? {
                *held = given;
            }
        }
        let id = organization.id.clone();
        state.roster.put_organization(organization.clone());
        // The creator's membership is its own event; the organization is shown as it is before that.
        let shown = state.roster.counted(&organization);
        self.emit(&state, caller, "organization.created", now, &shown);
        if let Some(user_id) = creator {
            self.join(&mut state, &id, &user_id, organization::ADMIN, caller)?;
        }
        Ok(state.roster.counted(&organization))
    }

    /// The organization with its counts, by id or slug.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn organization(&self, id_or_slug: &str) -> Result<Organization, Refusal> {
        self.read(|state| Ok(state.roster.counted(state.organization(id_or_slug)?)))
    }

    /// Changes an organization by the parameters of `PATCH /v1/organizations/{id}`; emits `organization.updated`.
    ///
    /// # Errors
    /// As [`Self::create_organization`].
    pub fn update_organization(
        &self,
        id: &str,
        params: Value,
        caller: &Caller,
    ) -> Result<Organization, Refusal> {
        let params = Params::new(params)?;
        self.edit_organization(id, caller, |organization, state| {
            if let Some(name) = params.text("name")?.flatten() {
                organization.name = name;
            }
            apply(state, organization, &params)
        })
    }

    /// Merges into (null removes a member) or replaces the given metadata; emits `organization.updated`.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], or metadata that is no object.
    pub fn update_organization_metadata(
        &self,
        id: &str,
        params: Value,
        replace: bool,
        caller: &Caller,
    ) -> Result<Organization, Refusal> {
        let params = Params::new(params)?;
        self.edit_organization(id, caller, |organization, _| {
            take_metadata(&params, metadata(organization), replace)
        })
    }

    /// Gives the organization a logo, or takes it away; emits `organization.updated`. As [`Self::set_user_image`].
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn set_logo(
        &self,
        id: &str,
        version: Option<&str>,
        caller: &Caller,
    ) -> Result<Organization, Refusal> {
        self.edit_organization(id, caller, |organization, _| {
            organization.has_image = version.is_some();
            organization.image_url = image_url(&organization.image_url, version);
            Ok(())
        })
    }

    /// Deletes an organization; emits `organization.deleted` alone. Its memberships, invitations and subscription go
    /// without events of their own, and sessions leave it: what Clerk does is written nowhere, and a receiver must
    /// cope with the least that could be sent. Returns the deletion object.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn delete_organization(&self, id: &str, caller: &Caller) -> Result<Value, Refusal> {
        let mut state = self.change();
        let Organization {
            id,
            slug,
            updated_at,
            ..
        } = state.organization(id)?.clone();
        state.roster.remove_organization(&id);
        state.registry.domains.retain(|it| it.organization_id != id);
        state.billing.subscriptions.remove(&id);
        for session in state.sessions.iter_mut() {
            if session.last_active_organization_id.as_deref() == Some(id.as_str()) {
                session.last_active_organization_id = None;
            }
        }
        let deleted = json!({ "id": id, "object": "organization", "slug": slug, "deleted": true });
        let at = state.after(updated_at);
        self.emit(&state, caller, "organization.deleted", at, &deleted);
        Ok(deleted)
    }

    fn edit_organization(
        &self,
        id: &str,
        caller: &Caller,
        edit: impl FnOnce(&mut Organization, &State) -> Result<(), Refusal>,
    ) -> Result<Organization, Refusal> {
        let mut state = self.change();
        let mut organization = state.organization(id)?.clone();
        edit(&mut organization, &state)?;
        organization.updated_at = state.after(organization.updated_at);
        let shown = state.roster.counted(&organization);
        state.roster.put_organization(organization);
        self.emit(
            &state,
            caller,
            "organization.updated",
            shown.updated_at,
            &shown,
        );
        Ok(shown)
    }
}

/// The parameters that creating and changing have in common.
fn apply(state: &State, organization: &mut Organization, params: &Params) -> Result<(), Refusal> {
    if let Some(slug) = params.text("slug")?.flatten() {
        if slug != organization::slug_of(&slug) {
            return Err(invalid(
                "slug",
                "lower-case letters, digits and single hyphens",
            ));
        }
        if state
            .roster
            .slug_owner(&slug)
            .is_some_and(|owner| owner != organization.id)
        {
            return Err(Refusal::IdentifierTaken { param: "slug" });
        }
        organization.slug = slug;
    }
    if let Some(limit) = params.integer("max_allowed_memberships")? {
        if limit < 0 {
            return Err(invalid("max_allowed_memberships", "zero or more"));
        }
        organization.max_allowed_memberships = limit;
    }
    organization.admin_delete_enabled = params
        .flag("admin_delete_enabled")?
        .unwrap_or(organization.admin_delete_enabled);
    organization.created_at = params
        .time("created_at")?
        .unwrap_or(organization.created_at);
    if let Some(key) = params.text("role_set_key")? {
        organization.role_set_key = key;
    }
    Ok(())
}

/// The name's slug, with a number behind when it is taken.
pub(super) fn free_slug(state: &State, name: &str) -> String {
    let slug = organization::slug_of(name);
    let mut free = slug.clone();
    let mut number = 1_u64;
    while state.roster.slug_owner(&free).is_some() {
        number += 1;
        free = format!("{slug}-{number}");
    }
    free
}

fn metadata(organization: &mut Organization) -> [(&'static str, &mut Map<String, Value>); 2] {
    [
        ("public_metadata", &mut organization.public_metadata),
        ("private_metadata", &mut organization.private_metadata),
    ]
}

/// Merges the given metadata into the held, or replaces it.
pub(super) fn take_metadata(
    params: &Params,
    held: [(&'static str, &mut Map<String, Value>); 2],
    replace: bool,
) -> Result<(), Refusal> {
    for (name, held) in held {
        match params.object(name)? {
            Some(given) if replace => *held = given,
            Some(given) => merge(held, given),
            None => {}
        }
    }
    Ok(())
}
