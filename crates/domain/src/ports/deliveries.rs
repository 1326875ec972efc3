use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{DeliveryRecord, ObjectKind, Outcome, Payload, StoreError};

/// Which lines of the ledger are wanted; all of those given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeliveryFilter {
    /// The line with this id, ours or the sender's.
    pub id: Option<String>,
    /// Lines received at or after this time.
    pub since: Option<DateTime<Utc>>,
    /// Lines about this kind of object.
    pub kind: Option<ObjectKind>,
    /// Lines with this outcome.
    pub outcome: Option<Outcome>,
}

/// A line of the ledger with what replay needs.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredDelivery {
    /// The line.
    pub record: DeliveryRecord,
    /// What was kept of the body.
    pub payload: Payload,
}

/// Where the ledger is read.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Deliveries: Send + Sync {
    /// The line of the message with this id; `None` when it never came, or was rejected.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn find(&self, message_id: &str) -> Result<Option<DeliveryRecord>, StoreError>;

    /// Lines in the order in which they came, beginning after the line `after`, at most `limit`; rejected ones hold
    /// nothing to replay and are left out.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn stored(
        &self,
        filter: &DeliveryFilter,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<StoredDelivery>, StoreError>;
}
