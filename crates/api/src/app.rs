//! What the routes work with.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use auth::Authenticator;
use chrono::{DateTime, TimeDelta, Utc};
use domain::workspace::ImportLimits;
use domain::{
    Administration, Assistant, AuditLog, CacheHealth, Changes, Deliveries, Directory,
    DirectoryHealth, Enrichment, Erasures, FeedPulse, FeedTail, Invites, Mirror, Overview,
    Policies, PositionReader, StoreHealth, StoreReport, StreamTickets, SweepRequests, UsageMeter,
    UserStore, Workspace, WriteBacks,
};
use ipnet::IpNet;
use tokio_util::sync::CancellationToken;
use webhooks::Receiver;

use crate::cors::CorsOrigins;
use crate::counts::{DeliveryCounts, DeliveryReport, ProofCounts, ProofReport};
use crate::invite_gate::InviteGate;
use crate::leaving::Leaving;
use crate::legacy_bridge::{LegacyBridge, LegacyUse};
use crate::load::Load;
use crate::rate_limits::{RateLimitSettings, RateLimits};
use crate::routes::health;
use crate::routes::me_answers::MeAnswers;
use crate::security_log::{InviteTries, SecurityLog, Suspicion};
use crate::service_caller::ServiceTokens;
use crate::store_pulse::StorePulse;
use crate::streams::Hub;
use crate::sync_status::SyncStatus;

/// Settings of the HTTP side.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// Whether a verified user whom no webhook has told of yet gets a row on his first request; else he gets 404.
    pub jit_provisioning: bool,
    /// The largest webhook body, in bytes.
    pub webhook_body_limit: usize,
    /// The largest file of positions, in bytes.
    pub import_body_limit: usize,
    /// How much is taken and told of such a file.
    pub import: ImportLimits,
    /// How long a request may take in all.
    pub request_timeout: Duration,
    /// Whether Clerk's Backend API can be asked: a secret key is set.
    pub clerk_configured: bool,
    /// Who is let in by invite.
    pub invites: InviteGate,
    /// Whether a role that an admin gives is to stand in Clerk's `public_metadata` too.
    pub role_write_back: bool,
    /// Days between the wish to forget a person and its deed.
    pub erasure_hold_days: u32,
    /// How many requests one caller may send.
    pub rate_limits: RateLimitSettings,
    /// Requests under way at one time; more are told to come again.
    pub max_requests: usize,
    /// Proxies whose word counts as to where a request comes from.
    pub trusted_proxies: Vec<IpNet>,
    /// The origins whose pages may call from a browser.
    pub cors_origins: CorsOrigins,
    /// The origins that may send requests that change something by cookie.
    pub origins: Vec<String>,
}

/// Everything that the routes share; a clone is a pointer.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// The ports and services behind the routes.
pub struct Parts {
    /// Where deliveries take effect.
    pub mirror: Arc<dyn Mirror>,
    /// Where users are read.
    pub users: Arc<dyn UserStore>,
    /// Who asks Clerk about users known from a token alone.
    pub enrichment: Arc<dyn Enrichment>,
    /// Clerk's Backend API; `None` without a secret key.
    pub directory: Option<Arc<dyn Directory>>,
    /// How asking Clerk goes; `None` without a secret key.
    pub directory_health: Option<Arc<dyn DirectoryHealth>>,
    /// Who tells Clerk what was decided here.
    pub write_backs: Arc<dyn WriteBacks>,
    /// The change feed.
    pub changes: Arc<dyn Changes>,
    /// The end of the feed, for open streams.
    pub feed_tail: Arc<dyn FeedTail>,
    /// How far the feed has been seen: what has been seen, `users` answers accordingly.
    pub feed_pulse: Arc<dyn FeedPulse>,
    /// How what is remembered of callers does.
    pub cache_health: Arc<dyn CacheHealth>,
    /// Where tickets for streams wait.
    pub tickets: Arc<dyn StreamTickets>,
    /// Where invites are made and redeemed.
    pub invites: Arc<dyn Invites>,
    /// Where metered features are counted.
    pub usage: Arc<dyn UsageMeter>,
    /// Who did what.
    pub audit: Arc<dyn AuditLog>,
    /// What the team decides about users.
    pub administration: Arc<dyn Administration>,
    /// The right to be forgotten, and the right to know.
    pub erasures: Arc<dyn Erasures>,
    /// What belongs to users.
    pub workspace: Workspace,
    /// Who reads files of positions.
    pub position_reader: Arc<dyn PositionReader>,
    /// Who answers in the chat; `None` where the team runs no assistant.
    pub assistant: Option<Arc<dyn Assistant>>,
    /// Lists for administrators.
    pub overview: Arc<dyn Overview>,
    /// The ledger of deliveries.
    pub deliveries: Arc<dyn Deliveries>,
    /// Whether the store works.
    pub store_health: Arc<dyn StoreHealth>,
    /// Tells authentic webhooks from others.
    pub receiver: Receiver,
    /// Tells valid sessions from others.
    pub authenticator: Arc<Authenticator>,
    /// Lets tokens of a previous login in, while there is such a bridge.
    pub legacy: Option<LegacyBridge>,
    /// Tells machine callers from others.
    pub service_tokens: ServiceTokens,
    /// What a user may do.
    pub policy: Arc<Policies>,
    /// Where sweeps are asked for.
    pub sweeps: Arc<dyn SweepRequests>,
    /// What the last sweep found.
    pub sync_status: Arc<SyncStatus>,
    /// Settings of the HTTP side.
    pub settings: ApiSettings,
    /// Whether the service is about to stop.
    pub leaving: Leaving,
    /// Cancelled when the service stops: answers that have no end of their own end then.
    pub stop: CancellationToken,
}

