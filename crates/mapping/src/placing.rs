//! When a fact happened, and its place among all facts about the same object.

use chrono::{DateTime, Utc};
use domain::{MAX_CLOCK_AHEAD, Precedence, Step};

use crate::{Fields, Notes};

/// An object's own times, and the place that follows from them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) precedence: Precedence,
}

/// What is known about a fact's place before the object's `updated_at` is read.
#[derive(Debug, Clone, Copy)]
pub struct Placing {
    /// The envelope's timestamp, where it can be believed.
    stated: Option<DateTime<Utc>>,
    received_at: DateTime<Utc>,
    step: Step,
    digest: [u8; 8],
    /// Told by a listing and not by an event: it will be told again, and is no news then.
    is_listed: bool,
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
            is_listed: false,
        }
    }

    /// A fact that Clerk's API told at `read_at`: below every event's of the same `updated_at`.
    #[must_use]
    pub fn listed(read_at: DateTime<Utc>) -> Self {
        Self {
            is_listed: true,
            ..Self::new(None, read_at, Step::Created, [0; 8])
        }
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

    /// The object's times. Where an event leaves one out, it is the time of the event. A listing tells the same object
    /// again and again, so there it is something that does not change with the reading: the other time or else 1970, and of
    /// several such facts the content decides.
    pub(crate) fn times(&self, data: &Fields<'_>, notes: &mut Notes) -> Times {
        let updated_at = self.past_time(data, "updated_at", notes);
        let created_at = self.past_time(data, "created_at", notes);
        if !self.is_listed {
            return Times {
                created_at: created_at.unwrap_or(self.happened_at()),
                updated_at: updated_at.unwrap_or(self.happened_at()),
                precedence: self.place(updated_at),
            };
        }
        let stable = updated_at.or(created_at).unwrap_or(DateTime::UNIX_EPOCH);
        let by_content = Self {
            digest: match updated_at {
                Some(_) => self.digest,
                None => data.digest(),
            },
            ..*self
        };
        Times {
            created_at: created_at.unwrap_or(DateTime::UNIX_EPOCH),
            updated_at: stable,
            precedence: by_content.place(Some(stable)),
        }
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
