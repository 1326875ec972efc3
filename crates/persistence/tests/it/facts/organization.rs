//! Organizations and memberships.

use domain::{
    Delivery, MembershipProfile, MembershipWrite, OrganizationProfile, OrganizationWrite, Step,
    Write,
};
use serde_json::{Map, Value};

use super::{Envelope, at, envelope_words, fresh_message_id, id};

/// `organization.created` or `organization.updated`.
#[derive(Debug, Clone)]
pub(crate) struct OrganizationFact {
    envelope: Envelope,
    profile: OrganizationProfile,
}
envelope_words!(OrganizationFact);

pub(crate) fn organization(clerk_organization_id: &str) -> OrganizationFact {
    OrganizationFact {
        envelope: Envelope::new(fresh_message_id(), Step::Changed),
        profile: OrganizationProfile {
            clerk_organization_id: id(clerk_organization_id),
            name: None,
            slug: None,
            image_url: None,
            public_metadata: Map::new(),
            created_by: None,
            created_at: at(0),
            updated_at: at(0),
        },
    }
}

impl OrganizationFact {
    pub(crate) fn named(mut self, name: &str) -> Self {
        self.profile.name = Some(name.to_owned());
        self
    }

    pub(crate) fn slug(mut self, slug: &str) -> Self {
        self.profile.slug = Some(slug.to_owned());
        self
    }

    pub(crate) fn metadata(mut self, public_metadata: Value) -> Self {
        self.profile.public_metadata = public_metadata.as_object().unwrap().clone();
        self
    }

    pub(crate) fn made_by(mut self, clerk_user_id: &str) -> Self {
        self.profile.created_by = Some(id(clerk_user_id));
        self
    }
}

impl From<OrganizationFact> for Delivery {
    fn from(fact: OrganizationFact) -> Self {
        let OrganizationFact {
            envelope,
            mut profile,
        } = fact;
        profile.updated_at = envelope.believed();
        let precedence = envelope.place(&profile);
        envelope.telling(Write::Organization(Box::new(OrganizationWrite {
            profile,
            precedence,
        })))
    }
}

/// `organizationMembership.created` or `organizationMembership.updated`.
#[derive(Debug, Clone)]
pub(crate) struct MembershipFact {
    envelope: Envelope,
    profile: MembershipProfile,
}
envelope_words!(MembershipFact);

/// The place of `user_1` in `org_1`.
pub(crate) fn membership(clerk_membership_id: &str) -> MembershipFact {
    MembershipFact {
        envelope: Envelope::new(fresh_message_id(), Step::Changed),
        profile: MembershipProfile {
            clerk_membership_id: id(clerk_membership_id),
            clerk_organization_id: id("org_1"),
            clerk_user_id: id("user_1"),
            role: None,
            permissions: Vec::new(),
            public_metadata: Map::new(),
            created_at: at(0),
            updated_at: at(0),
        },
    }
}

impl MembershipFact {
    pub(crate) fn joins(mut self, clerk_user_id: &str, clerk_organization_id: &str) -> Self {
        self.profile.clerk_user_id = id(clerk_user_id);
        self.profile.clerk_organization_id = id(clerk_organization_id);
        self
    }

    pub(crate) fn metadata(mut self, key: &str, value: &str) -> Self {
        self.profile
            .public_metadata
            .insert(key.to_owned(), value.into());
        self
    }

    pub(crate) fn in_role(mut self, role: &str) -> Self {
        self.profile.role = Some(role.to_owned());
        self.profile.permissions = vec![format!("{role}:read")];
        self
    }
}

impl From<MembershipFact> for Delivery {
    fn from(fact: MembershipFact) -> Self {
        let MembershipFact {
            envelope,
            mut profile,
        } = fact;
        profile.updated_at = envelope.believed();
        let precedence = envelope.place(&profile);
        envelope.telling(Write::Membership(Box::new(MembershipWrite {
            profile,
            precedence,
        })))
    }
}
