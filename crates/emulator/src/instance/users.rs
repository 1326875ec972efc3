//! Operations on users.

use serde_json::{Value, json};

use super::user_params::{self, apply, merge, metadata};
use super::{Caller, Instance};
use crate::params::Params;
use crate::refusal::Refusal;
use crate::session::SessionStatus;
use crate::state::State;
use crate::user::{StoredUser, User};

impl Instance {
    /// Creates a user from the parameters of `POST /v1/users`; emits `user.created`.
    ///
    /// # Errors
    /// A parameter of the wrong form, a short password, or an identifier that is taken.
    pub fn create_user(&self, params: Value, caller: &Caller) -> Result<User, Refusal> {
        let params = Params::new(params)?;
        let mut state = self.change();
        let now = state.now();
        let mut stored = StoredUser {
            user: User::new(state.issue_id("user_"), now),
            password: None,
        };
        user_params::add_identifications(&mut state, &mut stored.user, &params, now)?;
        apply(&mut stored, &params)?;
        stored.user.banned = params.flag("banned")?.unwrap_or(false);
        if params.flag("locked")?.unwrap_or(false) {
            set_locked(&mut stored.user, true);
        }
        let user = state.put_user(stored)?;
        self.emit(&state, caller, "user.created", now, &user);
        Ok(user)
    }

