use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    ClerkId, DeliveryListFilter, DeliveryRecord, Organization, OrganizationFilter, PageQuery,
    Paged, Session, SessionFilter, StoreError, User, UserFilter, UserKey, UserOverview,
};

/// Where administrators look. Lists begin with what came last, and pages neither repeat nor skip a row that was there
/// when the first one was read, whatever is written meanwhile. What a filter holds is text to be compared, whatever
/// characters it has.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Overview: Send + Sync {
    /// Users.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn users(
        &self,
        filter: UserFilter,
        page: PageQuery<Uuid>,
    ) -> Result<Paged<User>, StoreError>;

    /// One user's row, deleted or not.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn user(&self, key: &UserKey) -> Result<Option<User>, StoreError>;

    /// One user with all that belongs to him, deleted or not; `now` says which month's usage.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn user_overview(
        &self,
        key: &UserKey,
        now: DateTime<Utc>,
    ) -> Result<Option<UserOverview>, StoreError>;

    /// Organizations.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn organizations(
        &self,
        filter: OrganizationFilter,
        page: PageQuery<ClerkId>,
    ) -> Result<Paged<Organization>, StoreError>;

    /// Sessions.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn sessions(
        &self,
        filter: SessionFilter,
        page: PageQuery<ClerkId>,
    ) -> Result<Paged<Session>, StoreError>;

    /// Lines of the ledger, rejected ones too, without what was in the messages.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn deliveries(
        &self,
        filter: DeliveryListFilter,
        page: PageQuery<Uuid>,
    ) -> Result<Paged<DeliveryRecord>, StoreError>;
}
