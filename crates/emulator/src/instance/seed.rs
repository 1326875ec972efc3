//! Many objects at once, for whoever needs a large instance.

use serde::Deserialize;

use super::organizations::free_slug;
use super::user_params::email_address;
use super::{Caller, Change, Instance};
use crate::organization::{self, Organization};
use crate::params::invalid;
use crate::refusal::Refusal;
use crate::user::{Identifier, StoredUser, User};

const LIMIT: usize = 1_000_000;

/// How much to make. The default is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Seed {
    /// Users with addresses at `example.com`.
    pub users: usize,
    /// Organizations named by number.
    pub organizations: usize,
    /// In how many organizations each new user is; at most as many as are made. The first member of an organization
    /// is its admin. Without new users the old ones join.
    pub memberships_per_user: usize,
    /// Active sessions of each new user.
    pub sessions_per_user: usize,
}

impl Default for Seed {
    fn default() -> Self {
        Self {
            users: 0,
            organizations: 0,
            memberships_per_user: 1,
            sessions_per_user: 0,
        }
    }
}

/// What was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seeded {
    /// The users' ids, oldest first.
    pub user_ids: Vec<String>,
    /// The organizations' ids, oldest first.
    pub organization_ids: Vec<String>,
    /// How many memberships.
    pub memberships: usize,
    /// How many sessions.
    pub sessions: usize,
}

impl Instance {
    /// Makes users, organizations, memberships and sessions, each with its event unless `quiet`. Other operations may
    /// come in between.
    ///
    /// # Errors
    /// [`Refusal::ParamInvalid`] for more than a million of anything.
    pub fn seed(&self, seed: Seed, quiet: bool, caller: &Caller) -> Result<Seeded, Refusal> {
        let Seed {
            users,
            organizations,
            memberships_per_user,
            sessions_per_user,
        } = seed;
        let memberships = memberships_per_user.min(organizations);
        for (param, count) in [
            ("users", users),
            ("organizations", organizations),
            ("memberships_per_user", users.saturating_mul(memberships)),
            ("sessions_per_user", users.saturating_mul(sessions_per_user)),
        ] {
            if count > LIMIT {
                return Err(invalid(param, "at most a million in all"));
            }
        }
        let mut seeded = Seeded {
            user_ids: self.seed_users(users, quiet, caller),
            ..Seeded::default()
        };
        for _ in 0..organizations {
            let id = self.seed_organization(quiet, caller)?;
            seeded.organization_ids.push(id);
        }
        let joining = if users > 0 || organizations == 0 {
            seeded.user_ids.clone()
        } else {
            self.with_users(|users| users.map(|user| user.id.clone()).collect())
        };
        for (number, user_id) in joining.iter().enumerate() {
            for step in 0..memberships {
                let place = (number + step) % organizations.max(1);
                if let Some(id) = seeded.organization_ids.get(place) {
                    seeded.memberships +=
                        usize::from(self.seed_membership(id, user_id, quiet, caller));
                }
            }
        }
        for user_id in &seeded.user_ids {
            for _ in 0..sessions_per_user {
                let mut state = self.quietly(quiet);
                let started = self.start_session(&mut state, user_id, None, None, caller);
                seeded.sessions += usize::from(started.is_ok());
            }
        }
        Ok(seeded)
    }

    /// Creates `count` users with addresses at `example.com`, each with `user.created` unless `quiet`.
    pub fn seed_users(&self, count: usize, quiet: bool, caller: &Caller) -> Vec<String> {
        let mut number = self.state().users.len();
        let mut ids = Vec::with_capacity(count.min(LIMIT));
        while ids.len() < count {
            number += 1;
            let mut state = self.quietly(quiet);
            let address = format!("user{number}@example.com");
            if state.is_taken(&Identifier::email(&address)) {
                continue;
            }
            let now = state.now();
            let mut user = User::new(state.issue_id("user_"), now);
            let Ok(email) = email_address(&mut state, &address, false, now) else {
                break;
            };
            user.first_name = Some("User".to_owned());
            user.last_name = Some(format!("Number {number}"));
            user.primary_email_address_id = Some(email.id.clone());
            user.email_addresses.push(email);
            let Ok(user) = state.put_user(StoredUser {
                user,
                password: None,
            }) else {
                break;
            };
            self.emit(&state, caller, "user.created", now, &user);
            ids.push(user.id);
        }
        ids
    }

    fn seed_organization(&self, quiet: bool, caller: &Caller) -> Result<String, Refusal> {
        let mut state = self.quietly(quiet);
        let number = state.roster.organizations().len() + 1;
        let name = format!("Organization {number}");
        let (now, slug) = (state.now(), free_slug(&state, &name));
        let id = state.issue_id("org_");
        let image = state.image_url(&id);
        let organization = Organization::new(id, name, slug, image, now);
        let shown = state.roster.counted(&organization);
        state.roster.put_organization(organization);
        self.emit(&state, caller, "organization.created", now, &shown);
        Ok(shown.id)
    }

    /// Whether the user joined; he may have gone, or be there already.
    fn seed_membership(&self, id: &str, user_id: &str, quiet: bool, caller: &Caller) -> bool {
        let mut state = self.quietly(quiet);
        let role = match state.roster.members_count(id) {
            0 => organization::ADMIN,
            _ => organization::MEMBER,
        };
        self.join(&mut state, id, user_id, role, caller).is_ok()
    }

    /// For writing, with or without events.
    fn quietly(&self, quiet: bool) -> Change<'_> {
        let mut state = self.change();
        state.quiet = quiet;
        state
    }
}
