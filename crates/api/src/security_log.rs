//! What attackers, and only they, should cause: a line in the log for each as long as there are not too many, a line in the
//! ledger for some, and for many at once one alert in the audit log.

mod bursts;

use std::collections::HashSet;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use chrono::Utc;
use domain::{Attribution, AuditAction, AuditLog, AuditRecord, AuditSubject, Mirror, Rejection};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use serde_json::json;
use uuid::Uuid;

use bursts::Bursts;
pub use bursts::Suspicion;

/// Ledger lines a second, and at once, that strangers may cause.
const LINES_A_SECOND: NonZeroU32 = NonZeroU32::new(10).unwrap();
const LINES_AT_ONCE: NonZeroU32 = NonZeroU32::new(100).unwrap();
/// The same of the log: a flood of requests must not become a flood of lines.
const LOGGED_A_SECOND: NonZeroU32 = NonZeroU32::new(100).unwrap();
const LOGGED_AT_ONCE: NonZeroU32 = NonZeroU32::new(1_000).unwrap();
/// Sessions of impersonators that are remembered, so that each is written down once.
const IMPERSONATED: usize = 10_000;

/// Takes down what is suspicious.
pub(crate) struct SecurityLog {
    mirror: Arc<dyn Mirror>,
    audit: Arc<dyn AuditLog>,
    ledger_lines: DefaultDirectRateLimiter,
    log_lines: DefaultDirectRateLimiter,
    /// Events without a line since the last line.
    left_out: AtomicU64,
    /// One of each kind, in the order of [`Suspicion::ALL`].
    bursts: [Bursts; Suspicion::ALL.len()],
    impersonated: Mutex<HashSet<String>>,
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
    pub(crate) fn new(mirror: Arc<dyn Mirror>, audit: Arc<dyn AuditLog>) -> Self {
        let pace = |a_second, at_once| {
            RateLimiter::direct(Quota::per_second(a_second).allow_burst(at_once))
        };
        Self {
            mirror,
            audit,
            ledger_lines: pace(LINES_A_SECOND, LINES_AT_ONCE),
            log_lines: pace(LOGGED_A_SECOND, LOGGED_AT_ONCE),
            left_out: AtomicU64::new(0),
            bursts: Suspicion::ALL.map(Bursts::of),
            impersonated: Mutex::default(),
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

    /// Alerts so far, by kind.
    pub(crate) fn alerts(&self) -> Vec<(Suspicion, u64)> {
        let alerts = self.bursts.iter();
        alerts
            .map(|bursts| (bursts.kind(), bursts.alerts()))
            .collect()
    }

    /// Logs a request that was refused for its token or its origin: never the token itself.
    pub(crate) fn request_refused(
        &self,
        code: &'static str,
        reason: &dyn std::fmt::Display,
        address: Option<IpAddr>,
    ) {
        if let Some(left_out) = self.has_a_line() {
            let address = address.map(tracing::field::display);
            tracing::info!(target: "security", code, %reason, address, left_out, "token refused");
        }
        if is_forgery(code) {
            self.count(Suspicion::ForgedTokens);
        }
    }

    /// Counts a request beyond its caller's share.
    pub(crate) fn rate_limited(&self) {
        self.count(Suspicion::Flooding);
    }

    /// Writes into the audit log that somebody acts as a user, once for each session in this process.
    pub(crate) fn impersonated(&self, session_id: &str, by: impl FnOnce() -> Attribution) {
        let mut known = self
            .impersonated
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if known.len() >= IMPERSONATED {
            known.clear();
        }
        if !known.insert(session_id.to_owned()) {
            return;
        }
        drop(known);
        let by = by();
        tracing::warn!(target: "security", actor = %by.actor, impersonator = by.impersonator, "somebody acts as a user");
        let record = AuditRecord {
            action: AuditAction::Impersonated,
            subject: Some(AuditSubject::session(session_id)),
            before: None,
            after: None,
        };
        self.write_down(record, by);
    }

    /// Logs and counts a code that let nobody in; never the code itself, which may be a slip of the right one. The user
    /// is named by our id. One of a burst is alarming: it is a warning.
    pub(crate) fn invite_refused(&self, user: Uuid, address: Option<IpAddr>, is_alarming: bool) {
        let refused = one_more(&self.invites_refused);
        let address = address.map(tracing::field::display);
        if is_alarming {
            tracing::warn!(target: "security", %user, address, refused, "invite codes are being guessed");
        } else {
            tracing::info!(target: "security", %user, address, refused, "an invite code was refused");
        }
        self.count(Suspicion::InviteGuessing);
    }

    /// Logs and counts a try that was not looked at.
    pub(crate) fn invite_limited(&self, user: Uuid, address: Option<IpAddr>) {
        let limited = one_more(&self.invites_limited);
        let address = address.map(tracing::field::display);
        tracing::info!(target: "security", %user, address, limited, "an invite code was not looked at: too many failed before");
        self.count(Suspicion::InviteGuessing);
    }

    /// Logs a refused webhook, and writes it to the ledger while strangers have not written too much lately. The
    /// answer does not wait for that: nothing was promised to anybody.
    pub(crate) fn webhook_rejected(&self, rejection: Rejection, address: Option<IpAddr>) {
        if let Some(left_out) = self.has_a_line() {
            let address = address.map(tracing::field::display);
            tracing::warn!(
                target: "security",
                code = rejection.code,
                claimed_message_id = rejection.claimed_message_id.as_deref(),
                address,
                left_out,
                "webhook rejected"
            );
        }
        self.count(Suspicion::ForgedWebhooks);
        if self.ledger_lines.check().is_err() {
            return;
        }
        let mirror = Arc::clone(&self.mirror);
        tokio::spawn(async move {
            if let Err(error) = mirror.reject(rejection).await {
                tracing::warn!(%error, "a rejected webhook could not be written to the ledger");
            }
        });
    }

    /// Whether another line may be written, and how many events had none since the last.
    fn has_a_line(&self) -> Option<u64> {
        if self.log_lines.check().is_ok() {
            return Some(self.left_out.swap(0, Ordering::Relaxed));
        }
        self.left_out.fetch_add(1, Ordering::Relaxed);
        None
    }

    /// Counts an event; with the first of a burst, raises the alert.
    fn count(&self, kind: Suspicion) {
        let mut bursts = self.bursts.iter();
        let noted = bursts.find(|bursts| bursts.kind() == kind);
        let Some(events) = noted.and_then(|bursts| bursts.note(Instant::now())) else {
            return;
        };
        let kind = kind.as_str();
        tracing::error!(target: "security", kind, events, "security alert: see the audit log, `security.alert`");
        let record = AuditRecord {
            action: AuditAction::SecurityAlert,
            subject: None,
            before: None,
            after: Some(json!({ "kind": kind, "events": events, "seconds": 60 })),
        };
        self.write_down(record, Attribution::system(Utc::now()));
    }

    fn write_down(&self, record: AuditRecord, by: Attribution) {
        let audit = Arc::clone(&self.audit);
        tokio::spawn(async move {
            if let Err(error) = audit.record(record, by).await {
                tracing::warn!(%error, "a line of the audit log is lost");
            }
        });
    }
}

/// Codes of tokens that no honest client has.
fn is_forgery(code: &str) -> bool {
    [
        "signature_invalid",
        "algorithm_not_allowed",
        "key_unknown",
        "issuer_mismatch",
        "ticket_invalid",
    ]
    .contains(&code)
}

/// The count with one more.
fn one_more(counter: &AtomicU64) -> u64 {
    counter.fetch_add(1, Ordering::Relaxed).saturating_add(1)
}
