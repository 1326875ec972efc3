use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{ClerkId, StoreError};

/// What a ticket stands for, and how it is known again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamTicket {
    /// SHA-256 of the ticket; the ticket itself is known to its holder alone.
    pub digest: [u8; 32],
    /// Whose it is.
    pub clerk_user_id: ClerkId,
    /// The session that it was given to, and ends with.
    pub clerk_session_id: ClerkId,
    /// From then on it opens nothing.
    pub expires_at: DateTime<Utc>,
}

/// Where stream tickets wait for the one time that they are used, on whichever replica.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait StreamTickets: Send + Sync {
    /// Keeps a ticket.
    ///
    /// # Errors
    /// When nothing was committed.
    async fn issue(&self, ticket: StreamTicket) -> Result<(), StoreError>;

    /// Takes the ticket with this digest away and answers it: of many simultaneous calls exactly one gets it. `None`
    /// when there is none, or when it had expired at `now`.
    ///
    /// # Errors
    /// When it is not known whether the ticket is gone; it must not open anything then.
    async fn redeem(
        &self,
        digest: [u8; 32],
        now: DateTime<Utc>,
    ) -> Result<Option<StreamTicket>, StoreError>;

    /// Forgets tickets that had expired at `now`, at most `limit` of them. Answers how many are gone.
    ///
    /// # Errors
    /// When nothing was committed.
    async fn prune_tickets(&self, now: DateTime<Utc>, limit: u32) -> Result<u64, StoreError>;
}
