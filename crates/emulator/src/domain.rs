//! Domains of organizations, by which colleagues find them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::collection::Keyed;
use crate::organization::Organization;

/// A domain of an organization.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Domain {
    pub(crate) id: String,
    pub(crate) organization_id: String,
    pub(crate) name: String,
    pub(crate) enrollment_mode: EnrollmentMode,
    pub(crate) affiliation: Option<Proof>,
    pub(crate) ownership: Option<Proof>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

/// What becomes of users with addresses there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EnrollmentMode {
    ManualInvitation,
    AutomaticInvitation,
    AutomaticSuggestion,
    EnterpriseSso,
}

/// That the domain is the organization's, and since when, in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Proof {
    pub(crate) strategy: String,
    pub(crate) verified_at: i64,
}

impl Proof {
    fn shown(&self) -> Value {
        json!({
            "status": "verified", "strategy": self.strategy, "attempts": null, "expire_at": null,
            "verified_at": self.verified_at,
        })
    }
}

impl Domain {
    /// Clerk's OrganizationDomain object.
    pub(crate) fn shown(&self, organization: Option<&Organization>) -> Value {
        json!({
            "object": "organization_domain",
            "id": self.id,
            "organization_id": self.organization_id,
            "name": self.name,
            "enrollment_mode": self.enrollment_mode,
            "affiliation_email_address": null,
            "affiliation_verification": self.affiliation.as_ref().map(Proof::shown),
            "ownership_verification": self.ownership.as_ref().map(Proof::shown),
            "verification": self.affiliation.as_ref().map(Proof::shown),
            "total_pending_invitations": 0,
            "total_pending_suggestions": 0,
            "public_organization_data": organization.map(Organization::public_data),
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        })
    }
}

impl Keyed for Domain {
    fn key(&self) -> &str {
        &self.id
    }
}

/// Whether the text is a host name with a dot in it, in lower case.
pub(crate) fn is_domain(text: &str) -> bool {
    let labels_fit = text.split('.').all(|label| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    });
    text.contains('.') && text.len() <= 253 && labels_fit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_has_labels() {
        for good in ["example.com", "a-b.example.co"] {
            assert!(is_domain(good), "{good}");
        }
        for bad in [
            "", "example", ".com", "a..b", "-a.b", "a-.b", "A.b", "a.b/c", "a b.c",
        ] {
            assert!(!is_domain(bad), "{bad}");
        }
    }
}
