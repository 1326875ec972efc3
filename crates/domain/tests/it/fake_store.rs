//! A store in memory that keeps the promises of the ports.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{
    ClerkId, Delivery, Housekeeping, Listing, Membership, Mirror, MirrorRows, Mirrored,
    Organization, Precedence, Receipt, Rejection, Role, StoreError, Tier, User, Write,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::objects::now;
use crate::world::Fuse;

#[derive(Debug, Clone, PartialEq)]
struct Kept {
    row: Mirrored,
    precedence: Precedence,
}

#[derive(Default)]
struct Tables {
    rows: BTreeMap<Listing, BTreeMap<ClerkId, Kept>>,
    checkpoints: BTreeMap<String, String>,
    /// Calls of `adopt` and `correct`, whatever came of them.
    write_calls: u32,
    rows_changed: u64,
    refused: Option<ClerkId>,
    after_adopt: Option<Box<dyn FnOnce() + Send>>,
}

pub(crate) struct FakeStore {
    fuse: Fuse,
    tables: Mutex<Tables>,
}

impl FakeStore {
    pub(crate) fn new(fuse: Fuse) -> Self {
        Self {
            fuse,
            tables: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap()
    }

    /// What a webhook does.
    pub(crate) fn hear(&self, write: &Write) {
        self.lock().guarded(write);
    }

    /// Somebody changes a row by hand, and nothing of its place.
    pub(crate) fn tamper(
        &self,
        listing: Listing,
        id: &ClerkId,
        change: impl FnOnce(&mut Mirrored),
    ) {
        let mut tables = self.lock();
        let kept = tables.rows.get_mut(&listing).unwrap().get_mut(id).unwrap();
        change(&mut kept.row);
    }

    /// What happens right after the next adoption.
    pub(crate) fn after_adopt(&self, meanwhile: impl FnOnce() + Send + 'static) {
        self.lock().after_adopt = Some(Box::new(meanwhile));
    }

    pub(crate) fn refuse(&self, id: ClerkId) {
        self.lock().refused = Some(id);
    }

    /// Every row, deleted ones too.
    pub(crate) fn all(&self, listing: Listing) -> Vec<Mirrored> {
        let tables = self.lock();
        let rows = tables.rows.get(&listing).into_iter().flatten();
        rows.map(|(_, kept)| kept.row.clone()).collect()
    }

    pub(crate) fn row(&self, listing: Listing, id: &ClerkId) -> Option<Mirrored> {
        let tables = self.lock();
        let kept = tables.rows.get(&listing)?.get(id)?;
        Some(kept.row.clone())
    }

    pub(crate) fn write_calls(&self) -> u32 {
        self.lock().write_calls
    }

    pub(crate) fn rows_changed(&self) -> u64 {
        self.lock().rows_changed
    }

    pub(crate) fn checkpoints(&self) -> BTreeMap<String, String> {
        self.lock().checkpoints.clone()
    }

    pub(crate) fn set_checkpoint(&self, name: &str, word: &str) {
        let mut tables = self.lock();
        tables.checkpoints.insert(name.to_owned(), word.to_owned());
    }
}

impl Tables {
    fn check(&self, write: &Write) -> Result<(), StoreError> {
        if self.refused.as_ref() == Some(write.key().1) {
            return Err(StoreError::Refused("check violation".into()));
        }
        Ok(())
    }

    fn guarded(&mut self, write: &Write) -> bool {
        let (kind, id) = write.key();
        let listing = Listing::ALL.iter().find(|listing| listing.kind() == kind);
        let rows = self.rows.entry(*listing.unwrap()).or_default();
        let known = rows.get_mut(id);
        if let Write::Deletion(deletion) = write {
            let Some(known) = known else {
                panic!("no test deletes what is unknown");
            };
            let is_live = !known.row.is_deleted();
            *deleted_at(&mut known.row) = Some(deletion.deleted_at);
            return is_live;
        }
        let precedence = write.precedence().unwrap();
        match known {
            Some(known) if known.precedence >= precedence => false,
            known => {
                let before = known.map(|known| known.row.clone());
                let row = row_of(write, before.as_ref(), false);
                rows.insert(id.clone(), Kept { row, precedence });
                true
            }
        }
    }
}

#[async_trait]
impl Mirror for FakeStore {
    async fn apply(&self, _: Delivery) -> Result<Receipt, StoreError> {
        unreachable!("neither job applies deliveries")
    }

