//! Which user is in which organization, and who is invited: the organizations' part of the state with its indexes.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::collection::{Collection, Keyed};
use crate::organization::{Invitation, InvitationStatus, Membership, Organization};
use crate::timeline::{Timeline, Times};

/// Places of records by the id of what they belong to. Places grow with time, so each set is in the order of creation.
type Grouping = HashMap<String, BTreeSet<u64>>;

/// Organizations, memberships and invitations. Only the collections are kept in the state file.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Roster {
    organizations: Collection<Organization>,
    memberships: Collection<Membership>,
    invitations: Collection<Invitation>,
    #[serde(skip)]
    timeline: Timeline,
    #[serde(skip)]
    slugs: HashMap<String, String>,
    #[serde(skip)]
    members: Grouping,
    #[serde(skip)]
    joined: Grouping,
    #[serde(skip)]
    invited: Grouping,
    #[serde(skip)]
    pairs: HashMap<(String, String), String>,
}

impl Roster {
    /// Builds the indexes of a roster read from a file. A record whose organization is not there is dropped.
    pub(crate) fn indexed(self) -> Self {
        let mut roster = Self::default();
        for organization in self.organizations.iter() {
            roster.put_organization(organization.clone());
        }
        for membership in self.memberships.iter() {
            if roster
                .organizations
                .get(&membership.organization_id)
                .is_some()
            {
                roster.put_membership(membership.clone());
            }
        }
        for invitation in self.invitations.iter() {
            if roster
                .organizations
                .get(&invitation.organization_id)
                .is_some()
            {
                roster.put_invitation(invitation.clone());
            }
        }
        roster
    }

    pub(crate) fn organizations(&self) -> &Collection<Organization> {
        &self.organizations
    }

    pub(crate) fn memberships(&self) -> &Collection<Membership> {
        &self.memberships
    }

    pub(crate) fn invitations(&self) -> &Collection<Invitation> {
        &self.invitations
    }

    pub(crate) fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// By id or slug.
    pub(crate) fn organization(&self, id_or_slug: &str) -> Option<&Organization> {
        self.organizations
            .get(id_or_slug)
            .or_else(|| self.organizations.get(self.slugs.get(id_or_slug)?))
    }

    pub(crate) fn slug_owner(&self, slug: &str) -> Option<&str> {
        self.slugs.get(slug).map(String::as_str)
    }

    /// The organization with its counts of now.
    pub(crate) fn counted(&self, organization: &Organization) -> Organization {
        let pending = self
            .invitations_of(&organization.id)
            .filter(|it| it.status == InvitationStatus::Pending);
        Organization {
            members_count: Some(self.members_count(&organization.id)),
            pending_invitations_count: Some(pending.count()),
            ..organization.clone()
        }
    }

    pub(crate) fn members_count(&self, organization_id: &str) -> usize {
        self.members.get(organization_id).map_or(0, BTreeSet::len)
    }

    pub(crate) fn membership(&self, organization_id: &str, user_id: &str) -> Option<&Membership> {
        let pair = (organization_id.to_owned(), user_id.to_owned());
        self.memberships.get(self.pairs.get(&pair)?)
    }

    /// An organization's memberships, oldest first.
    pub(crate) fn members_of(
        &self,
        organization_id: &str,
    ) -> impl DoubleEndedIterator<Item = &Membership> {
        records(&self.memberships, self.members.get(organization_id))
    }

    /// A user's memberships, oldest first.
    pub(crate) fn joined_by(&self, user_id: &str) -> impl DoubleEndedIterator<Item = &Membership> {
        records(&self.memberships, self.joined.get(user_id))
    }

    /// An organization's invitations, oldest first.
    pub(crate) fn invitations_of(
        &self,
        organization_id: &str,
    ) -> impl DoubleEndedIterator<Item = &Invitation> {
        records(&self.invitations, self.invited.get(organization_id))
    }

    pub(crate) fn put_organization(&mut self, organization: Organization) {
        let id = organization.id.clone();
        if let (Some(old), Some(place)) =
            (self.organizations.get(&id), self.organizations.place(&id))
        {
            self.slugs.remove(&old.slug);
            self.timeline.forget(place, times(old));
        }
        let at = times(&organization);
        self.slugs.insert(organization.slug.clone(), id.clone());
        self.organizations.put(organization);
        if let Some(place) = self.organizations.place(&id) {
            self.timeline.add(place, at);
        }
    }

    pub(crate) fn put_membership(&mut self, membership: Membership) {
        let Membership {
            id,
            organization_id,
            user_id,
            ..
        } = membership.clone();
        self.memberships.put(membership);
        if let Some(place) = self.memberships.place(&id) {
            self.members
                .entry(organization_id.clone())
                .or_default()
                .insert(place);
            self.joined
                .entry(user_id.clone())
                .or_default()
                .insert(place);
            self.pairs.insert((organization_id, user_id), id);
        }
    }

    pub(crate) fn put_invitation(&mut self, invitation: Invitation) {
        let Invitation {
            id,
            organization_id,
            ..
        } = invitation.clone();
        self.invitations.put(invitation);
        if let Some(place) = self.invitations.place(&id) {
            self.invited
                .entry(organization_id)
                .or_default()
                .insert(place);
        }
    }

