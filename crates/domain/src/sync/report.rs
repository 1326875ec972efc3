use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::differences::{Drift, Finding};
use super::{Braked, Unmappable};
use crate::Listing;

/// What a sweep has found, and left.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReconcileReport {
    /// Rows that are still out of step: everything found less everything repaired.
    pub drift: u64,
    /// What was found, by listing; repaired or not.
    pub kinds: BTreeMap<Listing, KindDrift>,
    /// Rows that this sweep put right.
    pub repaired: u64,
    /// Where too many rows were absent to believe it; `None` when the brake did not hold.
    pub brake: Option<BTreeMap<Listing, Braked>>,
    /// Listings that could not be read to their end, and why. From the first of them on, no absence was judged.
    pub failures: Vec<Failure>,
    /// Listings that are switched off at Clerk, and Clerk's words: nothing of them was compared, and their rows stay.
    pub switched_off: BTreeMap<Listing, String>,
    /// What Clerk listed and could not be compared.
    pub unmappable: Unmappable,
    /// The newest credible `updated_at` that Clerk showed.
    pub clerk_moved_at: Option<DateTime<Utc>>,
    /// Whether the sweep was to repair what it found.
    pub repair: bool,
    /// The time since which objects were looked at; `None`: everything was.
    pub since: Option<DateTime<Utc>>,
}

/// What was found in one listing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct KindDrift {
    /// Objects of Clerk's without a row.
    pub missing: u64,
    /// Live rows without an object at Clerk; where the brake held, those that Clerk did not list.
    pub extra: u64,
    /// Rows of an older version.
    pub stale: u64,
    /// Rows of the same or a newer version with other content, and rows that call deleted what Clerk has.
    pub differs: u64,
    /// How many stale and differing rows differ in each column.
    pub fields: BTreeMap<&'static str, u64>,
}

/// Why a listing was not read to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The listing.
    pub listing: Listing,
    /// What Clerk, or the connection to it, said.
    pub reason: String,
}

impl ReconcileReport {
    /// Whether the sweep did less than it was asked to: a page failed, or the brake kept it from deleting.
    #[must_use]
    pub fn stopped(&self) -> bool {
        !self.failures.is_empty() || (self.repair && self.brake.is_some())
    }

    /// Whether there was nothing to find: everything asked for was compared, and all of it was equal.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        !self.stopped()
            && self.brake.is_none()
            && self
                .kinds
                .values()
                .all(|kind| kind.missing + kind.extra + kind.stale + kind.differs == 0)
    }

    pub(super) fn count(&mut self, listing: Listing, finding: &Finding, is_repaired: bool) {
        let kind = self.kinds.entry(listing).or_default();
        let number = match finding.drift {
            Drift::Missing => &mut kind.missing,
            Drift::Extra => &mut kind.extra,
            Drift::Stale => &mut kind.stale,
            Drift::Differs => &mut kind.differs,
        };
        *number += 1;
        for field in &finding.fields {
            *kind.fields.entry(field).or_default() += 1;
        }
        if is_repaired {
            self.repaired += 1;
        } else {
            self.drift += 1;
        }
    }

    /// The brake holds before any row was looked at by itself: every absent one counts.
    pub(super) fn hold_all(&mut self, listing: Listing, braked: Braked) {
        self.kinds.entry(listing).or_default().extra += braked.absent;
        self.drift += braked.absent;
        self.hold(listing, braked);
    }

    pub(super) fn hold(&mut self, listing: Listing, braked: Braked) {
        self.brake.get_or_insert_default().insert(listing, braked);
    }
}
