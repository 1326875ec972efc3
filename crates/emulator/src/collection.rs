//! Records in the order of their creation, found by id.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A record with an id.
pub(crate) trait Keyed {
    fn key(&self) -> &str;
}

/// Keeps insertion order, which is what `created_at` order means here, at the price of one index. The records are
/// boxed, since a tree that only grows at its end leaves two fifths of its nodes empty.
#[derive(Debug, Clone)]
pub(crate) struct Collection<T> {
    next: u64,
    places: HashMap<String, u64>,
    records: BTreeMap<u64, Box<T>>,
}

impl<T> Default for Collection<T> {
    fn default() -> Self {
        Self {
            next: 0,
            places: HashMap::new(),
            records: BTreeMap::new(),
        }
    }
}

impl<T: Keyed> Collection<T> {
    /// Adds a record at the end. One with the same id is replaced and moves to the end.
    pub(crate) fn insert(&mut self, record: T) {
        let place = self.next;
        self.next += 1;
        if let Some(old) = self.places.insert(record.key().to_owned(), place) {
            self.records.remove(&old);
        }
        self.records.insert(place, Box::new(record));
    }

    pub(crate) fn get(&self, id: &str) -> Option<&T> {
        self.at(*self.places.get(id)?)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        self.records.get_mut(self.places.get(id)?).map(Box::as_mut)
    }

    /// Where a record stands; a later record has a higher place.
    pub(crate) fn place(&self, id: &str) -> Option<u64> {
        self.places.get(id).copied()
    }

    pub(crate) fn at(&self, place: u64) -> Option<&T> {
        self.records.get(&place).map(Box::as_ref)
    }

    /// Replaces the record of the same id where it stands, or adds it at the end.
    pub(crate) fn put(&mut self, record: T) {
        match self.get_mut(record.key()) {
            Some(held) => *held = record,
            None => self.insert(record),
        }
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<T> {
        self.records
            .remove(&self.places.remove(id)?)
            .map(|record| *record)
    }

    /// Oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.records.values().map(Box::as_ref)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.records.values_mut().map(Box::as_mut)
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// Drops every record for which `keep` is false.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.records.retain(|_, record| keep(record));
        let records = &self.records;
        self.places.retain(|_, place| records.contains_key(place));
    }
}

impl<T: Serialize> Serialize for Collection<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.records.values())
    }
}

impl<'de, T: Keyed + Deserialize<'de>> Deserialize<'de> for Collection<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut collection = Self::default();
        for record in Vec::<T>::deserialize(deserializer)? {
            collection.insert(record);
        }
        Ok(collection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Keyed for String {
        fn key(&self) -> &str {
            self
        }
    }

    fn of(ids: &[&str]) -> Collection<String> {
        let mut collection = Collection::default();
        for id in ids {
            collection.insert((*id).to_owned());
        }
        collection
    }

    #[test]
    fn keeps_order_and_finds_by_id_after_removals() {
        let mut collection = of(&["a", "b", "c", "d"]);
        assert_eq!(collection.remove("b").as_deref(), Some("b"));
        collection.retain(|id| id != "c");
        assert_eq!(collection.iter().collect::<Vec<_>>(), ["a", "d"]);
        assert!(collection.get("c").is_none() && collection.get("d").is_some());
        assert_eq!(collection.len(), 2);
    }

    #[test]
    fn a_record_put_again_keeps_its_place() {
        let mut collection = of(&["a", "b"]);
        let place = collection.place("a").unwrap();
        collection.put("a".to_owned());
        assert_eq!(collection.place("a"), Some(place));
        assert_eq!(collection.at(place).map(String::as_str), Some("a"));
        collection.put("c".to_owned());
        assert_eq!(collection.iter().collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    fn survives_json() {
        let json = serde_json::to_string(&of(&["z", "a"])).unwrap();
        let back: Collection<String> = serde_json::from_str(&json).unwrap();
        assert_eq!(back.iter().collect::<Vec<_>>(), ["z", "a"]);
        assert!(back.get("a").is_some());
    }
}
