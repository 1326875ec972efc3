//! Misfortune on purpose: what may happen to webhooks on their way, to answers of the Backend API and to
//! those of the assistant.

mod assistant;
mod dice;

pub use assistant::AssistantFaults;
pub(crate) use dice::{Dice, Fate, Fault, FaultKind};
use serde::{Deserialize, Serialize};

use crate::params::invalid;
use crate::refusal::Refusal;

/// What may go wrong. Shares are between 0 (never, the default) and 1 (always), each decided for itself. Settings can
/// be changed while the emulator runs; the dice begin anew then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Chaos {
    /// Determines all decisions: the n-th webhook and the n-th request fare alike in every run.
    pub seed: u64,
    /// The webhooks it applies to, such as `user.updated`, or `user.*`; all when absent.
    pub event_types: Option<Vec<String>>,
    /// Webhooks sent twice under the same `svix-id`, within a fifth of a second.
    pub duplicate: f64,
    /// Webhooks held back until one to three later ones have been sent, of whatever object.
    pub reorder: f64,
    /// Milliseconds after which a held-back webhook goes out even if nothing has come behind it.
    pub reorder_ms: u64,
    /// Webhooks sent later, with a signature of that time.
    pub delay: f64,
    /// At most this many milliseconds later.
    pub max_delay_ms: u64,
    /// Webhooks never sent. The delivery log shows them as `dropped`.
    pub drop: f64,
    /// Webhooks whose first attempt has a wrong signature. The retries are right.
    pub corrupt: f64,
    /// Webhooks whose first answer is lost on the way back, so that they come again.
    pub fail: f64,
    /// Requests to the Backend API answered 429 with `Retry-After`.
    pub rate_429: f64,
    /// That `Retry-After`, in seconds.
    pub retry_after: u64,
    /// Requests answered 500, 502 or 503, half of them after they took effect.
    pub error_5xx: f64,
    /// Requests that wait for up to `slow_ms` first.
    pub slow: f64,
    /// At most this many milliseconds; zero is no wait.
    pub slow_ms: u64,
    /// Requests that are never answered.
    pub hang: f64,
    /// Requests that take effect and are answered 200 with something that is not the answer.
    pub garbage: f64,
    /// How many requests every ten seconds may have before the rest gets 429 until the window ends. No limit when
    /// absent. Clerk allows 100 in development and 1000 in production.
    pub rate_limit: Option<u32>,
    /// Whether the instance has no organizations: every question about them is answered 403.
    pub organizations_off: bool,
    /// What happens to answers of the assistant: always, since they are asked for one at a time.
    pub assistant: AssistantFaults,
}

impl Default for Chaos {
    fn default() -> Self {
        Self {
            seed: 0,
            event_types: None,
            duplicate: 0.0,
            reorder: 0.0,
            reorder_ms: 1_000,
            delay: 0.0,
            max_delay_ms: 2_000,
            drop: 0.0,
            corrupt: 0.0,
            fail: 0.0,
            rate_429: 0.0,
            retry_after: 1,
            error_5xx: 0.0,
            slow: 1.0,
            slow_ms: 0,
            hang: 0.0,
            garbage: 0.0,
            rate_limit: None,
            organizations_off: false,
            assistant: AssistantFaults::default(),
        }
    }
}

impl Chaos {
    /// Whether all shares are shares.
    pub(crate) fn checked(self) -> Result<Self, Refusal> {
        self.assistant.check()?;
        let shares = [
            ("duplicate", self.duplicate),
            ("reorder", self.reorder),
            ("delay", self.delay),
            ("drop", self.drop),
            ("corrupt", self.corrupt),
            ("fail", self.fail),
            ("rate_429", self.rate_429),
            ("error_5xx", self.error_5xx),
            ("slow", self.slow),
            ("hang", self.hang),
            ("garbage", self.garbage),
        ];
        match shares
            .iter()
            .find(|(_, share)| !(0.0..=1.0).contains(share))
        {
            Some((name, _)) => Err(invalid(name, "between 0 and 1")),
            None => Ok(self),
        }
    }

    fn applies_to(&self, event_type: &str) -> bool {
        self.event_types.as_ref().is_none_or(|types| {
            types.iter().any(|wanted| match wanted.strip_suffix('*') {
                Some(beginning) => event_type.starts_with(beginning),
                None => wanted == event_type,
            })
        })
    }
}

/// What happens to a webhook on its way, as the delivery log tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Mishap {
    /// Sent twice.
    Duplicate,
    /// Sent behind later ones.
    Reorder,
    /// Sent later.
    Delay,
    /// Never sent.
    Drop,
    /// First sent with a wrong signature.
    Corrupt,
    /// Its first answer counts as lost.
    Fail,
}
