use async_trait::async_trait;

use crate::{DeliveryRecord, StoreError};

/// Where the ledger is read.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Deliveries: Send + Sync {
    /// The line of the message with this id; `None` when it never came, or was rejected.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn find(&self, message_id: &str) -> Result<Option<DeliveryRecord>, StoreError>;
}
