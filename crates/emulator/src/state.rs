//! Everything the emulator remembers, and the clock and ids that depend on it.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::billing::Billing;
use crate::browsers::Browsers;
use crate::collection::Collection;
use crate::ids;
use crate::organization::Organization;
use crate::refusal::Refusal;
use crate::registry::Registry;
use crate::roster::Roster;
use crate::session::{Session, SessionStatus};
use crate::timeline::{Time, Timeline, Times};
use crate::user::{Identifier, StoredUser, User};

/// Where a seeded clock starts: 2026-01-01T00:00:00Z.
pub(crate) const SEEDED_START_MS: i64 = 1_767_225_600_000;
const DAY_MS: i64 = 86_400_000;
/// The path of the generated pictures, before the id of what they show.
pub(crate) const IMAGES: &str = "/__clerk/img/";

/// Milliseconds since 1970 by the system's clock. Tokens and signatures always go by it, because others compare them
/// with theirs; objects go by [`State::now`].
pub(crate) fn system_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|elapsed| i64::try_from(elapsed.as_millis()).ok())
        .unwrap_or(0)
}

/// The remembered objects. The serialised form is the state file.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) users: Collection<StoredUser>,
    pub(crate) sessions: Collection<Session>,
    /// Organizations, memberships and invitations.
    #[serde(default)]
    pub(crate) roster: Roster,
    /// Invitations to sign up, the waitlist, domains and templates.
    #[serde(default)]
    pub(crate) registry: Registry,
    /// Plans and subscriptions.
    #[serde(default)]
    pub(crate) billing: Billing,
    /// Browsers with what is under way in them.
    #[serde(default)]
    pub(crate) browsers: Browsers,
    /// Where browsers reach the emulator; part of the pictures' addresses.
    #[serde(skip)]
    origin: String,
    clock_ms: i64,
    ids_issued: u64,
    /// Generated once and kept, so that a service set up with it still works after a restart.
    pub(crate) webhook_secret: Option<String>,
    #[serde(skip)]
    pub(crate) seed: Option<u64>,
    /// Whether the change under way goes without events. Every change begins with `false`.
    #[serde(skip)]
    pub(crate) quiet: bool,
    #[serde(skip)]
    identifiers: HashMap<Identifier, String>,
    #[serde(skip)]
    timeline: Timeline,
    /// Nothing expires before this time. Zero when that is not known.
    #[serde(skip)]
    next_expiry: i64,
}

impl State {
    pub(crate) fn empty(seed: Option<u64>) -> Self {
        Self {
            seed,
            ..Self::default()
        }
    }

    /// Forgets the objects and starts seeded ids and times anew.
    pub(crate) fn clear(&mut self) {
        let webhook_secret = self.webhook_secret.take();
        *self = Self {
            seed: self.seed,
            origin: std::mem::take(&mut self.origin),
            webhook_secret,
            ..Self::default()
        };
    }

    /// Takes up a state read from a file.
    pub(crate) fn resumed(mut self, seed: Option<u64>) -> Self {
        self.seed = seed;
        let taken = self.users.iter().flat_map(|stored| {
            let id = &stored.user.id;
            stored
                .user
                .identifiers()
                .into_iter()
                .map(move |identifier| (identifier, id.clone()))
        });
        self.identifiers = taken.collect();
        for stored in self.users.iter() {
            if let Some(place) = self.users.place(&stored.user.id) {
                self.timeline.add(place, times(&stored.user));
            }
        }
        self.roster = std::mem::take(&mut self.roster).indexed();
        self
    }

    /// The objects' clock, in milliseconds since 1970. It never goes back. A seeded one starts at a fixed instant and
    /// advances by a millisecond each time it is read.
    pub(crate) fn now(&mut self) -> i64 {
        self.clock_ms = match self.seed {
            Some(_) => self.clock_ms.saturating_add(1).max(SEEDED_START_MS),
            None => self.clock_ms.max(system_ms()),
        };
        self.clock_ms
    }

