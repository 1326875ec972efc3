//! Operations on users.

use serde_json::{Map, Value, json};

use super::{Caller, Instance};
use crate::params::{Params, invalid};
use crate::password::PasswordDigest;
use crate::refusal::Refusal;
use crate::session::SessionStatus;
use crate::state::State;
use crate::user::{EmailAddress, Identifier, PhoneNumber, StoredUser, User, Verification};

const PASSWORD_LENGTH: usize = 8;

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
        add_identifications(&mut state, &mut stored.user, &params, now)?;
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
    pub(crate) fn with_users<T>(
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
        self.edit(id, caller, |stored, _| apply(stored, &params))
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

    /// Adds a verified e-mail address, as the primary one if asked or if it is the first; emits `user.updated`.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::IdentifierTaken`], or an address without `@`.
    pub fn add_email(
        &self,
        id: &str,
        address: &str,
        primary: bool,
        caller: &Caller,
    ) -> Result<EmailAddress, Refusal> {
        let user = self.edit(id, caller, |stored, state| {
            let now = state.now();
            let added = email_address(state, address, false, now)?;
            if primary || stored.user.primary_email_address_id.is_none() {
                stored.user.primary_email_address_id = Some(added.id.clone());
            }
            stored.user.email_addresses.push(added);
            Ok(())
        })?;
        user.email_addresses
            .into_iter()
            .next_back()
            .ok_or_else(|| Refusal::NotFound {
                kind: "email_address",
                id: address.to_owned(),
            })
    }

    /// Removes an e-mail address; the first of those left becomes primary if it was. Emits `user.updated`.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn remove_email(&self, email_address_id: &str, caller: &Caller) -> Result<Value, Refusal> {
        let owner = self.with_users(|mut users| {
            let holds = |user: &&User| {
                user.email_addresses
                    .iter()
                    .any(|it| it.id == email_address_id)
            };
            Iterator::find(&mut users, holds).map(|user| user.id.clone())
        });
        let owner = owner.ok_or_else(|| Refusal::NotFound {
            kind: "email_address",
            id: email_address_id.to_owned(),
        })?;
        self.edit(&owner, caller, |stored, _| {
            let user = &mut stored.user;
            user.email_addresses
                .retain(|address| address.id != email_address_id);
            if user.primary_email_address_id.as_deref() == Some(email_address_id) {
                user.primary_email_address_id = user
                    .email_addresses
                    .first()
                    .map(|address| address.id.clone());
            }
            Ok(())
        })?;
        Ok(json!({ "id": email_address_id, "object": "email_address", "deleted": true }))
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

    /// Creates `count` users with addresses at `example.com`, each with `user.created` unless `quiet`.
    pub fn seed_users(&self, count: usize, quiet: bool, caller: &Caller) -> Vec<String> {
        let mut number = self.state().users.len();
        let mut ids = Vec::with_capacity(count);
        while ids.len() < count {
            number += 1;
            let mut state = self.change();
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
            if !quiet {
                self.emit(&state, caller, "user.created", now, &user);
            }
            ids.push(user.id);
        }
        ids
    }

    fn edit(
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

/// The parameters that creating and changing have in common.
fn apply(stored: &mut StoredUser, params: &Params) -> Result<(), Refusal> {
    let user = &mut stored.user;
    let texts = [
        ("external_id", &mut user.external_id),
        ("first_name", &mut user.first_name),
        ("last_name", &mut user.last_name),
        ("locale", &mut user.locale),
        ("username", &mut user.username),
    ];
    for (name, held) in texts {
        if let Some(given) = params.text(name)? {
            *held = given;
        }
    }
    if let Some(primary) = params.text("primary_email_address_id")?.flatten() {
        if !user
            .email_addresses
            .iter()
            .any(|address| address.id == primary)
        {
            return Err(Refusal::NotFound {
                kind: "email_address",
                id: primary,
            });
        }
        user.primary_email_address_id = Some(primary);
    }
    if let Some(primary) = params.text("primary_phone_number_id")?.flatten() {
        if !user.phone_numbers.iter().any(|number| number.id == primary) {
            return Err(Refusal::NotFound {
                kind: "phone_number",
                id: primary,
            });
        }
        user.primary_phone_number_id = Some(primary);
    }
    for (name, held) in metadata(user) {
        if let Some(given) = params.object(name)? {
            *held = given;
        }
    }
    user.delete_self_enabled = params
        .flag("delete_self_enabled")?
        .unwrap_or(user.delete_self_enabled);
    user.create_organization_enabled = params
        .flag("create_organization_enabled")?
        .unwrap_or(user.create_organization_enabled);
    user.create_organizations_limit = params
        .integer("create_organizations_limit")?
        .or(user.create_organizations_limit);
    user.legal_accepted_at = params.time("legal_accepted_at")?.or(user.legal_accepted_at);
    user.created_at = params.time("created_at")?.unwrap_or(user.created_at);
    if let Some(password) = params.text("password")?.flatten() {
        let unchecked = params.flag("skip_password_checks")?.unwrap_or(false);
        if !unchecked && password.chars().count() < PASSWORD_LENGTH {
            return Err(Refusal::PasswordTooShort);
        }
        stored.password = Some(PasswordDigest::of(&password));
        user.password_enabled = true;
    }
    Ok(())
}

/// The addresses and numbers of a new user; the first of each becomes primary.
fn add_identifications(
    state: &mut State,
    user: &mut User,
    params: &Params,
    now: i64,
) -> Result<(), Refusal> {
    let email_status = params.texts("email_address_identification_status")?;
    for (place, address) in params.texts("email_address")?.iter().enumerate() {
        let reserved = email_status
            .get(place)
            .is_some_and(|status| status == "reserved");
        user.email_addresses
            .push(email_address(state, address, reserved, now)?);
    }
    let phone_status = params.texts("phone_number_identification_status")?;
    for (place, number) in params.texts("phone_number")?.into_iter().enumerate() {
        let reserved = phone_status
            .get(place)
            .is_some_and(|status| status == "reserved");
        user.phone_numbers.push(PhoneNumber {
            id: state.issue_id("idn_"),
            object: "phone_number".to_owned(),
            phone_number: number,
            reserved_for_second_factor: false,
            default_second_factor: false,
            reserved,
            verification: (!reserved).then(Verification::by_admin),
            linked_to: Vec::new(),
            backup_codes: None,
            created_at: now,
            updated_at: now,
        });
    }
    user.primary_email_address_id = user
        .email_addresses
        .first()
        .map(|address| address.id.clone());
    user.primary_phone_number_id = user.phone_numbers.first().map(|number| number.id.clone());
    Ok(())
}

fn email_address(
    state: &mut State,
    address: &str,
    reserved: bool,
    now: i64,
) -> Result<EmailAddress, Refusal> {
    let well_formed = address.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !domain.is_empty()
            && !domain.contains('@')
            && !address.contains(char::is_whitespace)
    });
    if !well_formed {
        return Err(invalid("email_address", "a valid e-mail address"));
    }
    if state.is_taken(&Identifier::email(address)) {
        return Err(Refusal::IdentifierTaken {
            param: "email_address",
        });
    }
    Ok(EmailAddress {
        id: state.issue_id("idn_"),
        object: "email_address".to_owned(),
        email_address: address.to_owned(),
        reserved,
        verification: (!reserved).then(Verification::by_admin),
        linked_to: Vec::new(),
        matches_sso_connection: false,
        created_at: now,
        updated_at: now,
    })
}

