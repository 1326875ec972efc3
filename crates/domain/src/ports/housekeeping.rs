use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{ClerkId, StoreError};

/// What background work needs of the store.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Housekeeping: Send + Sync {
    /// Takes or renews the lease of a job for `holder` until `until`: `false` while another holder's lasts. One that
    /// ends more than an hour after this one would is nobody's: it was taken by a clock that was wrong.
    ///
    /// # Errors
    /// When nothing was committed.
    async fn lease(
        &self,
        job: &str,
        holder: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<bool, StoreError>;

    /// The word that was kept under this name.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn checkpoint(&self, name: &str) -> Result<Option<String>, StoreError>;

    /// Keeps a word under a name; `None` forgets it.
    ///
    /// # Errors
    /// When nothing was committed.
    async fn keep_checkpoint(&self, name: &str, word: Option<String>) -> Result<(), StoreError>;

    /// Forgets ledger lines received before `before`, at most `limit` of them; quarantined ones stay. Answers how many
    /// are gone.
    ///
    /// # Errors
    /// When nothing was committed.
    async fn prune_deliveries(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError>;

    /// Forgets what serves nobody any more by `now`: tries of invite codes that no longer count, with the addresses that
    /// they came from, and what was held of a past month's usage and has expired; at most `limit` of each. Answers how many
    /// are gone of the sort of which more are.
    ///
    /// # Errors
    /// When nothing was committed.
    async fn prune_leftovers(&self, now: DateTime<Utc>, limit: u32) -> Result<u64, StoreError>;

    /// Works out again what plans gave that have lapsed by `now`: tiers, and roles of users; at most `limit` rows of each
    /// sort. Each change goes into the feed. Answers how many were looked at.
    ///
    /// # Errors
    /// When nothing was committed.
    async fn settle_tiers(&self, now: DateTime<Utc>, limit: u32) -> Result<u64, StoreError>;

    /// Users who are not deleted and of whom nothing is known but what a token said, in the order of their ids, beginning
    /// after `after`; at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn thin_users(
        &self,
        after: Option<ClerkId>,
        limit: u32,
    ) -> Result<Vec<ClerkId>, StoreError>;
}
