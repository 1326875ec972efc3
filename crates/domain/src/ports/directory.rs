use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::{ClerkId, Mirrored, ObjectKind, UserWrite, Write};

/// What Clerk's Backend API lists whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Listing {
    /// Users.
    Users,
    /// Organizations.
    Organizations,
    /// Memberships of every organization.
    Memberships,
}

impl Listing {
    /// Every listing, in the order in which parents come before children.
    pub const ALL: &[Self] = &[Self::Users, Self::Organizations, Self::Memberships];

    /// The name on the command line, in checkpoints and in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Organizations => "organizations",
            Self::Memberships => "memberships",
        }
    }

    /// The listing that [`Listing::as_str`] names.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|listing| listing.as_str() == name)
    }

    /// What is listed.
    #[must_use]
    pub fn kind(self) -> ObjectKind {
        match self {
            Self::Users => ObjectKind::User,
            Self::Organizations => ObjectKind::Organization,
            Self::Memberships => ObjectKind::Membership,
        }
    }
}

impl Serialize for Listing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One page of what Clerk has.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// The objects, as guarded writes whose place is below a webhook's of the same `updated_at`.
    pub writes: Vec<Write>,
    /// Objects that could not be mapped: their id, where it could be read, and why.
    pub unmappable: Vec<(Option<String>, String)>,
    /// Where the next page begins; opaque, and good for a checkpoint. `None` on the last page.
    pub next: Option<String>,
    /// Clerk's words where the instance has no such objects at all because they are switched off there: nothing is listed,
    /// and nothing follows from that.
    pub switched_off: Option<String>,
}

/// Why Clerk did not answer.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// Clerk cannot be reached, is too slow, answers 5xx, or still 429 after every retry.
    #[error("Clerk's Backend API is unavailable: {0}")]
    Unavailable(String),
    /// Clerk refused: a wrong secret key, or a request that it does not know. Clerk's own code and words.
    #[error("Clerk's Backend API refused: {0}")]
    Refused(String),
    /// The answer is not what the API describes.
    #[error("Clerk's Backend API gave an answer that cannot be read: {0}")]
    Unreadable(String),
}

/// A session that goes on at Clerk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveSession {
    /// `sess_…`
    pub clerk_session_id: ClerkId,
    /// When it began, by Clerk's clock; `None` where Clerk does not say.
    pub created_at: Option<DateTime<Utc>>,
}

/// Clerk's Backend API, as far as the mirror and those who administer it need it.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Directory: Send + Sync {
    /// One page, the oldest objects first, so that what is made meanwhile comes at the end. `after` is the `next` of the
    /// page before.
    ///
    /// # Errors
    /// When there is no such page to be had. A page is whole or it is an error.
    async fn page(&self, listing: Listing, after: Option<String>) -> Result<Page, DirectoryError>;

    /// One page of what may have changed since a time, the latest first: users by their last change, organizations and
    /// memberships by when they were made, which is all that Clerk offers. Objects that are older may be on the page too;
    /// `next` is `None` once nothing younger can follow. What changes meanwhile may come twice.
    ///
    /// # Errors
    /// As [`Directory::page`].
    async fn recent(
        &self,
        listing: Listing,
        since: DateTime<Utc>,
        after: Option<String>,
    ) -> Result<Page, DirectoryError>;

    /// How many there are, for progress.
    ///
    /// # Errors
    /// When Clerk does not say.
    async fn count(&self, listing: Listing) -> Result<u64, DirectoryError>;

    /// The object behind a row as Clerk has it this moment; `None` when Clerk says that there is none.
    ///
    /// # Errors
    /// When Clerk does not say.
    async fn find(&self, row: &Mirrored) -> Result<Option<Write>, DirectoryError>;

    /// The user as Clerk has him this moment, while a person waits: before every sweep, and with little patience. `None`
    /// when Clerk says that there is none.
    ///
    /// # Errors
    /// When Clerk does not say.
    async fn user(&self, clerk_user_id: &ClerkId) -> Result<Option<UserWrite>, DirectoryError>;

    /// A user's sessions that go on, those with unfinished tasks too; none when Clerk knows no such user.
    ///
    /// # Errors
    /// When Clerk does not say.
    async fn live_sessions(
        &self,
        clerk_user_id: &ClerkId,
    ) -> Result<Vec<LiveSession>, DirectoryError>;

    /// Ends a session. One that is over, or that Clerk does not know, is no error.
    ///
    /// # Errors
    /// When it may go on.
    async fn revoke_session(&self, clerk_session_id: &ClerkId) -> Result<(), DirectoryError>;

    /// Merges into a user's `public_metadata`, key within key; null takes a key away. Answers whether there is such a
    /// user.
    ///
    /// # Errors
    /// When it may not have happened.
    async fn merge_public_metadata(
        &self,
        clerk_user_id: &ClerkId,
        patch: Value,
    ) -> Result<bool, DirectoryError>;
}

/// How Clerk's Backend API has answered since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DirectoryReport {
    /// Answers.
    pub answered: u64,
    /// Questions that Clerk does not answer: a wrong key, an unknown path.
    pub refused: u64,
    /// Questions that were too many.
    pub rate_limited: u64,
    /// Questions without an answer, or with a fault of Clerk's.
    pub failed: u64,
    /// How far this machine's clock was ahead of Clerk's when Clerk last answered, to a second; below zero: behind.
    pub clock_ahead: Option<TimeDelta>,
}

/// Who says how Clerk's Backend API does.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait DirectoryHealth: Send + Sync {
    /// Looks at what is known, and asks nobody.
    fn report(&self) -> DirectoryReport;
}
