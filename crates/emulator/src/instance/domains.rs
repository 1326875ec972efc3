//! Operations on domains of organizations.

use serde_json::{Value, json};

use super::{Caller, Instance};
use crate::domain::{Domain, EnrollmentMode, Proof, is_domain};
use crate::params::{Params, invalid};
use crate::refusal::Refusal;
use crate::state::State;

impl Instance {
    /// Gives an organization a domain from the parameters of `POST /v1/organizations/{id}/domains`; emits
    /// `organizationDomain.created`. Returns Clerk's OrganizationDomain object, as all operations here do.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], a name of the wrong form, [`Refusal::IdentifierTaken`] for another's domain.
    pub fn create_domain(
        &self,
        organization_id: &str,
        params: Value,
        caller: &Caller,
    ) -> Result<Value, Refusal> {
        let params = Params::new(params)?;
        let name = params.required("name")?.to_lowercase();
        if !is_domain(&name) {
            return Err(invalid("name", "a domain name such as example.com"));
        }
        let mode = mode(&params)?.unwrap_or(EnrollmentMode::ManualInvitation);
        let verified = params.flag("verified")?.unwrap_or(true);
        let mut state = self.change();
        let organization_id = state.organization(organization_id)?.id.clone();
        if state.registry.domains.iter().any(|it| it.name == name) {
            return Err(Refusal::IdentifierTaken { param: "name" });
        }
        let now = state.now();
        let domain = Domain {
            id: state.issue_id("orgdmn_"),
            organization_id,
            name,
            enrollment_mode: mode,
            affiliation: verified.then(|| by_backend(now)),
            ownership: None,
            created_at: now,
            updated_at: now,
        };
        Ok(self.keep_domain(&mut state, domain, "organizationDomain.created", caller))
    }

    /// Changes mode or verification; emits `organizationDomain.updated`.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], an unknown mode.
    pub fn update_domain(
        &self,
        organization_id: &str,
        id: &str,
        params: Value,
        caller: &Caller,
    ) -> Result<Value, Refusal> {
        let params = Params::new(params)?;
        let (mode, verified) = (mode(&params)?, params.flag("verified")?);
        let mut state = self.change();
        let mut domain = find(&state, organization_id, id)?.clone();
        domain.updated_at = state.after(domain.updated_at);
        domain.enrollment_mode = mode.unwrap_or(domain.enrollment_mode);
        match verified {
            Some(true) if domain.affiliation.is_none() => {
                domain.affiliation = Some(by_backend(domain.updated_at));
            }
            Some(false) => domain.affiliation = None,
            _ => {}
        }
        Ok(self.keep_domain(&mut state, domain, "organizationDomain.updated", caller))
    }

    /// Declares the domain the organization's own; emits `organizationDomain.updated`, once.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn verify_domain(
        &self,
        organization_id: &str,
        id: &str,
        caller: &Caller,
    ) -> Result<Value, Refusal> {
        let mut state = self.change();
        let mut domain = find(&state, organization_id, id)?.clone();
        if domain.ownership.is_some() {
            return Ok(shown(&state, &domain));
        }
        domain.updated_at = state.after(domain.updated_at);
        domain.ownership = Some(Proof {
            strategy: "manual_override".to_owned(),
            verified_at: domain.updated_at,
        });
        Ok(self.keep_domain(&mut state, domain, "organizationDomain.updated", caller))
    }

    /// Takes a domain away; emits `organizationDomain.deleted`. Returns the deletion object.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn delete_domain(
        &self,
        organization_id: &str,
        id: &str,
        caller: &Caller,
    ) -> Result<Value, Refusal> {
        let mut state = self.change();
        let before = find(&state, organization_id, id)?.updated_at;
        state.registry.domains.remove(id);
        let deleted = json!({ "object": "organization_domain", "id": id, "deleted": true });
        let at = state.after(before);
        self.emit(&state, caller, "organizationDomain.deleted", at, &deleted);
        Ok(deleted)
    }

    fn keep_domain(
        &self,
        state: &mut State,
        domain: Domain,
        event_type: &str,
        caller: &Caller,
    ) -> Value {
        let shown = shown(state, &domain);
        let at = domain.updated_at;
        state.registry.domains.put(domain);
        self.emit(state, caller, event_type, at, &shown);
        shown
    }
}

/// The domain with its organization of now.
pub(crate) fn shown(state: &State, domain: &Domain) -> Value {
    domain.shown(state.roster.organization(&domain.organization_id))
}

fn find<'a>(state: &'a State, organization_id: &str, id: &str) -> Result<&'a Domain, Refusal> {
    let organization = &state.organization(organization_id)?.id;
    let found = state.registry.domains.get(id);
    found
        .filter(|domain| domain.organization_id == *organization)
        .ok_or_else(|| Refusal::NotFound {
            kind: "organization_domain",
            id: id.to_owned(),
        })
}

fn mode(params: &Params) -> Result<Option<EnrollmentMode>, Refusal> {
    let Some(text) = params.text("enrollment_mode")?.flatten() else {
        return Ok(None);
    };
    serde_json::from_value(text.into()).map(Some).map_err(|_| {
        let expected =
            "manual_invitation, automatic_invitation, automatic_suggestion or enterprise_sso";
        invalid("enrollment_mode", expected)
    })
}

fn by_backend(now: i64) -> Proof {
    Proof {
        strategy: "backend_api".to_owned(),
        verified_at: now,
    }
}
