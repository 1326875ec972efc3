//! Which of two facts about one object wins.
//!
//! Clerk's deliveries carry no sequence number, come in any order and more than once. So every fact gets a place in a
//! total order that depends on the fact alone, never on when it arrived, and a row keeps the greatest that it has met.
//! Whatever the order of arrival, the greatest is the same.

use chrono::{DateTime, Utc};

use crate::timestamp::MAX_CLOCK_AHEAD;

/// Whether the event began the object's life or changed it: decides between facts of the same millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// `….created`
    Created = 0,
    /// Anything later.
    Changed = 1,
}

/// The place of one fact among all facts about the same object; compare with `<`, or its bytes with `memcmp`.
///
/// In falling weight: finality (a terminal state beats a live one), Clerk's `updated_at`, the envelope's timestamp,
/// the step of life, and a digest of the content, so that two different facts are never equal and the same fact
/// told twice always is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Precedence {
    is_final: bool,
    version: u64,
    stated: u64,
    step: u8,
    digest: [u8; 8],
}

impl Precedence {
    /// Length of [`Precedence::to_bytes`].
    pub const LENGTH: usize = 26;

    /// What a row has before Clerk has said anything about it: every fact beats it.
    pub const NOTHING_KNOWN: Self = Self {
        is_final: false,
        version: 0,
        stated: 0,
        step: 0,
        digest: [0; 8],
    };

    /// Places a fact.
    ///
    /// `updated_at` is the object's own, `stated` the envelope's timestamp. A time more than a day ahead of
    /// `received_at` is poisoned: the next trustworthy one stands in for it (see [`Precedence::was_clamped`]).
    #[must_use]
    pub fn new(
        updated_at: Option<DateTime<Utc>>,
        stated: Option<DateTime<Utc>>,
        received_at: DateTime<Utc>,
        step: Step,
        digest: [u8; 8],
    ) -> Self {
        let stated = stated.filter(|&at| is_credible(at, received_at));
        let version = updated_at
            .filter(|&at| is_credible(at, received_at))
            .or(stated)
            .unwrap_or(received_at);
        Self {
            is_final: false,
            version: millis(version),
            stated: stated.map_or(0, millis),
            step: step as u8,
            digest,
        }
    }

    /// The same fact, about a state that nothing but another final one may follow.
    #[must_use]
    pub fn into_final(mut self) -> Self {
        self.is_final = true;
        self
    }

    /// Whether `updated_at` was too far ahead of `received_at` to be believed.
    #[must_use]
    pub fn was_clamped(updated_at: Option<DateTime<Utc>>, received_at: DateTime<Utc>) -> bool {
        updated_at.is_some_and(|at| !is_credible(at, received_at))
    }

    /// Clerk's `updated_at` that stands behind this place, in milliseconds since 1970.
    #[must_use]
    pub fn version_millis(self) -> i64 {
        i64::try_from(self.version).unwrap_or(i64::MAX)
    }

    /// A key that sorts bytewise as the places do.
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::LENGTH);
        bytes.push(u8::from(self.is_final));
        bytes.extend_from_slice(&self.version.to_be_bytes());
        bytes.extend_from_slice(&self.stated.to_be_bytes());
        bytes.push(self.step);
        bytes.extend_from_slice(&self.digest);
        bytes
    }
}

fn is_credible(at: DateTime<Utc>, received_at: DateTime<Utc>) -> bool {
    at.signed_duration_since(received_at) <= MAX_CLOCK_AHEAD
}

fn millis(at: DateTime<Utc>) -> u64 {
    u64::try_from(at.timestamp_millis()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(millis).unwrap()
    }

    const NOW: i64 = 1_716_883_200_000;

    fn place(updated_at: i64, stated: i64, step: Step, digest: u8) -> Precedence {
        Precedence::new(
            Some(at(updated_at)),
            Some(at(stated)),
            at(NOW),
            step,
            [digest; 8],
        )
    }

    #[test]
    fn a_millisecond_decides() {
        assert!(place(NOW - 2, NOW, Step::Changed, 9) < place(NOW - 1, NOW - 5, Step::Created, 0));
    }

    #[test]
    fn ties_fall_to_the_envelope_then_the_step_then_the_content() {
        assert!(place(NOW, NOW, Step::Changed, 9) < place(NOW, NOW + 1, Step::Created, 0));
        assert!(place(NOW, NOW, Step::Created, 9) < place(NOW, NOW, Step::Changed, 0));
        assert!(place(NOW, NOW, Step::Changed, 0) < place(NOW, NOW, Step::Changed, 1));
    }

    #[test]
    fn a_final_state_beats_every_live_one() {
        assert!(place(NOW, NOW, Step::Changed, 9) < place(0, 0, Step::Created, 0).into_final());
    }

    #[test]
    fn a_poisoned_version_does_not_freeze_the_row() {
        let far = at(NOW) + TimeDelta::days(400);
        let poisoned = Precedence::new(Some(far), Some(at(NOW)), at(NOW), Step::Changed, [0; 8]);
        assert_eq!(poisoned.version_millis(), NOW);
        assert!(Precedence::was_clamped(Some(far), at(NOW)));
        let doubly = Precedence::new(Some(far), Some(far), at(NOW), Step::Changed, [0; 8]);
        assert_eq!(doubly.version_millis(), NOW);
        assert!(doubly < place(NOW + 1, NOW + 1, Step::Changed, 0));
    }

    #[test]
    fn everything_beats_nothing_known() {
        assert!(Precedence::NOTHING_KNOWN < place(0, 0, Step::Created, 1));
    }

    proptest! {
        #[test]
        fn bytes_sort_as_places_do(
            a in (any::<bool>(), 0..4_102_444_800_000_i64, 0..4_102_444_800_000_i64, any::<bool>(), any::<[u8; 8]>()),
            b in (any::<bool>(), 0..4_102_444_800_000_i64, 0..4_102_444_800_000_i64, any::<bool>(), any::<[u8; 8]>()),
        ) {
            let make = |(is_final, updated, stated, created, digest): (bool, i64, i64, bool, [u8; 8])| {
                let step = if created { Step::Created } else { Step::Changed };
                let place = Precedence::new(Some(at(updated)), Some(at(stated)), at(4_102_444_800_000), step, digest);
                if is_final { place.into_final() } else { place }
            };
            let (a, b) = (make(a), make(b));
            prop_assert_eq!(a.to_bytes().len(), Precedence::LENGTH);
            prop_assert_eq!(a.cmp(&b), a.to_bytes().cmp(&b.to_bytes()));
        }
    }
}