/// The parts, and what is made of them.
pub struct Inner {
    parts: Parts,
    pub(crate) security_log: Arc<SecurityLog>,
    pub(crate) store_pulse: StorePulse,
    pub(crate) rate_limits: Arc<RateLimits>,
    pub(crate) load: Arc<Load>,
    pub(crate) proofs: ProofCounts,
    pub(crate) delivered: DeliveryCounts,
    pub(crate) hub: Arc<Hub>,
    pub(crate) me_answers: MeAnswers,
}

impl App {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let (mirror, audit) = (Arc::clone(&parts.mirror), Arc::clone(&parts.audit));
        let security_log = Arc::new(SecurityLog::new(mirror, audit));
        let store_pulse = StorePulse::of(Arc::clone(&parts.store_health));
        let hub = Hub::new(
            Arc::clone(&parts.feed_tail),
            Arc::clone(&parts.feed_pulse),
            parts.stop.clone(),
        );
        let rate_limits = Arc::new(RateLimits::new(
            parts.settings.rate_limits,
            Arc::clone(&security_log),
        ));
        let load = Arc::new(Load::new(parts.settings.max_requests));
        Self(Arc::new(Inner {
            hub,
            load,
            proofs: ProofCounts::new(),
            delivered: DeliveryCounts::new(),
            rate_limits,
            parts,
            security_log,
            store_pulse,
            me_answers: MeAnswers::new(),
        }))
    }

    /// Tries of invite codes that did not let anybody in, since this process started.
    #[must_use]
    pub fn invite_tries(&self) -> InviteTries {
        self.security_log.invite_tries()
    }

    /// Who was let in, and who was not, since this process started.
    #[must_use]
    pub fn proofs(&self) -> ProofReport {
        self.proofs.report()
    }

    /// What became of webhooks since this process started.
    #[must_use]
    pub fn delivered(&self) -> DeliveryReport {
        self.delivered.report()
    }

    /// Bursts of what only attackers cause, since this process started.
    #[must_use]
    pub fn security_alerts(&self) -> Vec<(Suspicion, u64)> {
        self.security_log.alerts()
    }

    /// What the database says of itself.
    ///
    /// # Errors
    /// Why it said nothing.
    pub async fn store_report(&self) -> Result<StoreReport, String> {
        self.store_pulse.report().await
    }

    /// Whether Clerk has moved, and no webhook told of it: `last_event_at` is when the latest came.
    #[must_use]
    pub fn are_events_missing(
        &self,
        last_event_at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> bool {
        health::are_events_missing(&self.sync_status, last_event_at, now)
    }

    /// How far this machine's clock is ahead of Clerk's, once Clerk has answered.
    #[must_use]
    pub fn clock_ahead(&self) -> Option<TimeDelta> {
        self.directory_health.as_ref()?.report().clock_ahead
    }

    /// Requests under way.
    #[must_use]
    pub fn requests_under_way(&self) -> usize {
        self.load.requests()
    }

    /// Streams that are open.
    #[must_use]
    pub fn open_streams(&self) -> usize {
        self.hub.open_streams()
    }

    /// How much the bridge for a previous login is used, while there is one.
    #[must_use]
    pub fn legacy_use(&self) -> Option<LegacyUse> {
        self.legacy.as_ref().map(LegacyBridge::uses)
    }
}

impl Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Deref for Inner {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}
