//! Lists that many tokens have in common, kept once: what a role permits and what a plan contains.

use std::hash::Hash;
use std::sync::Arc;

use cached::ShardedLruCache;

/// How many different lists are known at a time. An application has a few roles and plans; with more than these, some lists
/// are kept twice, and nothing else happens.
const KNOWN: usize = 1024;

/// Remembers lists of one kind.
pub(crate) struct SharedLists<T> {
    known: ShardedLruCache<Arc<[T]>, Arc<[T]>>,
}

impl<T: Hash + Eq> SharedLists<T> {
    pub(crate) fn new() -> Self {
        Self {
            known: ShardedLruCache::new(KNOWN),
        }
    }

    /// The list of these elements that is known already, or `list` from now on.
    pub(crate) fn share(&self, list: &mut Arc<[T]>) {
        if list.is_empty() {
            return;
        }
        match self.known.get::<[T]>(list) {
            Some(known) => *list = known,
            None => drop(self.known.set(Arc::clone(list), Arc::clone(list))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_lists_become_one_and_others_stay_apart() {
        let lists = SharedLists::new();
        let mut made = [vec!["a"], vec!["a"], vec!["a", "b"], vec![]].map(Arc::from);
        made.iter_mut().for_each(|list| lists.share(list));
        let [first, second, other, empty] = made;
        assert!(Arc::ptr_eq(&first, &second) && !Arc::ptr_eq(&first, &other));
        assert_eq!(
            (&*first, &*other, &*empty),
            (&["a"][..], &["a", "b"][..], &[][..])
        );
    }

    #[test]
    fn what_is_known_is_bounded() {
        let lists = SharedLists::new();
        for number in 0..10 * KNOWN {
            lists.share(&mut Arc::from([number]));
        }
        assert!(lists.known.len() <= 2 * KNOWN);
    }
}