    /// The time of the latest reading of the clock, which every request makes.
    pub(crate) fn last_ms(&self) -> i64 {
        self.clock_ms
    }

    /// The time of a change to an object last changed at `before`: later by at least a millisecond, since receivers
    /// order an object's versions by `updated_at` alone.
    pub(crate) fn after(&mut self, before: i64) -> i64 {
        self.clock_ms = self.now().max(before.saturating_add(1));
        self.clock_ms
    }

    pub(crate) fn issue_id(&mut self, prefix: &str) -> String {
        self.ids_issued = self.ids_issued.wrapping_add(1);
        match self.seed {
            Some(seed) => ids::seeded(prefix, seed, self.ids_issued),
            None => ids::random(prefix),
        }
    }

    /// Seven days; ten years when seeded, because a seeded clock lies in the past and its sessions must still live.
    pub(crate) fn session_lifetime_ms(&self) -> i64 {
        if self.seed.is_some() {
            3650 * DAY_MS
        } else {
            7 * DAY_MS
        }
    }

    pub(crate) fn user(&self, id: &str) -> Result<&StoredUser, Refusal> {
        self.users.get(id).ok_or_else(|| Refusal::NotFound {
            kind: "user",
            id: id.to_owned(),
        })
    }

    pub(crate) fn session(&self, id: &str) -> Result<&Session, Refusal> {
        self.sessions.get(id).ok_or_else(|| Refusal::NotFound {
            kind: "session",
            id: id.to_owned(),
        })
    }

    /// By id or slug.
    pub(crate) fn organization(&self, id_or_slug: &str) -> Result<&Organization, Refusal> {
        self.roster
            .organization(id_or_slug)
            .ok_or_else(|| Refusal::NotFound {
                kind: "organization",
                id: id_or_slug.to_owned(),
            })
    }

    /// The user who has this e-mail address.
    pub(crate) fn owner_of(&self, address: &str) -> Option<&StoredUser> {
        let id = self.identifiers.get(&Identifier::email(address))?;
        self.users.get(id)
    }

    /// The user of this user name.
    pub(crate) fn named(&self, username: &str) -> Option<&StoredUser> {
        let id = self
            .identifiers
            .get(&Identifier::new("username", username))?;
        self.users.get(id)
    }

    /// Where the generated picture of a user or organization is.
    pub(crate) fn image_url(&self, id: &str) -> String {
        format!("{}{IMAGES}{id}", self.origin)
    }

    /// Says where browsers reach the emulator. Pictures that were elsewhere, before a restart, move along.
    pub(crate) fn set_origin(&mut self, origin: &str) {
        origin.clone_into(&mut self.origin);
        let moved = |url: &str| {
            let (_, rest) = url.split_once(IMAGES)?;
            Some(format!("{origin}{IMAGES}{rest}"))
        };
        for stored in self.users.iter_mut() {
            if let Some(url) = moved(&stored.user.image_url) {
                stored.user.profile_image_url.clone_from(&url);
                stored.user.image_url = url;
            }
        }
        self.roster.move_images(moved);
    }

    /// The users in the order of a time, those behind `after` when that user is given and known.
    pub(crate) fn users_by(
        &self,
        time: Time,
        descending: bool,
        after: Option<&str>,
    ) -> impl Iterator<Item = u64> {
        let after = after.and_then(|id| {
            let at = times(&self.users.get(id)?.user);
            let at = match time {
                Time::Created => at.created,
                Time::Updated => at.updated,
            };
            Some((at, self.users.place(id)?))
        });
        self.timeline.walk(time, descending, after)
    }

    /// Must be told of everything that will expire.
    pub(crate) fn expires(&mut self, at: i64) {
        self.next_expiry = self.next_expiry.min(at);
    }