fn metadata(user: &mut User) -> [(&'static str, &mut Map<String, Value>); 3] {
    [
        ("public_metadata", &mut user.public_metadata),
        ("private_metadata", &mut user.private_metadata),
        ("unsafe_metadata", &mut user.unsafe_metadata),
    ]
}

fn set_locked(user: &mut User, locked: bool) {
    user.locked = locked;
    user.verification_attempts_remaining = Some(if locked { 0 } else { 100 });
}

/// Deep merge; null removes.
fn merge(held: &mut Map<String, Value>, given: Map<String, Value>) {
    for (name, value) in given {
        match (held.get_mut(&name), value) {
            (_, Value::Null) => drop(held.remove(&name)),
            (Some(Value::Object(inner)), Value::Object(given)) => merge(inner, given),
            (_, Value::Object(given)) => {
                let mut inner = Map::new();
                merge(&mut inner, given);
                held.insert(name, inner.into());
            }
            (_, value) => drop(held.insert(name, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_goes_deep_and_null_removes() {
        let object = |value: Value| value.as_object().cloned().unwrap();
        let mut held = object(json!({"a": {"x": 1, "y": 2}, "b": [1], "c": 3}));
        merge(
            &mut held,
            object(json!({"a": {"y": null, "z": {"q": null}}, "b": [2], "c": null})),
        );
        assert_eq!(
            Value::Object(held),
            json!({"a": {"x": 1, "z": {}}, "b": [2]})
        );
    }
}
