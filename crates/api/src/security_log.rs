//! What attackers, and only they, should cause: one event in the log for each, and a line in the ledger for some.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::{Mirror, Rejection};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use uuid::Uuid;

/// Ledger lines a second, and at once, that strangers may cause. The log has them all.
const LINES_A_SECOND: NonZeroU32 = NonZeroU32::new(10).unwrap();
const LINES_AT_ONCE: NonZeroU32 = NonZeroU32::new(100).unwrap();

/// Takes down refused webhooks, and tries of invite codes.
pub(crate) struct SecurityLog {
    mirror: Arc<dyn Mirror>,
    lines: DefaultDirectRateLimiter,
    invites_refused: AtomicU64,
    invites_limited: AtomicU64,
}

/// Tries of invite codes that did not let anybody in, since this process started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InviteTries {
    /// No invite had the code, or it was used up, expired or taken back.
    pub refused: u64,
    /// Not looked at, as too many had failed before.
    pub limited: u64,
}

impl SecurityLog {
    pub(crate) fn new(mirror: Arc<dyn Mirror>) -> Self {
        let quota = Quota::per_second(LINES_A_SECOND).allow_burst(LINES_AT_ONCE);
        Self {
            mirror,
            lines: RateLimiter::direct(quota),
            invites_refused: AtomicU64::new(0),
            invites_limited: AtomicU64::new(0),
        }
    }

    /// Tries so far.
    pub(crate) fn invite_tries(&self) -> InviteTries {
        InviteTries {
            refused: self.invites_refused.load(Ordering::Relaxed),
            limited: self.invites_limited.load(Ordering::Relaxed),
        }
    }

    /// Logs and counts a code that let nobody in; never the code itself, which may be a slip of the right one. The user
    /// is named by our id. One of a burst is alarming: it is a warning.
    pub(crate) fn invite_refused(&self, user: Uuid, address: Option<IpAddr>, is_alarming: bool) {
        let refused = count(&self.invites_refused);
        let address = address.map(tracing::field::display);
        if is_alarming {
            tracing::warn!(target: "security", %user, address, refused, "invite codes are being guessed");
        } else {
            tracing::info!(target: "security", %user, address, refused, "an invite code was refused");
        }
    }

    /// Logs and counts a try that was not looked at.
    pub(crate) fn invite_limited(&self, user: Uuid, address: Option<IpAddr>) {
        let limited = count(&self.invites_limited);
        let address = address.map(tracing::field::display);
        tracing::info!(target: "security", %user, address, limited, "an invite code was not looked at: too many failed before");
    }

    /// Logs a refused webhook, and writes it to the ledger while strangers have not written too much lately. The
    /// answer does not wait for that: nothing was promised to anybody.
    pub(crate) fn webhook_rejected(&self, rejection: Rejection) {
        tracing::warn!(
            target: "security",
            code = rejection.code,
            claimed_message_id = rejection.claimed_message_id.as_deref(),
            "webhook rejected"
        );
        if self.lines.check().is_err() {
            return;
        }
        let mirror = Arc::clone(&self.mirror);
        tokio::spawn(async move {
            if let Err(error) = mirror.reject(rejection).await {
                tracing::warn!(%error, "a rejected webhook could not be written to the ledger");
            }
        });
    }
}

/// The count with one more.
fn count(counter: &AtomicU64) -> u64 {
    counter.fetch_add(1, Ordering::Relaxed).saturating_add(1)
}
