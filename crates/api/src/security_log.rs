//! What attackers, and only they, should cause: one event in the log for each, and a line in the ledger for some.

use std::num::NonZeroU32;
use std::sync::Arc;

use domain::{Mirror, Rejection};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// Ledger lines a second, and at once, that strangers may cause. The log has them all.
const LINES_A_SECOND: NonZeroU32 = NonZeroU32::new(10).unwrap();
const LINES_AT_ONCE: NonZeroU32 = NonZeroU32::new(100).unwrap();

/// Takes down refused webhooks.
pub(crate) struct SecurityLog {
    mirror: Arc<dyn Mirror>,
    lines: DefaultDirectRateLimiter,
}

impl SecurityLog {
    pub(crate) fn new(mirror: Arc<dyn Mirror>) -> Self {
        let quota = Quota::per_second(LINES_A_SECOND).allow_burst(LINES_AT_ONCE);
        Self {
            mirror,
            lines: RateLimiter::direct(quota),
        }
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
