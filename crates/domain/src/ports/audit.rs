use async_trait::async_trait;
use uuid::Uuid;

use crate::{Attribution, AuditEntry, AuditFilter, AuditRecord, PageQuery, Paged, StoreError};

/// Where the audit log is read, and written for what happens outside of the store.
///
/// Lines are added and never changed. What changes rows writes its own line, in the same transaction: see
/// [`Administration`](crate::Administration) and [`Invites`](crate::Invites).
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait AuditLog: Send + Sync {
    /// Writes down what was done elsewhere, as at Clerk.
    ///
    /// # Errors
    /// When nothing was committed.
    async fn record(&self, record: AuditRecord, by: Attribution) -> Result<(), StoreError>;

    /// Lines, the newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn entries(
        &self,
        filter: AuditFilter,
        page: PageQuery<Uuid>,
    ) -> Result<Paged<AuditEntry>, StoreError>;
}