    async fn reject(&self, _: Rejection) -> Result<(), StoreError> {
        unreachable!("neither job rejects")
    }

    async fn replay(&self, _: Uuid, _: Delivery, _: DateTime<Utc>) -> Result<Receipt, StoreError> {
        unreachable!("neither job replays")
    }

    async fn adopt(&self, writes: Vec<Write>, _: DateTime<Utc>) -> Result<u64, StoreError> {
        self.fuse.burn().await;
        let changed = {
            let mut tables = self.lock();
            tables.write_calls += 1;
            for write in &writes {
                tables.check(write)?;
            }
            let changed = writes.iter().filter(|write| tables.guarded(write)).count() as u64;
            tables.rows_changed += changed;
            changed
        };
        let meanwhile = self.lock().after_adopt.take();
        if let Some(meanwhile) = meanwhile {
            meanwhile();
        }
        self.fuse.burn().await;
        Ok(changed)
    }

    async fn correct(
        &self,
        expected: Option<Mirrored>,
        write: Write,
        _: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let mut tables = self.lock();
        tables.write_calls += 1;
        tables.check(&write)?;
        let (kind, id) = write.key();
        let listing = *Listing::ALL
            .iter()
            .find(|listing| listing.kind() == kind)
            .unwrap();
        let rows = tables.rows.entry(listing).or_default();
        let state = |row: &Mirrored| (row.version(), row.is_deleted());
        let before = rows.get(id).map(|kept| kept.row.clone());
        if before.as_ref().map(state) != expected.as_ref().map(state) {
            return Ok(false);
        }
        if let Write::Deletion(deletion) = &write {
            *deleted_at(&mut rows.get_mut(id).unwrap().row) = Some(deletion.deleted_at);
        } else {
            let row = row_of(&write, before.as_ref(), true);
            let precedence = write.precedence().unwrap();
            rows.insert(id.clone(), Kept { row, precedence });
        }
        tables.rows_changed += 1;
        Ok(true)
    }
}

#[async_trait]
impl MirrorRows for FakeStore {
    async fn with_ids(
        &self,
        listing: Listing,
        ids: Vec<ClerkId>,
    ) -> Result<Vec<Mirrored>, StoreError> {
        Ok(ids.iter().filter_map(|id| self.row(listing, id)).collect())
    }

    async fn live_after(
        &self,
        listing: Listing,
        after: Option<ClerkId>,
        limit: u32,
    ) -> Result<Vec<Mirrored>, StoreError> {
        let rows = self.all(listing).into_iter();
        let rest = rows.filter(|row| !row.is_deleted() && Some(row.clerk_id()) > after.as_ref());
        Ok(rest.take(limit as usize).collect())
    }
}

#[async_trait]
impl Housekeeping for FakeStore {
    async fn lease(
        &self,
        _: &str,
        _: &str,
        _: DateTime<Utc>,
        _: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        unreachable!("whoever runs the job holds the lease")
    }

    async fn checkpoint(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.fuse.burn().await;
        Ok(self.lock().checkpoints.get(name).cloned())
    }

    async fn keep_checkpoint(&self, name: &str, word: Option<String>) -> Result<(), StoreError> {
        self.fuse.burn().await;
        {
            let mut tables = self.lock();
            match word {
                Some(word) => tables.checkpoints.insert(name.to_owned(), word),
                None => tables.checkpoints.remove(name),
            };
        }
        self.fuse.burn().await;
        Ok(())
    }

    async fn prune_deliveries(&self, _: DateTime<Utc>, _: u32) -> Result<u64, StoreError> {
        unreachable!("neither job prunes")
    }

    async fn prune_leftovers(&self, _: DateTime<Utc>, _: u32) -> Result<u64, StoreError> {
        unreachable!("neither job prunes")
    }

    async fn settle_tiers(&self, _: DateTime<Utc>, _: u32) -> Result<u64, StoreError> {
        unreachable!("neither job settles tiers")
    }