    /// The user.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn user(&self, id: &str) -> Result<User, Refusal> {
        Ok(self.current().user(id)?.user.clone())
    }

    /// Runs `look` over all users, oldest first, without copying them.
    pub fn with_users<T>(
        &self,
        look: impl FnOnce(&mut dyn DoubleEndedIterator<Item = &User>) -> T,
    ) -> T {
        let state = self.current();
        look(&mut state.users.iter().map(|stored| &stored.user))
    }

    /// Changes a user by the parameters of `PATCH /v1/users/{id}`; emits `user.updated`. Metadata is taken too, and
    /// replaced whole, as versions of the API before 2026-05-12 do.
    ///
    /// # Errors
    /// As [`Self::create_user`], and [`Refusal::NotFound`].
    pub fn update_user(&self, id: &str, params: Value, caller: &Caller) -> Result<User, Refusal> {
        let params = Params::new(params)?;
        let signs_out = params.flag("sign_out_of_other_sessions")?.unwrap_or(false);
        let user = self.edit(id, caller, |stored, _| apply(stored, &params))?;
        if signs_out && params.text("password")?.flatten().is_some() {
            self.end_sessions_of(&mut self.change(), id, SessionStatus::Revoked, caller);
        }
        Ok(user)
    }

    /// Takes the password away and, when told so, revokes the user's sessions; emits `user.updated`, or nothing when
    /// there is no password.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn clear_password(
        &self,
        id: &str,
        signs_out: bool,
        caller: &Caller,
    ) -> Result<User, Refusal> {
        let user = self.user(id)?;
        if !user.password_enabled {
            return Ok(user);
        }
        let user = self.edit(id, caller, |stored, _| {
            (stored.password, stored.user.password_enabled) = (None, false);
            Ok(())
        })?;
        if signs_out {
            self.end_sessions_of(&mut self.change(), id, SessionStatus::Revoked, caller);
        }
        Ok(user)
    }

    /// Switches second factors off; emits `user.updated`. The emulator has no way to switch one on but its state file.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn disable_second_factors(&self, id: &str, caller: &Caller) -> Result<User, Refusal> {
        self.edit(id, caller, |stored, state| {
            let user = &mut stored.user;
            user.two_factor_enabled = false;
            user.totp_enabled = false;
            user.backup_code_enabled = false;
            user.mfa_disabled_at = Some(state.after(user.updated_at));
            Ok(())
        })
    }

    /// Gives the user an image, or takes it away; emits `user.updated`. The image itself is not kept: `version` only
    /// makes the address of this one differ from that of the one before.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn set_user_image(
        &self,
        id: &str,
        version: Option<&str>,
        caller: &Caller,
    ) -> Result<User, Refusal> {
        self.edit(id, caller, |stored, _| {
            let user = &mut stored.user;
            user.has_image = version.is_some();
            user.image_url = image_url(&user.image_url, version);
            user.profile_image_url.clone_from(&user.image_url);
            Ok(())
        })
    }

    /// Takes an account at another provider away; emits `user.updated`. Returns the deletion object.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn remove_external_account(
        &self,
        id: &str,
        account_id: &str,
        caller: &Caller,
    ) -> Result<Value, Refusal> {
        self.edit(id, caller, |stored, _| {
            let held = &mut stored.user.external_accounts;
            let before = held.len();
            held.retain(|account| account.get("id") != Some(&json!(account_id)));
            if held.len() < before {
                return Ok(());
            }
            Err(Refusal::NotFound {
                kind: "external_account",
                id: account_id.to_owned(),
            })
        })?;
        Ok(json!({ "id": account_id, "object": "external_account", "deleted": true }))
    }

    /// Bans or unbans several users, all or none; the events of each are those of [`Self::set_banned`].
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn set_many_banned(
        &self,
        ids: &[String],
        banned: bool,
        caller: &Caller,
    ) -> Result<Vec<User>, Refusal> {
        for id in ids {
            self.user(id)?;
        }
        let each = ids.iter().map(|id| self.set_banned(id, banned, caller));
        each.collect()
    }

    /// Merges into (`PATCH …/metadata`; null removes a member) or replaces (`PUT …/metadata`) the given metadata;
    /// emits `user.updated`.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], or metadata that is no object.
    pub fn update_metadata(
        &self,
        id: &str,
        params: Value,
        replace: bool,
        caller: &Caller,
    ) -> Result<User, Refusal> {
        let params = Params::new(params)?;
        self.edit(id, caller, |stored, _| {
            for (name, held) in metadata(&mut stored.user) {
                match params.object(name)? {
                    Some(given) if replace => *held = given,
                    Some(given) => merge(held, given),
                    None => {}
                }
            }
            Ok(())
        })
    }

    /// Deletes a user and his sessions; emits `user.deleted` alone: Clerk promises no event for each session then, and
    /// a receiver must end them by itself. Returns the deletion object.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn delete_user(&self, id: &str, caller: &Caller) -> Result<Value, Refusal> {
        let mut state = self.change();
        let user = state.remove_user(id)?;
        let mut deleted = json!({ "id": id, "object": "user", "deleted": true });
        if let (Some(external_id), Some(members)) = (user.external_id, deleted.as_object_mut()) {
            members.insert("external_id".to_owned(), external_id.into());
        }
        let at = state.after(user.updated_at);
        self.emit(&state, caller, "user.deleted", at, &deleted);
        Ok(deleted)
    }

    /// Bans a user: his active sessions are revoked, each with `session.revoked`, and then comes `user.updated`.
    /// Lifting a ban brings no session back.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn set_banned(&self, id: &str, banned: bool, caller: &Caller) -> Result<User, Refusal> {
        let mut state = self.change();
        let mut stored = state.user(id)?.clone();
        stored.user.banned = banned;
        stored.user.updated_at = state.after(stored.user.updated_at);
        let user = state.put_user(stored)?;
        if banned {
            self.end_sessions_of(&mut state, id, SessionStatus::Revoked, caller);
        }
        let at = state.now().max(user.updated_at);
        self.emit(&state, caller, "user.updated", at, &user);
        Ok(user)
    }

    /// Locks or unlocks a user, as after too many wrong passwords; emits `user.updated`.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn set_locked(&self, id: &str, locked: bool, caller: &Caller) -> Result<User, Refusal> {
        self.edit(id, caller, |stored, _| {
            set_locked(&mut stored.user, locked);
            Ok(())
        })
    }

    /// Whether the password is the user's.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::PasswordAbsent`], [`Refusal::PasswordIncorrect`].
    pub fn verify_password(&self, id: &str, password: &str) -> Result<(), Refusal> {
        let digest = self
            .current()
            .user(id)?
            .password
            .clone()
            .ok_or(Refusal::PasswordAbsent)?;
        if digest.fits(password) {
            Ok(())
        } else {
            Err(Refusal::PasswordIncorrect)
        }
    }

    /// Changes a user and tells of it.
    pub(super) fn edit(
        &self,
        id: &str,
        caller: &Caller,
        edit: impl FnOnce(&mut StoredUser, &mut State) -> Result<(), Refusal>,
    ) -> Result<User, Refusal> {
        let mut state = self.change();
        let mut stored = state.user(id)?.clone();
        edit(&mut stored, &mut state)?;
        stored.user.updated_at = state.after(stored.user.updated_at);
        let user = state.put_user(stored)?;
        self.emit(&state, caller, "user.updated", user.updated_at, &user);
        Ok(user)
    }
}

/// The address with this version behind it, instead of the one before.
pub(super) fn image_url(held: &str, version: Option<&str>) -> String {
    let bare = held.split_once('?').map_or(held, |(bare, _)| bare);
    match version {
        Some(version) => format!("{bare}?v={version}"),
        None => bare.to_owned(),
    }
}

pub(super) fn set_locked(user: &mut User, locked: bool) {
    user.locked = locked;
    user.verification_attempts_remaining = Some(if locked { 0 } else { 100 });
}