    /// Marks sessions and invitations past their end. Clerk sends no event for either.
    pub(crate) fn expire(&mut self) {
        if self.seed.is_some() {
            return;
        }
        let now = self.now();
        if now < self.next_expiry {
            return;
        }
        let mut next = self.roster.expire(now).min(self.registry.expire(now));
        for session in self.sessions.iter_mut() {
            if !session.status.is_alive() {
                continue;
            }
            if session.expire_at <= now {
                session.status = SessionStatus::Expired;
                session.updated_at = now.max(session.updated_at.saturating_add(1));
            } else {
                next = next.min(session.expire_at);
            }
        }
        self.next_expiry = next;
    }

    /// Stores a new or changed user, unless another one has one of its identifiers.
    pub(crate) fn put_user(&mut self, mut stored: StoredUser) -> Result<User, Refusal> {
        if stored.user.image_url.is_empty() {
            stored.user.image_url = self.image_url(&stored.user.id);
            stored
                .user
                .profile_image_url
                .clone_from(&stored.user.image_url);
        }
        let identifiers = stored.user.identifiers();
        let id = stored.user.id.clone();
        if let Some(taken) = identifiers
            .iter()
            .find(|it| self.identifiers.get(*it).is_some_and(|owner| *owner != id))
        {
            return Err(Refusal::IdentifierTaken { param: taken.param });
        }
        self.forget_indexed(&id);
        self.identifiers.extend(
            identifiers
                .into_iter()
                .map(|identifier| (identifier, id.clone())),
        );
        let user = stored.user.clone();
        self.users.put(stored);
        if let Some(place) = self.users.place(&id) {
            self.timeline.add(place, times(&user));
        }
        Ok(user)
    }

    /// Removes a user with everything that belongs to him.
    pub(crate) fn remove_user(&mut self, id: &str) -> Result<User, Refusal> {
        self.user(id)?;
        self.forget_indexed(id);
        self.roster.remove_user(id);
        self.billing.subscriptions.remove(id);
        self.sessions.retain(|session| session.user_id != id);
        let removed = self.users.remove(id);
        removed
            .map(|stored| stored.user)
            .ok_or_else(|| Refusal::NotFound {
                kind: "user",
                id: id.to_owned(),
            })
    }

    pub(crate) fn is_taken(&self, identifier: &Identifier) -> bool {
        self.identifiers.contains_key(identifier)
    }

    /// Takes a user out of the indexes.
    fn forget_indexed(&mut self, id: &str) {
        let (Some(stored), Some(place)) = (self.users.get(id), self.users.place(id)) else {
            return;
        };
        self.timeline.forget(place, times(&stored.user));
        for identifier in stored.user.identifiers() {
            self.identifiers.remove(&identifier);
        }
    }
}

fn times(user: &User) -> Times {
    Times {
        created: user.created_at,
        updated: user.updated_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seeded_clock_starts_at_a_fixed_instant_and_advances() {
        let mut state = State::empty(Some(1));
        assert_eq!(state.now(), SEEDED_START_MS);
        assert_eq!(state.now(), SEEDED_START_MS + 1);
    }

    #[test]
    fn a_change_is_always_later_than_the_one_before() {
        let mut state = State::empty(None);
        let far = state.now() + 5_000;
        assert_eq!(state.after(far), far + 1);
        assert!(
            state.now() > far,
            "the clock follows, so that envelopes are not older than their data"
        );
    }

    #[test]
    fn identifiers_are_freed_when_their_user_goes() {
        let mut state = State::empty(None);
        let mut user = User::new("user_1".to_owned(), 1);
        user.username = Some("Someone".to_owned());
        state
            .put_user(StoredUser {
                user: user.clone(),
                password: None,
            })
            .unwrap();
        user.id = "user_2".to_owned();
        let second = StoredUser {
            user,
            password: None,
        };
        assert_eq!(
            state.put_user(second.clone()),
            Err(Refusal::IdentifierTaken { param: "username" })
        );
        state.remove_user("user_1").unwrap();
        assert!(state.put_user(second).is_ok());
    }
}