    /// Removes an organization with its memberships and invitations.
    pub(crate) fn remove_organization(&mut self, id: &str) -> Option<Organization> {
        let place = self.organizations.place(id)?;
        for membership_id in keys(self.members_of(id)) {
            self.remove_membership(&membership_id);
        }
        for invitation_id in keys(self.invitations_of(id)) {
            self.invitations.remove(&invitation_id);
        }
        self.invited.remove(id);
        let removed = self.organizations.remove(id)?;
        self.slugs.remove(&removed.slug);
        self.timeline.forget(place, times(&removed));
        Some(removed)
    }

    pub(crate) fn remove_membership(&mut self, id: &str) -> Option<Membership> {
        let place = self.memberships.place(id)?;
        let removed = self.memberships.remove(id)?;
        withdraw(&mut self.members, &removed.organization_id, place);
        withdraw(&mut self.joined, &removed.user_id, place);
        self.pairs
            .remove(&(removed.organization_id.clone(), removed.user_id.clone()));
        Some(removed)
    }

    /// Removes the memberships of a user who goes.
    pub(crate) fn remove_user(&mut self, user_id: &str) {
        for membership_id in keys(self.joined_by(user_id)) {
            self.remove_membership(&membership_id);
        }
    }

    /// Changes the addresses of pictures for which `moved` gives another one.
    pub(crate) fn move_images(&mut self, moved: impl Fn(&str) -> Option<String>) {
        for organization in self.organizations.iter_mut() {
            if let Some(url) = moved(&organization.image_url) {
                organization.image_url = url;
            }
        }
    }

    /// Marks pending invitations past their end; returns the earliest end of those left.
    pub(crate) fn expire(&mut self, now: i64) -> i64 {
        let mut next = i64::MAX;
        for invitation in self.invitations.iter_mut() {
            if invitation.status != InvitationStatus::Pending {
                continue;
            }
            if invitation.expires_at <= now {
                invitation.status = InvitationStatus::Expired;
                invitation.updated_at = now.max(invitation.updated_at.saturating_add(1));
            } else {
                next = next.min(invitation.expires_at);
            }
        }
        next
    }
}

fn times(organization: &Organization) -> Times {
    Times {
        created: organization.created_at,
        updated: organization.updated_at,
    }
}

fn records<'a, T: Keyed>(
    held: &'a Collection<T>,
    places: Option<&'a BTreeSet<u64>>,
) -> impl DoubleEndedIterator<Item = &'a T> {
    places
        .into_iter()
        .flatten()
        .filter_map(|place| held.at(*place))
}

fn keys<'a, T: Keyed + 'a>(records: impl Iterator<Item = &'a T>) -> Vec<String> {
    records.map(|record| record.key().to_owned()).collect()
}

fn withdraw(grouping: &mut Grouping, owner: &str, place: u64) {
    if let Some(places) = grouping.get_mut(owner) {
        places.remove(&place);
        if places.is_empty() {
            grouping.remove(owner);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;

    fn membership(number: usize, organization: &str, user: &str) -> Membership {
        Membership {
            id: format!("orgmem_{number}"),
            organization_id: organization.to_owned(),
            user_id: user.to_owned(),
            role: "org:member".to_owned(),
            public_metadata: Map::new(),
            private_metadata: Map::new(),
            created_at: 1,
            updated_at: 1,
        }
    }

    fn roster() -> Roster {
        let mut roster = Roster::default();
        for name in ["a", "b"] {
            roster.put_organization(Organization::new(
                format!("org_{name}"),
                name.to_owned(),
                name.to_owned(),
                String::new(),
                1,
            ));
        }
        roster.put_membership(membership(1, "org_a", "user_1"));
        roster.put_membership(membership(2, "org_b", "user_1"));
        roster.put_membership(membership(3, "org_a", "user_2"));
        roster
    }

    #[test]
    fn every_way_to_a_membership_closes_when_it_goes() {
        let mut roster = roster();
        assert_eq!(keys(roster.members_of("org_a")), ["orgmem_1", "orgmem_3"]);
        assert_eq!(keys(roster.joined_by("user_1")), ["orgmem_1", "orgmem_2"]);
        roster.remove_organization("org_a").unwrap();
        assert_eq!(keys(roster.joined_by("user_1")), ["orgmem_2"]);
        assert!(roster.membership("org_a", "user_2").is_none());
        assert!(roster.organization("a").is_none());
        roster.remove_user("user_1");
        assert_eq!(
            (roster.memberships().len(), roster.members_count("org_b")),
            (0, 0)
        );
    }

    #[test]
    fn a_changed_slug_is_found_and_the_old_one_free() {
        let mut roster = roster();
        let mut changed = roster.organization("a").unwrap().clone();
        changed.slug = "c".to_owned();
        roster.put_organization(changed);
        assert_eq!(roster.slug_owner("c"), Some("org_a"));
        assert!(roster.organization("a").is_none());
    }

    #[test]
    fn indexes_come_back_from_a_file() {
        let text = serde_json::to_string(&roster()).unwrap();
        let roster = serde_json::from_str::<Roster>(&text).unwrap().indexed();
        assert_eq!(roster.membership("org_b", "user_1").unwrap().id, "orgmem_2");
        assert_eq!(roster.organization("b").unwrap().id, "org_b");
        assert_eq!(roster.members_count("org_a"), 2);
    }
}
