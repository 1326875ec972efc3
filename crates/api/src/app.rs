//! What the routes work with.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use auth::Authenticator;
use domain::{Changes, Mirror, Policy, StoreHealth, UserStore};
use webhooks::Receiver;

use crate::invite_gate::InviteGate;
use crate::security_log::SecurityLog;
use crate::service_caller::ServiceTokens;
use crate::sync_status::SyncStatus;

/// Settings of the HTTP side.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// Whether a verified user whom no webhook has told of yet gets a row on his first request; else he gets 404.
    pub jit_provisioning: bool,
    /// The largest webhook body, in bytes.
    pub webhook_body_limit: usize,
    /// How long a request may take in all.
    pub request_timeout: Duration,
    /// Whether Clerk's Backend API can be asked: a secret key is set.
    pub clerk_configured: bool,
    /// Who is let in by invite.
    pub invites: InviteGate,
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
    /// The change feed.
    pub changes: Arc<dyn Changes>,
    /// Whether the store works.
    pub store_health: Arc<dyn StoreHealth>,
    /// Tells authentic webhooks from others.
    pub receiver: Receiver,
    /// Tells valid sessions from others.
    pub authenticator: Arc<Authenticator>,
    /// Tells machine callers from others.
    pub service_tokens: ServiceTokens,
    /// What a user may do.
    pub policy: Arc<Policy>,
    /// What the last sweep found.
    pub sync_status: Arc<SyncStatus>,
    /// Settings of the HTTP side.
    pub settings: ApiSettings,
}

/// The parts, and what is made of them.
pub struct Inner {
    parts: Parts,
    pub(crate) security_log: SecurityLog,
}

impl App {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let security_log = SecurityLog::new(Arc::clone(&parts.mirror));
        Self(Arc::new(Inner {
            parts,
            security_log,
        }))
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
