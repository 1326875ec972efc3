use async_trait::async_trait;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Delivery, Mirrored, Receipt, Rejection, StoreError, Write};

/// Where deliveries take effect.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Mirror: Send + Sync {
    /// Makes one delivery so, in one transaction: its line in the ledger, the guarded rows, the change-feed row.
    ///
    /// An adapter answers
    /// - [`Duplicate`](crate::Outcome::Duplicate) when the message id is in the ledger already: nothing changes but the
    ///   number of attempts;
    /// - [`Stale`](crate::Outcome::Stale) when no row changed that anybody can see, since the rows know something newer
    ///   or the object is deleted;
    /// - [`Quarantined`](crate::Outcome::Quarantined) also when the database itself refuses the content: the delivery is
    ///   then kept with its bytes;
    /// - the effect's own outcome otherwise.
    ///
    /// # Errors
    /// When nothing was committed. The sender may repeat the delivery, and must.
    async fn apply(&self, delivery: Delivery) -> Result<Receipt, StoreError>;

    /// Puts a refused message into the ledger. It takes no message id: the claimed one proves nothing, and must not
    /// make the honest message of that id a duplicate.
    ///
    /// # Errors
    /// When it was not written.
    async fn reject(&self, rejection: Rejection) -> Result<(), StoreError>;

    /// Makes a delivery that is in the ledger so once more: the same effect under the same guards, but a fact that is
    /// already in its row is written again, so that a better mapping takes effect. The line gets the new outcome and one
    /// more attempt. A deletion that is in its row already is [`Applied`](crate::Outcome::Applied) too, though nothing
    /// changes. Tiers are those of `now`, not of the delivery's day.
    ///
    /// # Errors
    /// When nothing was committed.
    async fn replay(
        &self,
        line: Uuid,
        delivery: Delivery,
        now: DateTime<Utc>,
    ) -> Result<Receipt, StoreError>;

    /// Makes guarded writes that no delivery told of, in one transaction: what Clerk's API said at `read_at`. Writes that
    /// know nothing newer change nothing. Answers how many changed a row.
    ///
    /// # Errors
    /// When nothing was committed.
    async fn adopt(&self, writes: Vec<Write>, read_at: DateTime<Utc>) -> Result<u64, StoreError>;

    /// Makes a row equal to what Clerk has, whatever its place, a deletion included, provided that the row is still at
    /// the version and deletion of `expected` (`None`: that there is still no row). Answers whether it did.
    ///
    /// # Errors
    /// When nothing was committed.
    async fn correct(
        &self,
        expected: Option<Mirrored>,
        write: Write,
        read_at: DateTime<Utc>,
    ) -> Result<bool, StoreError>;
}
