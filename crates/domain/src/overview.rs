//! What administrators look at: lists of what is there, one user with all that belongs to him.

use std::convert::Infallible;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    AuditEntry, ClerkId, EmailAddress, Erasure, FeatureUsage, Membership, Organization, Outcome,
    Role, Session, SessionStatus, Tier, User,
};

/// A user, named by our id or by Clerk's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum UserKey {
    /// Ours.
    Id(Uuid),
    /// Clerk's; as it was typed, so it may be none.
    Clerk(String),
}

impl FromStr for UserKey {
    type Err = Infallible;

    /// A text that is a UUID is ours, and every other one Clerk's.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Uuid::parse_str(text).map_or_else(|_| Self::Clerk(text.to_owned()), Self::Id))
    }
}

impl From<Uuid> for UserKey {
    fn from(id: Uuid) -> Self {
        Self::Id(id)
    }
}

impl From<&ClerkId> for UserKey {
    fn from(id: &ClerkId) -> Self {
        Self::Clerk(id.to_string())
    }
}

/// Which users are wanted; all of those given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserFilter {
    /// Text that an address of the user or his user name begins with, that his name holds, or that is his id at Clerk.
    /// Case does not count (on SQLite: of ASCII letters), but in the id.
    pub q: Option<String>,
    /// The role in force.
    pub role: Option<Role>,
    /// The tier in force, as the row has it.
    pub tier: Option<Tier>,
    /// Deleted ones too.
    pub include_deleted: bool,
}

/// Which organizations are wanted; all of those given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrganizationFilter {
    /// Text that the name holds, that the slug begins with, or that is the id at Clerk.
    pub q: Option<String>,
    /// Deleted ones too.
    pub include_deleted: bool,
}

/// Which sessions are wanted; all of those given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionFilter {
    /// Whose.
    pub clerk_user_id: Option<String>,
    /// In this state at this time: no event tells of an expiry, so it is that of [`Session::status_at`].
    pub status: Option<(SessionStatus, DateTime<Utc>)>,
}

/// Which lines of the ledger are wanted; all of those given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeliveryListFilter {
    /// With this outcome.
    pub outcome: Option<Outcome>,
    /// Of this type of event.
    pub event_type: Option<String>,
    /// About the object with this id at Clerk.
    pub object_id: Option<String>,
}

/// A user's place in an organization, with the organization.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MemberOf {
    /// The place.
    pub membership: Membership,
    /// The organization; `None` while nothing has told of it.
    pub organization: Option<Organization>,
}

/// One user with all that belongs to him.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UserOverview {
    /// The row.
    pub user: User,
    /// Every address, the primary one marked.
    pub emails: Vec<EmailAddress>,
    /// The latest sessions, the newest first, at most [`UserOverview::MOST`].
    pub sessions: Vec<Session>,
    /// The places that count: neither they nor their organizations are deleted.
    pub organizations: Vec<MemberOf>,
    /// What was used this month.
    pub usage: Vec<FeatureUsage>,
    /// The latest lines of the audit log about him, the newest first, at most [`UserOverview::MOST`].
    pub history: Vec<AuditEntry>,
    /// The latest request to forget him.
    pub erasure: Option<Erasure>,
}

impl UserOverview {
    /// Sessions and lines at most.
    pub const MOST: u32 = 50;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_ours_and_anything_else_clerks() {
        let id = Uuid::from_u128(7);
        assert_eq!(id.to_string().parse(), Ok(UserKey::Id(id)));
        for text in ["user_1", "", "%", "' or 1=1"] {
            assert_eq!(text.parse(), Ok(UserKey::Clerk(text.to_owned())));
        }
    }
}
