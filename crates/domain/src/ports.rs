//! The ports: what the rest of the product asks of storage, and what an adapter must answer in each case.

mod administration;
mod assistant;
mod audit;
mod changes;
mod deliveries;
mod directory;
mod enrichment;
mod external_ids;
mod feed_tail;
mod health;
mod housekeeping;
mod invites;
mod mirror;
mod overview;
mod position_reader;
mod rows;
mod shared_budget;
mod sweeps;
mod tickets;
mod usage;
mod users;
mod workspace;
mod write_backs;

pub use administration::{Administration, Erasures};
pub use assistant::{Answer, Assistant, AssistantError, AssistantWait};
pub use audit::AuditLog;
pub use changes::Changes;
pub use deliveries::{Deliveries, DeliveryFilter, StoredDelivery};
pub use directory::{
    Directory, DirectoryError, DirectoryHealth, DirectoryReport, Listing, LiveSession, Page,
};
pub use enrichment::{Enrichment, NoEnrichment};
pub use external_ids::{ExternalIds, ExternalUser};
pub use feed_tail::{
    CacheHealth, CacheReport, CommitObserver, Commits, FeedMark, FeedPulse, FeedTail,
    SharedCacheState, WakeUpError, WakeUps,
};
pub use health::{MigrationState, StoreHealth, StoreLoad, StoreReport};
pub use housekeeping::Housekeeping;
pub use invites::Invites;
pub use mirror::Mirror;
pub use overview::Overview;
pub use position_reader::PositionReader;
pub use rows::{MirrorRows, Mirrored};
pub use shared_budget::{Pace, SharedBudget};
pub use sweeps::{AskedSweep, SweepRequests};
pub use tickets::{StreamTicket, StreamTickets};
pub use usage::UsageMeter;
pub use users::{Caller, UserStore};
pub use workspace::{OwnedRows, Portfolios, Workspace};
pub use write_backs::{NoWriteBacks, WriteBack, WriteBacks};

#[cfg(feature = "mock")]
pub use administration::{MockAdministration, MockErasures};
#[cfg(feature = "mock")]
pub use assistant::{MockAnswer, MockAssistant};
#[cfg(feature = "mock")]
pub use audit::MockAuditLog;
#[cfg(feature = "mock")]
pub use changes::MockChanges;
#[cfg(feature = "mock")]
pub use deliveries::MockDeliveries;
#[cfg(feature = "mock")]
pub use directory::{MockDirectory, MockDirectoryHealth};
#[cfg(feature = "mock")]
pub use enrichment::MockEnrichment;
#[cfg(feature = "mock")]
pub use external_ids::MockExternalIds;
#[cfg(feature = "mock")]
pub use feed_tail::{MockCacheHealth, MockFeedPulse, MockFeedTail};
#[cfg(feature = "mock")]
pub use health::MockStoreHealth;
#[cfg(feature = "mock")]
pub use housekeeping::MockHousekeeping;
#[cfg(feature = "mock")]
pub use invites::MockInvites;
#[cfg(feature = "mock")]
pub use mirror::MockMirror;
#[cfg(feature = "mock")]
pub use overview::MockOverview;
#[cfg(feature = "mock")]
pub use position_reader::MockPositionReader;
#[cfg(feature = "mock")]
pub use rows::MockMirrorRows;
#[cfg(feature = "mock")]
pub use sweeps::MockSweepRequests;
#[cfg(feature = "mock")]
pub use tickets::MockStreamTickets;
#[cfg(feature = "mock")]
pub use usage::MockUsageMeter;
#[cfg(feature = "mock")]
pub use users::MockUserStore;
#[cfg(feature = "mock")]
pub use workspace::{MockOwnedRows, MockPortfolios};
#[cfg(feature = "mock")]
pub use write_backs::MockWriteBacks;

/// Why the store could not do what it was asked. Absence is `None` and staleness an outcome; neither is an error.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached, is too busy or is going down: the same call may succeed later.
    #[error("the database is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database refused what it was told: a fault of ours.
    #[error("the database refused a statement")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A stored row cannot be read back: a fault of ours, or somebody changed it by hand.
    #[error("a stored row cannot be read: {0}")]
    Unreadable(String),
}
