//! Chance that is the same in every run.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Numbers that look like chance.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number from 0 to below `sides`.
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 += 1;
        // Without random keys, unlike that of maps.
        let mut hasher = DefaultHasher::new();
        self.0.hash(&mut hasher);
        usize::try_from(hasher.finish() % sides as u64).unwrap()
    }

    /// The list in another order.
    pub(crate) fn shuffled<T>(&mut self, mut list: Vec<T>) -> Vec<T> {
        for place in (1..list.len()).rev() {
            list.swap(place, self.roll(place + 1));
        }
        list
    }
}
