//! When a fact happened, and its place among all facts about the same object.

use chrono::{DateTime, Utc};
use domain::{MAX_CLOCK_AHEAD, Precedence, Step};

use crate::{Fields, Notes};

/// What is known about a fact's place before the object's `updated_at` is read.
#[derive(Debug, Clone, Copy)]
pub struct Placing {
    /// The envelope's timestamp, where it can be believed.
    stated: Option<DateTime<Utc>>,
    received_at: DateTime<Utc>,
    step: Step,
    digest: [u8; 8],
}

impl Placing {
    /// A fact that an event told. `stated` is the envelope's timestamp, `digest` what tells facts of one instant apart.
    #[must_use]
    pub fn new(
        stated: Option<DateTime<Utc>>,
        received_at: DateTime<Utc>,
        step: Step,
        digest: [u8; 8],
    ) -> Self {
        Self {
            stated: stated.filter(|at| is_credible(*at, received_at)),
            received_at,
            step,
            digest,
        }
    }

    /// A fact that Clerk's API told at `read_at`: below every event's of the same `updated_at`.
    #[must_use]
    pub fn listed(read_at: DateTime<Utc>) -> Self {
        Self::new(None, read_at, Step::Created, [0; 8])
    }

    /// Whether the envelope's timestamp is there and can be believed.
    #[must_use]
    pub fn is_stated(&self) -> bool {
        self.stated.is_some()
    }

    /// When the fact came about, as well as we know: the envelope's time, or else the time of arrival.
    #[must_use]
    pub fn happened_at(&self) -> DateTime<Utc> {
        self.stated.unwrap_or(self.received_at)
    }

    /// A time of the past: one more than a day ahead of us is poisoned and counts as absent, with a note.
    pub fn past_time(
        &self,
        fields: &Fields<'_>,
        key: &str,
        notes: &mut Notes,
    ) -> Option<DateTime<Utc>> {
        let at = fields.time(key, notes)?;
        if is_credible(at, self.received_at) {
            return Some(at);
        }
        fields.note(key, "lies more than a day ahead and is not believed", notes);
        None
    }

    /// The fact's place, by the object's `updated_at` where there is one to believe.
    #[must_use]
    pub fn place(&self, updated_at: Option<DateTime<Utc>>) -> Precedence {
        Precedence::new(
            updated_at,
            self.stated,
            self.received_at,
            self.step,
            self.digest,
        )
    }
}

/// Whether a time from outside can be believed at `received_at`.
fn is_credible(at: DateTime<Utc>, received_at: DateTime<Utc>) -> bool {
    at.signed_duration_since(received_at) <= MAX_CLOCK_AHEAD
}
