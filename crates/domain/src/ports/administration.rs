use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    Attribution, ClerkId, Decided, Delivery, Erasure, ErasureOutcome, PreferencesOutcome, Receipt,
    Role, Session, StoreError, Tier, UserKey, UserWrite,
};

/// What the team itself decides about users.
///
/// An adapter must write the row, its change in the feed and the line in the audit log in one transaction, or nothing;
/// and must never let what Clerk tells later undo a decision. `admins` are the users whom the configuration makes admin
/// whatever their row says: each of them whose row does not say otherwise (deleted, banned, deactivated) counts as one.
/// [`Decided::LastAdmin`] is decided inside the transaction.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Administration: Send + Sync {
    /// Gives a role that no rule and no webhook takes away; `None` gives it back to the rules. The policy has the role:
    /// the caller has looked. Where such roles are `written_back` to Clerk, what says the former one in the user's
    /// `public_metadata` is our own word: with the role it goes out of the row, before Clerk has heard of it.
    ///
    /// # Errors
    /// When nothing was committed.
    async fn set_role(
        &self,
        user: &UserKey,
        role: Option<Role>,
        written_back: bool,
        by: Attribution,
        admins: &[ClerkId],
    ) -> Result<Decided, StoreError>;

    /// Gives a tier that no plan takes away; `None` gives it back to what is paid for. The policy has the tier: the
    /// caller has looked.
    ///
    /// # Errors
    /// When nothing was committed.
    async fn set_tier(
        &self,
        user: &UserKey,
        tier: Option<Tier>,
        by: Attribution,
    ) -> Result<Decided, StoreError>;

    /// Closes a user's account here, whatever Clerk says.
    ///
    /// # Errors
    /// When nothing was committed.
    async fn deactivate(
        &self,
        user: &UserKey,
        by: Attribution,
        admins: &[ClerkId],
    ) -> Result<Decided, StoreError>;

    /// Opens it again; not while a request to forget the user is open.
    ///
    /// # Errors
    /// When nothing was committed.
    async fn reactivate(&self, user: &UserKey, by: Attribution) -> Result<Decided, StoreError>;

    /// Makes every token of a user that was issued until now invalid, and ends his sessions here.
    ///
    /// # Errors
    /// When nothing was committed.
    async fn revoke_tokens(&self, user: &UserKey, by: Attribution) -> Result<Decided, StoreError>;

    /// Ends one session here, for good: also one that nothing has told of yet, so that its token dies at once. With
    /// `of_user` it must be this user's. Answers the session as it is then, or `None` when it is another's.
    ///
    /// # Errors
    /// When nothing was committed.
    async fn revoke_session(
        &self,
        clerk_session_id: &ClerkId,
        of_user: Option<ClerkId>,
        by: Attribution,
    ) -> Result<Option<Session>, StoreError>;

    /// Makes a user so as Clerk's API said at `read_at`, when his row was at the version `seen` (`None`: there was none).
    /// Where it still is, Clerk's word counts whatever the row knows; what was told since counts where it is newer.
    ///
    /// # Errors
    /// When nothing was committed.
    async fn resync(
        &self,
        told: UserWrite,
        seen: Option<i64>,
        read_at: DateTime<Utc>,
        by: Attribution,
    ) -> Result<Decided, StoreError>;

    /// Applies a stored delivery again, as [`Mirror::replay`](crate::Mirror::replay) does.
    ///
    /// # Errors
    /// When nothing was committed.
    async fn replay(
        &self,
        line: Uuid,
        delivery: Delivery,
        by: Attribution,
    ) -> Result<Receipt, StoreError>;

    /// Applies a JSON merge patch to a user's preferences
    /// ([`patched_preferences`](crate::patched_preferences)). Parallel patches follow one another. The audit log has a
    /// line, without the content, where somebody else than the user does it.
    ///
    /// # Errors
    /// When nothing was committed.
    async fn patch_preferences(
        &self,
        user: &UserKey,
        patch: &Value,
        by: Attribution,
    ) -> Result<PreferencesOutcome, StoreError>;
}

/// The right to be forgotten, and the right to know.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Erasures: Send + Sync {
    /// Asks for a person to be forgotten at `due_at`, and closes the account at once.
    ///
    /// # Errors
    /// When nothing was committed.
    async fn request(
        &self,
        user: &UserKey,
        due_at: DateTime<Utc>,
        by: Attribution,
        admins: &[ClerkId],
    ) -> Result<ErasureOutcome, StoreError>;

    /// Calls an open request off. The account stays closed until somebody reactivates it.
    ///
    /// # Errors
    /// When nothing was committed.
    async fn cancel(&self, user: &UserKey, by: Attribution) -> Result<ErasureOutcome, StoreError>;

    /// Open requests that are due by `now`, the most overdue first, beginning behind `after`; at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn due(
        &self,
        now: DateTime<Utc>,
        after: Option<Erasure>,
        limit: u32,
    ) -> Result<Vec<Erasure>, StoreError>;

    /// Forgets a person whose request is open, due or not.
    ///
    /// What makes the person goes: the columns of his row, his addresses, where he signed in from, and every stored
    /// message, object and change that names him or one of his addresses. His row stays as a tombstone that nothing
    /// fills again, and so does the audit log. It is done in steps, each of which is committed; called again after a
    /// failure it goes on, and only the last step says that it is done.
    ///
    /// # Errors
    /// When a step was not committed.
    async fn execute(&self, user: &UserKey, by: Attribution) -> Result<ErasureOutcome, StoreError>;

    /// Everything that is held about a person, as one JSON object; `None` when there is no such user. With a line in the
    /// audit log.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn export(&self, user: &UserKey, by: Attribution) -> Result<Option<Value>, StoreError>;

    /// The latest request about a user.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn latest(&self, user_id: Uuid) -> Result<Option<Erasure>, StoreError>;
}
