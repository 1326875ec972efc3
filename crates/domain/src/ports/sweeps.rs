use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Attribution, StoreError};

/// How a sweep stands that somebody has asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AskedSweep {
    /// When it was asked for; `None`: nobody waits for one.
    pub asked_at: Option<DateTime<Utc>>,
    /// When it began; `None` until the replica that does background work has come to it.
    pub began_at: Option<DateTime<Utc>>,
    /// What is being read from Clerk, by its name.
    pub listing: Option<String>,
    /// Objects of it that have been read.
    pub done: u64,
    /// Objects of it that Clerk counted, where it did.
    pub total: Option<u64>,
}

/// Where a sweep is asked for. Whichever replica is asked, the one that holds the lease of background work does it, once
/// for all who have asked until it begins.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait SweepRequests: Send + Sync {
    /// Asks for a whole sweep that repairs what it finds. The audit log has a line for whoever was the first to ask.
    ///
    /// # Errors
    /// When the wish was not written down.
    async fn ask(&self, by: Attribution) -> Result<AskedSweep, StoreError>;

    /// How the sweep stands that was asked for.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn asked(&self) -> Result<AskedSweep, StoreError>;
}
