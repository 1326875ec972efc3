use async_trait::async_trait;

use crate::{Delivery, Receipt, Rejection, StoreError};

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
}
