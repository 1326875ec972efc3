use async_trait::async_trait;

use crate::workspace::PortfolioSummary;
use crate::{StoreError, User};

/// Whom the team's own id for a user means.
#[derive(Debug, Clone, PartialEq)]
pub enum ExternalUser {
    /// Nobody has it.
    Unknown,
    /// One user who is not deleted, or, where there is none, a deleted one; with what he has of portfolios.
    Known(Box<User>, PortfolioSummary),
    /// Several users who are not deleted: Clerk lets no two users have one id, but the mirror may hear of a change of
    /// hands in either order. None of them may be taken for the other.
    Ambiguous,
}

/// Finds users by the team's own ids, which Clerk keeps as `external_id`.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ExternalIds: Send + Sync {
    /// Whom `external_id` means. Compared byte for byte.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn user_of(&self, external_id: &str) -> Result<ExternalUser, StoreError>;
}
