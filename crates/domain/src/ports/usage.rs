use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{FeatureUsage, ReserveOutcome, SpendOutcome, StoreError, UsageRequest};

/// Where metered features are counted, by calendar month (UTC).
///
/// Whatever runs at once, on however many replicas: what is granted in a month never exceeds the limit that each request
/// was judged by. Whatever is used for good is a change of kind [`Usage`](crate::ChangeKind::Usage) in the feed, in the
/// same transaction; what is only held is none.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait UsageMeter: Send + Sync {
    /// Uses something at once, if the limit allows it.
    ///
    /// # Errors
    /// When nothing was committed.
    async fn spend(&self, request: UsageRequest) -> Result<SpendOutcome, StoreError>;

    /// Holds something for work that begins, if the limit allows it. What is neither committed nor given back by
    /// `expires_at` counts no more, so that a crash does not eat the limit: choose a time longer than the work may take.
    ///
    /// # Errors
    /// When nothing was committed.
    async fn reserve(
        &self,
        request: UsageRequest,
        expires_at: DateTime<Utc>,
    ) -> Result<ReserveOutcome, StoreError>;

    /// The work is done: what was held is used, in the month in which it was reserved. `false` when nothing is held any
    /// more: it was settled before, or had expired and its place was given to others.
    ///
    /// # Errors
    /// When nothing was committed.
    async fn commit(&self, reservation: Uuid) -> Result<bool, StoreError>;

    /// The work has failed: what was held is free. `false` as for [`UsageMeter::commit`].
    ///
    /// # Errors
    /// When nothing was committed.
    async fn refund(&self, reservation: Uuid) -> Result<bool, StoreError>;

    /// What a user has used in the month of `now`, by feature; features that were never used are left out.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn usage(
        &self,
        user_id: Uuid,
        now: DateTime<Utc>,
    ) -> Result<Vec<FeatureUsage>, StoreError>;
}
