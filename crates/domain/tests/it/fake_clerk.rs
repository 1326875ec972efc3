//! A Clerk in memory.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{
    ClerkId, Directory, DirectoryError, Listing, LiveSession, Mirrored, Page, UserWrite, Write,
};

use crate::world::Fuse;

type Meanwhile = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Instance {
    /// In the order in which they were made.
    objects: BTreeMap<Listing, Vec<Write>>,
    /// Listed, but beyond mapping.
    unmappable: Vec<(Listing, Option<String>)>,
    /// The number of the page request that fails, and those after it.
    fails_from: Option<(Listing, u32)>,
    finds_fail: bool,
    finds_unreadable: bool,
    loops: bool,
    repeats: bool,
    refused_cursor: Option<String>,
    switched_off: Option<Listing>,
    pages: BTreeMap<Listing, u32>,
    finds: u32,
    /// What happens after the next answers, one each.
    after_pages: VecDeque<Meanwhile>,
    after_finds: VecDeque<Meanwhile>,
}

pub(crate) struct FakeClerk {
    page_size: usize,
    fuse: Fuse,
    instance: Mutex<Instance>,
}

impl FakeClerk {
    pub(crate) fn new(page_size: usize, fuse: Fuse) -> Self {
        Self {
            page_size,
            fuse,
            instance: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Instance> {
        self.instance.lock().unwrap()
    }

    /// Makes or changes an object.
    pub(crate) fn put(&self, listing: Listing, write: Write) {
        let mut instance = self.lock();
        let objects = instance.objects.entry(listing).or_default();
        match objects.iter_mut().find(|known| known.key() == write.key()) {
            Some(known) => *known = write,
            None => objects.push(write),
        }
    }

    pub(crate) fn remove(&self, listing: Listing, id: &ClerkId) {
        let mut instance = self.lock();
        let objects = instance.objects.entry(listing).or_default();
        objects.retain(|known| known.key().1 != id);
    }

    pub(crate) fn clear(&self, listing: Listing) {
        self.lock().objects.remove(&listing);
    }

    pub(crate) fn objects(&self, listing: Listing) -> Vec<Write> {
        self.lock()
            .objects
            .get(&listing)
            .cloned()
            .unwrap_or_default()
    }

    pub(crate) fn cannot_map(&self, listing: Listing, id: Option<&str>) {
        let object = (listing, id.map(str::to_owned));
        self.lock().unmappable.push(object);
    }

    /// Fails every request for a page of the listing from this one on, counted from 0; `None`: works again.
    pub(crate) fn fail_from(&self, from: Option<(Listing, u32)>) {
        self.lock().fails_from = from;
    }

    pub(crate) fn fail_finds(&self) {
        self.lock().finds_fail = true;
    }

    pub(crate) fn garble_finds(&self) {
        self.lock().finds_unreadable = true;
    }

    /// Makes every page name itself as the next.
    pub(crate) fn run_in_circles(&self) {
        self.lock().loops = true;
    }

    /// Lists the last object of every page twice, as pages by offset do when something new comes before them.
    pub(crate) fn repeat_itself(&self) {
        self.lock().repeats = true;
    }

    /// Refuses this cursor although its user is there.
    pub(crate) fn refuse_after(&self, cursor: &str) {
        self.lock().refused_cursor = Some(cursor.to_owned());
    }

    /// Answers as an instance that has no such objects at all.
    pub(crate) fn switch_off(&self, listing: Listing) {
        self.lock().switched_off = Some(listing);
    }

    pub(crate) fn after_page(&self, meanwhile: impl FnOnce() + Send + 'static) {
        self.lock().after_pages.push_back(Box::new(meanwhile));
    }

    pub(crate) fn after_find(&self, meanwhile: impl FnOnce() + Send + 'static) {
        self.lock().after_finds.push_back(Box::new(meanwhile));
    }

    pub(crate) fn finds(&self) -> u32 {
        self.lock().finds
    }

    fn read(&self, listing: Listing, after: Option<&str>) -> Result<Page, DirectoryError> {
        let mut instance = self.lock();
        if instance.switched_off == Some(listing) {
            return Ok(Page {
                switched_off: Some("off".to_owned()),
                ..Page::default()
            });
        }
        let request = instance.pages.entry(listing).or_default();
        let number = *request;
        *request += 1;
        if let Some((failing, from)) = instance.fails_from
            && failing == listing
            && number >= from
        {
            return Err(DirectoryError::Unavailable("503".to_owned()));
        }
        if after.is_some() && after == instance.refused_cursor.as_deref() {
            return Err(DirectoryError::Refused("no".to_owned()));
        }
        let objects = instance
            .objects
            .get(&listing)
            .map_or(&[][..], Vec::as_slice);
        // Users go on after an id, the others at a number, as at Clerk.
        let start = match (listing, after) {
            (_, None) => 0,
            (Listing::Users, Some(after)) => {
                let position = objects
                    .iter()
                    .position(|known| known.key().1.as_str() == after);
                position.ok_or_else(|| DirectoryError::Refused("no such user".to_owned()))? + 1
            }
            (_, Some(after)) => after.parse().unwrap(),
        };
        let mut writes: Vec<Write> = objects
            .iter()
            .skip(start)
            .take(self.page_size)
            .cloned()
            .collect();
        let end = start + writes.len();
        let next = (end < objects.len()).then(|| match listing {
            Listing::Users => writes.last().unwrap().key().1.to_string(),
            _ => end.to_string(),
        });
        let next = if instance.loops {
            Some(after.unwrap_or("0").to_owned())
        } else {
            next
        };
        let unmappable = instance.unmappable.iter().filter(|(of, _)| *of == listing);
        if instance.repeats {
            writes.extend(writes.last().cloned());
        }
        Ok(Page {
            writes,
            unmappable: unmappable
                .filter(|_| start == 0)
                .map(|(_, id)| (id.clone(), "odd".to_owned()))
                .collect(),
            next,
            switched_off: None,
        })
    }

    /// As Clerk does: users by their last change, others by when they were made, the latest first.
    fn latest(&self, listing: Listing, since: DateTime<Utc>, after: Option<&str>) -> Page {
        let start: usize = after.map_or(0, |after| after.parse().unwrap());
        let mut objects = self.objects(listing);
        objects.sort_by_key(|write| std::cmp::Reverse(moved_at(write)));
        let writes: Vec<Write> = objects
            .into_iter()
            .skip(start)
            .take(self.page_size)
            .collect();
        let is_full = writes.len() == self.page_size;
        let goes_on = is_full && writes.last().is_some_and(|last| moved_at(last) >= since);
        Page {
            next: goes_on.then(|| (start + writes.len()).to_string()),
            writes,
            ..Page::default()
        }
    }
}

fn moved_at(write: &Write) -> DateTime<Utc> {
    match write {
        Write::User(user) => user.profile.updated_at,
        Write::Organization(organization) => organization.profile.created_at,
        Write::Membership(membership) => membership.profile.created_at,
        other => panic!("nothing that is listed: {other:?}"),
    }
}

#[async_trait]
impl Directory for FakeClerk {
    async fn page(&self, listing: Listing, after: Option<String>) -> Result<Page, DirectoryError> {
        self.fuse.burn().await;
        let page = self.read(listing, after.as_deref());
        let meanwhile = self.lock().after_pages.pop_front();
        if let Some(meanwhile) = meanwhile {
            meanwhile();
        }
        self.fuse.burn().await;
        page
    }

    async fn recent(
        &self,
        listing: Listing,
        since: DateTime<Utc>,
        after: Option<String>,
    ) -> Result<Page, DirectoryError> {
        self.fuse.burn().await;
        Ok(self.latest(listing, since, after.as_deref()))
    }

    async fn count(&self, listing: Listing) -> Result<u64, DirectoryError> {
        Ok(self.objects(listing).len() as u64)
    }

    async fn find(&self, row: &Mirrored) -> Result<Option<Write>, DirectoryError> {
        let (found, meanwhile) = {
            let mut instance = self.lock();
            instance.finds += 1;
            if instance.finds_fail {
                return Err(DirectoryError::Unavailable("503".to_owned()));
            }
            if instance.finds_unreadable {
                return Err(DirectoryError::Unreadable("odd".to_owned()));
            }
            let mut all = instance.objects.values().flatten();
            let found = all.find(|known| known.key().1 == row.clerk_id()).cloned();
            (found, instance.after_finds.pop_front())
        };
        if let Some(meanwhile) = meanwhile {
            meanwhile();
        }
        Ok(found)
    }

    async fn user(&self, _: &ClerkId) -> Result<Option<UserWrite>, DirectoryError> {
        unreachable!("sweeps ask for rows")
    }

    async fn live_sessions(&self, _: &ClerkId) -> Result<Vec<LiveSession>, DirectoryError> {
        unreachable!("sweeps leave sessions alone")
    }

    async fn revoke_session(&self, _: &ClerkId) -> Result<(), DirectoryError> {
        unreachable!("sweeps order nothing")
    }

    async fn merge_public_metadata(
        &self,
        _: &ClerkId,
        _: serde_json::Value,
    ) -> Result<bool, DirectoryError> {
        unreachable!("sweeps order nothing")
    }
}
