use serde::Serialize;

use crate::Listing;

/// What Clerk listed and could not be taken.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Unmappable {
    /// How many.
    pub count: u64,
    /// The first of them, at most [`Unmappable::SHOWN`].
    pub first: Vec<UnmappableObject>,
}

/// An object that could not be taken, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnmappableObject {
    /// Where it was listed.
    pub listing: Listing,
    /// Its id at Clerk, where that could be read.
    pub id: Option<String>,
    /// Why.
    pub reason: String,
}

impl Unmappable {
    /// How many are shown: memory must not grow with what is wrong.
    pub const SHOWN: usize = 20;

    pub(super) fn note(&mut self, listing: Listing, id: Option<String>, reason: String) {
        self.count += 1;
        if self.first.len() < Self::SHOWN {
            self.first.push(UnmappableObject {
                listing,
                id,
                reason,
            });
        }
    }
}
