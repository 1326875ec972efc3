//! What an instance keeps beside users, sessions and organizations: invitations to sign up, the waitlist, domains of
//! organizations and JWT templates.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::collection::{Collection, Keyed};
use crate::domain::Domain;
use crate::organization::InvitationStatus;
use crate::template::JwtTemplate;

/// These four; each is empty in a state file from before they were emulated.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Registry {
    pub(crate) invitations: Collection<SignUpInvitation>,
    pub(crate) waitlist: Collection<WaitlistEntry>,
    pub(crate) domains: Collection<Domain>,
    pub(crate) templates: Collection<JwtTemplate>,
}

impl Registry {
    /// The pending invitation of this address.
    pub(crate) fn invited(&self, address: &str) -> Option<&SignUpInvitation> {
        let mut invitations = self.invitations.iter();
        invitations.find(|it| {
            it.status == InvitationStatus::Pending && it.email_address.eq_ignore_ascii_case(address)
        })
    }

    /// The entry of this address.
    pub(crate) fn waiting(&self, address: &str) -> Option<&WaitlistEntry> {
        let mut entries = self.waitlist.iter();
        entries.find(|it| it.email_address.eq_ignore_ascii_case(address))
    }

    /// The entry because of which an invitation was sent.
    pub(crate) fn waited_for(&self, invitation_id: &str) -> Option<&WaitlistEntry> {
        let mut entries = self.waitlist.iter();
        entries.find(|it| it.invitation_id.as_deref() == Some(invitation_id))
    }

    /// Marks pending invitations past their end; returns the earliest end of those left.
    pub(crate) fn expire(&mut self, now: i64) -> i64 {
        let mut next = i64::MAX;
        for invitation in self.invitations.iter_mut() {
            if invitation.status != InvitationStatus::Pending {
                continue;
            }
            if invitation.expires_at <= now {
                invitation.status = InvitationStatus::Expired;
                invitation.updated_at = now.max(invitation.updated_at.saturating_add(1));
            } else {
                next = next.min(invitation.expires_at);
            }
        }
        next
    }
}

/// An invitation of an address to sign up, not to an organization. Clerk has no events for these.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SignUpInvitation {
    pub(crate) id: String,
    pub(crate) email_address: String,
    /// Become the user's when he signs up with it.
    pub(crate) public_metadata: Map<String, Value>,
    pub(crate) redirect_url: Option<String>,
    pub(crate) status: InvitationStatus,
    pub(crate) expires_at: i64,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

impl SignUpInvitation {
    /// Clerk's Invitation object. Only a pending one has a URL.
    pub(crate) fn shown(&self) -> Value {
        let mut shown = json!({
            "object": "invitation",
            "id": self.id,
            "email_address": self.email_address,
            "public_metadata": self.public_metadata,
            "revoked": self.status == InvitationStatus::Revoked,
            "status": self.status,
            "expires_at": self.expires_at,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        });
        if let (InvitationStatus::Pending, Some(members)) = (self.status, shown.as_object_mut()) {
            members.insert("url".to_owned(), self.url().into());
        }
        shown
    }

    fn url(&self) -> String {
        let host = crate::FRONTEND_API_HOST;
        format!("https://{host}/v1/tickets/accept?ticket={}", self.id)
    }
}

impl Keyed for SignUpInvitation {
    fn key(&self) -> &str {
        &self.id
    }
}

/// An address that waits to be let in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct WaitlistEntry {
    pub(crate) id: String,
    pub(crate) email_address: String,
    pub(crate) status: WaitlistStatus,
    /// The last invitation that was sent because of it.
    pub(crate) invitation_id: Option<String>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

/// Where an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WaitlistStatus {
    Pending,
    Invited,
    Rejected,
    /// Its invitation was accepted.
    Completed,
}

impl WaitlistEntry {
    /// Clerk's WaitlistEntry object, with the invitation as it is now.
    pub(crate) fn shown(&self, registry: &Registry) -> Value {
        let id = self.invitation_id.as_deref();
        let invitation = id.and_then(|id| registry.invitations.get(id));
        json!({
            "object": "waitlist_entry",
            "id": self.id,
            "email_address": self.email_address,
            "status": self.status,
            "is_locked": false,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "invitation": invitation.map(SignUpInvitation::shown),
        })
    }
}

impl Keyed for WaitlistEntry {
    fn key(&self) -> &str {
        &self.id
    }
}
