use async_trait::async_trait;

use crate::{FeedItem, StoreError};

/// Where the change feed is read.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Changes: Send + Sync {
    /// The changes after a cursor, in commit order, at most `limit`. A change that commits later never has a cursor
    /// below one that was answered before.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn after(&self, cursor: i64, limit: u32) -> Result<Vec<FeedItem>, StoreError>;
}