    async fn thin_users(&self, _: Option<ClerkId>, _: u32) -> Result<Vec<ClerkId>, StoreError> {
        unreachable!("neither job enriches")
    }
}

pub(crate) fn deleted_at(row: &mut Mirrored) -> &mut Option<DateTime<Utc>> {
    match row {
        Mirrored::User(user, _) => &mut user.deleted_at,
        Mirrored::Organization(organization) => &mut organization.deleted_at,
        Mirrored::Membership(membership) => &mut membership.deleted_at,
        Mirrored::Forgotten(_) => panic!("nothing is told of it"),
    }
}

/// The row that a write makes. A guarded write leaves a deleted row deleted.
fn row_of(write: &Write, before: Option<&Mirrored>, revives: bool) -> Mirrored {
    let version = write.precedence().unwrap().version_millis();
    let deleted_at = before
        .cloned()
        .and_then(|mut row| *deleted_at(&mut row))
        .filter(|_| !revives);
    match write {
        Write::User(write) => {
            let profile = write.profile.clone();
            let primary = profile.primary_email();
            let last_login_at = match before {
                Some(Mirrored::User(user, _)) => user.last_login_at,
                _ => None,
            };
            let user = User {
                id: Uuid::nil(),
                email: primary.map(|email| email.email_address.clone()),
                email_verified: primary.is_some_and(|email| email.verified),
                full_name: profile.full_name(),
                clerk_user_id: profile.clerk_user_id,
                external_id: profile.external_id,
                username: profile.username,
                first_name: profile.first_name,
                last_name: profile.last_name,
                image_url: profile.image_url,
                role: Role::from_store("solo".to_owned()),
                role_override: None,
                role_source: None,
                tier: Tier::from_store("free".to_owned()),
                tier_override: None,
                tier_source: None,
                tier_until: None,
                public_metadata: Value::Object(profile.public_metadata),
                preferences: json!({}),
                banned: profile.banned,
                locked: profile.locked,
                invite_validated_at: None,
                deactivated_at: None,
                tokens_valid_after: None,
                is_active: !profile.banned && deleted_at.is_none(),
                created_at: profile.created_at,
                updated_at: profile.updated_at,
                last_login_at: last_login_at.max(profile.last_sign_in_at),
                deleted_at,
                version,
            };
            Mirrored::User(Box::new(user), profile.emails)
        }
        Write::Organization(write) => {
            let profile = write.profile.clone();
            Mirrored::Organization(Box::new(Organization {
                clerk_organization_id: profile.clerk_organization_id,
                name: profile.name,
                slug: profile.slug,
                image_url: profile.image_url,
                public_metadata: Value::Object(profile.public_metadata),
                created_by: profile.created_by.map(ClerkId::into_string),
                tier: None,
                tier_until: None,
                created_at: profile.created_at,
                updated_at: profile.updated_at,
                deleted_at,
                version,
            }))
        }
        Write::Membership(write) => {
            let profile = write.profile.clone();
            Mirrored::Membership(Box::new(Membership {
                clerk_membership_id: profile.clerk_membership_id,
                clerk_organization_id: Some(profile.clerk_organization_id.into_string()),
                clerk_user_id: Some(profile.clerk_user_id.into_string()),
                role: profile.role,
                permissions: json!(profile.permissions),
                public_metadata: Value::Object(profile.public_metadata),
                created_at: profile.created_at,
                updated_at: profile.updated_at,
                deleted_at,
                version,
            }))
        }
        _ => unreachable!("no listing has others"),
    }
}

/// A row that a token alone has made.
pub(crate) fn thin(store: &FakeStore, write: &Write) {
    let (_, id) = write.key();
    let Mirrored::User(mut user, _) = row_of(write, None, false) else {
        panic!("only users come by tokens");
    };
    (user.version, user.created_at, user.updated_at) = (0, now(), now());
    (user.first_name, user.full_name, user.last_login_at) = (None, None, None);
    let kept = Kept {
        row: Mirrored::User(user, Vec::new()),
        precedence: Precedence::NOTHING_KNOWN,
    };
    let mut tables = store.lock();
    let rows = tables.rows.entry(Listing::Users).or_default();
    rows.insert(id.clone(), kept);
}
