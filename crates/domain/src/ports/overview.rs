use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use crate::{
    ClerkId, DayActivity, DeliveryListFilter, DeliveryRecord, Organization, OrganizationFilter,
    PageQuery, Paged, Session, SessionFilter, StoreError, Totals, User, UserFilter, UserKey,
    UserOverview,
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

    /// How many of each there are at `now`.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn totals(&self, now: DateTime<Utc>) -> Result<Totals, StoreError>;

    /// What went on in so many days (UTC), the oldest first, of which `last` is the last. Every day is there, also when
    /// nothing happened on it; the ledger remembers for as long as its lines are kept.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn activity(&self, last: NaiveDate, days: u32) -> Result<Vec<DayActivity>, StoreError>;
}
