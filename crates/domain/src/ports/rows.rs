use async_trait::async_trait;

use crate::{ClerkId, EmailAddress, Listing, Membership, Organization, StoreError, User};

/// A mirrored row, to be held against what Clerk has.
#[derive(Debug, Clone, PartialEq)]
pub enum Mirrored {
    /// A user and every address of his.
    User(Box<User>, Vec<EmailAddress>),
    /// An organization.
    Organization(Box<Organization>),
    /// A membership.
    Membership(Box<Membership>),
    /// The row of a person who is forgotten, or of his membership: it is kept empty, whatever Clerk has, and neither held
    /// against that nor put right.
    Forgotten(ClerkId),
}

impl Mirrored {
    /// The row's id at Clerk.
    #[must_use]
    pub fn clerk_id(&self) -> &ClerkId {
        match self {
            Self::User(user, _) => &user.clerk_user_id,
            Self::Organization(organization) => &organization.clerk_organization_id,
            Self::Membership(membership) => &membership.clerk_membership_id,
            Self::Forgotten(id) => id,
        }
    }

    /// Clerk's `updated_at` in force, in milliseconds since 1970. What is forgotten is ahead of everything.
    #[must_use]
    pub fn version(&self) -> i64 {
        match self {
            Self::User(user, _) => user.version,
            Self::Organization(organization) => organization.version,
            Self::Membership(membership) => membership.version,
            Self::Forgotten(_) => i64::MAX,
        }
    }

    /// Whether the row says that the object is gone.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        match self {
            Self::User(user, _) => user.deleted_at.is_some(),
            Self::Organization(organization) => organization.deleted_at.is_some(),
            Self::Membership(membership) => membership.deleted_at.is_some(),
            Self::Forgotten(_) => true,
        }
    }
}

/// Where mirrored rows are read, many at a time.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait MirrorRows: Send + Sync {
    /// The rows with these ids, deleted ones too, in any order; ids without a row are left out.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn with_ids(
        &self,
        listing: Listing,
        ids: Vec<ClerkId>,
    ) -> Result<Vec<Mirrored>, StoreError>;

    /// Rows that are not deleted, in the order of their ids, beginning after `after`; at most `limit`. Memberships of
    /// deleted organizations or users are left out, as Clerk lists none either, and so is everything of forgotten persons.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn live_after(
        &self,
        listing: Listing,
        after: Option<ClerkId>,
        limit: u32,
    ) -> Result<Vec<Mirrored>, StoreError>;
}
