use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use crate::ClerkId;

/// The ids that Clerk listed, eight bytes each however long they are.
///
/// Two ids that fall together hide one row from the comparison of one sweep; the hash is keyed anew for each, so the
/// next sweep sees it, and nobody can choose ids that fall together.
#[derive(Debug, Default)]
pub(super) struct Seen {
    hashes: HashSet<u64>,
    keyed: RandomState,
}

impl Seen {
    /// Remembers an id; `false` when it was listed before.
    pub(super) fn insert(&mut self, id: &ClerkId) -> bool {
        self.hashes.insert(self.keyed.hash_one(id))
    }

    /// Forgets an id: Clerk listed the object, and does not have it any more.
    pub(super) fn remove(&mut self, id: &ClerkId) {
        self.hashes.remove(&self.keyed.hash_one(id));
    }

    pub(super) fn contains(&self, id: &ClerkId) -> bool {
        self.hashes.contains(&self.keyed.hash_one(id))
    }
}
