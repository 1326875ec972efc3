//! Which writes may share a statement: one statement may touch a row once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use domain::{
    ClerkId, Deletion, MembershipWrite, ObjectKind, ObjectWrite, OrganizationWrite, SessionWrite,
    SubscriptionItemWrite, SubscriptionWrite, UserWrite, Write,
};

/// Spreads groups over waves: two groups about one row are in different waves, the later one in the later wave.
pub(super) fn of(groups: &[&[Write]]) -> Vec<Vec<usize>> {
    let mut waves: Vec<Vec<usize>> = Vec::new();
    let mut next: HashMap<(ObjectKind, &ClerkId), usize> = HashMap::new();
    for (group, writes) in groups.iter().enumerate() {
        if writes.is_empty() {
            continue;
        }
        let wave = writes
            .iter()
            .filter_map(|write| next.get(&write.key()))
            .max()
            .copied()
            .unwrap_or(0);
        next.extend(writes.iter().map(|write| (write.key(), wave + 1)));
        match waves.get_mut(wave) {
            Some(members) => members.push(group),
            None => waves.push(vec![group]),
        }
    }
    waves
}

/// The writes of a wave by table; of two about one row, as a hostile event may hold, the greater.
#[derive(Default)]
pub(super) struct ByKind<'a> {
    pub(super) deletions: Vec<&'a Deletion>,
    pub(super) users: Vec<&'a UserWrite>,
    pub(super) sessions: Vec<&'a SessionWrite>,
    pub(super) organizations: Vec<&'a OrganizationWrite>,
    pub(super) memberships: Vec<&'a MembershipWrite>,
    pub(super) subscriptions: Vec<&'a SubscriptionWrite>,
    pub(super) items: Vec<&'a SubscriptionItemWrite>,
    pub(super) objects: Vec<&'a ObjectWrite>,
}

impl<'a> ByKind<'a> {
    /// Sorts writes in.
    pub(super) fn of(writes: &[&'a Write]) -> Self {
        let mut greatest: HashMap<(ObjectKind, &ClerkId, bool), &'a Write> = HashMap::new();
        let mut order = Vec::with_capacity(writes.len());
        for write in writes {
            let (kind, id) = write.key();
            let key = (kind, id, matches!(write, Write::Deletion(_)));
            match greatest.entry(key) {
                Entry::Vacant(place) => {
                    place.insert(write);
                    order.push(key);
                }
                Entry::Occupied(mut place) if is_greater(write, place.get()) => {
                    place.insert(write);
                }
                Entry::Occupied(_) => {}
            }
        }
        let mut sorted = Self::default();
        for key in order {
            match greatest.get(&key) {
                Some(Write::Deletion(write)) => sorted.deletions.push(write),
                Some(Write::User(write)) => sorted.users.push(write),
                Some(Write::Session(write)) => sorted.sessions.push(write),
                Some(Write::Organization(write)) => sorted.organizations.push(write),
                Some(Write::Membership(write)) => sorted.memberships.push(write),
                Some(Write::Subscription(write)) => sorted.subscriptions.push(write),
                Some(Write::SubscriptionItem(write)) => sorted.items.push(write),
                Some(Write::Object(write)) => sorted.objects.push(write),
                None => {}
            }
        }
        sorted
    }
}

fn is_greater(write: &Write, than: &Write) -> bool {
    match (write, than) {
        (Write::Deletion(write), Write::Deletion(than)) => write.deleted_at < than.deleted_at,
        _ => write.precedence() > than.precedence(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn deletion(id: &str, seconds: i64) -> Write {
        Write::Deletion(Deletion {
            kind: ObjectKind::User,
            clerk_id: ClerkId::parse(id).unwrap(),
            deleted_at: DateTime::from_timestamp(seconds, 0).unwrap(),
        })
    }

    #[test]
    fn two_groups_about_one_row_follow_one_another() {
        let (a, b, ab) = (
            vec![deletion("a", 1)],
            vec![deletion("b", 1)],
            vec![deletion("a", 1), deletion("b", 1)],
        );
        let groups: Vec<&[Write]> = vec![&a, &b, &a, &[], &ab, &b];
        assert_eq!(of(&groups), [vec![0, 1], vec![2], vec![4], vec![5]]);
    }

    #[test]
    fn of_two_writes_in_one_group_the_greater_stays() {
        let writes = [deletion("a", 5), deletion("b", 1), deletion("a", 3)];
        let sorted = ByKind::of(&writes.iter().collect::<Vec<_>>());
        let kept: Vec<_> = sorted
            .deletions
            .iter()
            .map(|it| (it.clerk_id.as_str(), it.deleted_at.timestamp()))
            .collect();
        assert_eq!(kept, [("a", 3), ("b", 1)]);
    }
}
