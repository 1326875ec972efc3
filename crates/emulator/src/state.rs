//! Everything the emulator remembers, and the clock and ids that depend on it.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::collection::Collection;
use crate::ids;
use crate::refusal::Refusal;
use crate::session::{Session, SessionStatus};
use crate::user::{Identifier, StoredUser, User};

/// Where a seeded clock starts: 2026-01-01T00:00:00Z.
pub(crate) const SEEDED_START_MS: i64 = 1_767_225_600_000;
const DAY_MS: i64 = 86_400_000;

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
    clock_ms: i64,
    ids_issued: u64,
    /// Generated once and kept, so that a service set up with it still works after a restart.
    pub(crate) webhook_secret: Option<String>,
    #[serde(skip)]
    pub(crate) seed: Option<u64>,
    #[serde(skip)]
    identifiers: HashMap<Identifier, String>,
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

    /// Marks sessions past their end. Clerk sends no event for this either.
    pub(crate) fn expire_sessions(&mut self) {
        if self.seed.is_some() {
            return;
        }
        let now = self.now();
        for session in self.sessions.iter_mut() {
            if session.status.is_alive() && session.expire_at <= now {
                session.status = SessionStatus::Expired;
                session.updated_at = now.max(session.updated_at.saturating_add(1));
            }
        }
    }

    /// Stores a new or changed user, unless another one has one of its identifiers.
    pub(crate) fn put_user(&mut self, stored: StoredUser) -> Result<User, Refusal> {
        let identifiers = stored.user.identifiers();
        let id = stored.user.id.clone();
        if let Some(taken) = identifiers
            .iter()
            .find(|it| self.identifiers.get(*it).is_some_and(|owner| *owner != id))
        {
            return Err(Refusal::IdentifierTaken { param: taken.param });
        }
        self.forget_identifiers(&id);
        self.identifiers.extend(
            identifiers
                .into_iter()
                .map(|identifier| (identifier, id.clone())),
        );
        let user = stored.user.clone();
        match self.users.get_mut(&id) {
            Some(place) => *place = stored,
            None => self.users.insert(stored),
        }
        Ok(user)
    }

    /// Removes a user with everything that belongs to him.
    pub(crate) fn remove_user(&mut self, id: &str) -> Result<User, Refusal> {
        self.user(id)?;
        self.forget_identifiers(id);
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

    fn forget_identifiers(&mut self, id: &str) {
        let Some(stored) = self.users.get(id) else {
            return;
        };
        for identifier in stored.user.identifiers() {
            self.identifiers.remove(&identifier);
        }
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
