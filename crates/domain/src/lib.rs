//! The language of clerk-sync.
//!
//! Everything that the product knows without HTTP, SQL or JSON Web Tokens: users, sessions and the other objects that
//! Clerk tells us about, the deliveries that tell it, the rules by which any order of deliveries ends in the same rows,
//! and the ports through which storage is reached.
//!
//! It will never know axum, diesel, reqwest, svix or jsonwebtoken. Time is always an argument.

mod access;
mod activity;
mod administration;
mod admission;
mod audit;
mod billing;
mod change;
mod clerk_id;
mod delivery;
mod invite;
mod object;
mod organization;
mod overview;
mod page;
mod ports;
mod precedence;
mod session;
mod sync;
mod timestamp;
mod usage;
mod user;
pub mod workspace;

pub use access::{
    Denial, Entitlements, Factor, Feature, Limits, MembershipFact, Notice, NoticeProblem, Policies,
    Policy, PolicyErrors, PolicyFault, Role, RoleDecision, RoleFacts, RoleSource, RuleKind, StepUp,
    Tier, TierDecision, TierFacts, TierSource, VerifiedFactors, require_permission,
    require_step_up,
};
pub use activity::{DayActivity, Totals};
pub use administration::{
    Decided, Erasure, ErasureOutcome, MAX_PREFERENCES_BYTES, MAX_PREFERENCES_DEPTH,
    PreferencesError, PreferencesOutcome, merge_patch, patched_preferences,
};
pub use admission::Barred;
pub use audit::{
    Actor, Attribution, AuditAction, AuditEntry, AuditFilter, AuditRecord, AuditSubject,
};
pub use billing::{
    BillingTier, Coverage, Payer, PlanRules, Subscription, SubscriptionItem, SubscriptionItemWrite,
    SubscriptionWrite,
};
pub use change::{Change, ChangeKind, ChangeOp, FeedItem};
pub use clerk_id::{ClerkId, ClerkIdError};
pub use delivery::{
    Deletion, Delivery, DeliveryRecord, Effect, JsonText, Outcome, Payload, Receipt, Rejection,
    Write,
};
pub use invite::{
    INVITE_ATTEMPT_WINDOW, Invite, InviteAttempt, InviteCode, InviteCodeError, InviteCreation,
    InviteDigest, InviteOutcome, InviteRules, NewInvite, attempt_subject_of_address,
    attempt_subject_of_user,
};
pub use object::{ObjectKind, ObjectWrite};
pub use organization::{
    Membership, MembershipProfile, MembershipWrite, Organization, OrganizationProfile,
    OrganizationWrite,
};
pub use overview::{
    DeliveryListFilter, MemberOf, OrganizationFilter, SessionFilter, UserFilter, UserKey,
    UserOverview,
};
pub use page::{CursorError, CursorKey, List, PageQuery, Paged};
pub use ports::{
    Administration, Answer, AskedSweep, Assistant, AssistantError, AssistantWait, AuditLog,
    CacheHealth, CacheReport, Caller, Changes, CommitObserver, Commits, Deliveries, DeliveryFilter,
    Directory, DirectoryError, DirectoryHealth, DirectoryReport, Enrichment, Erasures, ExternalIds,
    ExternalUser, FeedMark, FeedPulse, FeedTail, Housekeeping, Invites, Listing, LiveSession,
    MigrationState, Mirror, MirrorRows, Mirrored, NoEnrichment, NoWriteBacks, Overview, OwnedRows,
    Pace, Page, Portfolios, PositionReader, SharedBudget, SharedCacheState, StoreError,
    StoreHealth, StoreLoad, StoreReport, StoredDelivery, StreamTicket, StreamTickets,
    SweepRequests, UsageMeter, UserStore, WakeUpError, WakeUps, Workspace, WriteBack, WriteBacks,
};
pub use precedence::{Precedence, Step};
pub use session::{Session, SessionStatus, SessionWrite, SignIn};
pub use sync::{
    BackfillOptions, BackfillReport, Braked, DueSweep, Failure, KindDrift, ListingRead, MaxAbsent,
    Progress, ReconcileOptions, ReconcileReport, SweepLog, SweepPlan, SweepSummary, SyncError,
    Unmappable, UnmappableObject, backfill, no_events_alarm, reconcile,
};
pub use timestamp::{MAX_CLOCK_AHEAD, from_clerk_millis, from_clerk_seconds_or_millis};
pub use usage::{FeatureUsage, Month, MonthUsage, ReserveOutcome, SpendOutcome, UsageRequest};
pub use user::{EmailAddress, ThinUser, User, UserProfile, UserWrite};

#[cfg(feature = "mock")]
pub use ports::{
    MockAdministration, MockAnswer, MockAssistant, MockAuditLog, MockCacheHealth, MockChanges,
    MockDeliveries, MockDirectory, MockDirectoryHealth, MockEnrichment, MockErasures,
    MockExternalIds, MockFeedPulse, MockFeedTail, MockHousekeeping, MockInvites, MockMirror,
    MockMirrorRows, MockOverview, MockOwnedRows, MockPortfolios, MockPositionReader,
    MockStoreHealth, MockStreamTickets, MockSweepRequests, MockUsageMeter, MockUserStore,
    MockWriteBacks,
};
