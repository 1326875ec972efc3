//! What users do with their own account in a browser: password, addresses, picture, sessions.

use super::sign_up_params::digest;
use super::sign_ups::attempt;
use super::{Caller, Instance};
use crate::client::Awaited;
use crate::denial::Denial;
use crate::refusal::Refusal;
use crate::session::{Session, SessionStatus};
use crate::state::State;
use crate::user::{EmailAddress, User, Verification};

impl Instance {
    /// Sets a password; emits `user.updated`. With `others` the user's other sessions are revoked, each with
    /// `session.revoked`.
    ///
    /// # Errors
    /// [`Denial::PasswordIncorrect`] unless the current one is right or there is none,
    /// [`Refusal::PasswordTooShort`].
    pub(crate) fn change_password(
        &self,
        session: &Session,
        current: Option<&str>,
        new: &str,
        others: bool,
        caller: &Caller,
    ) -> Result<User, Denial> {
        let held = self.read(|state| state.user(&session.user_id).map(|it| it.password.clone()))?;
        if held.is_some_and(|held| !current.is_some_and(|text| held.fits(text))) {
            return Err(Denial::PasswordIncorrect);
        }
        let digest = digest(Some(new))?;
        let user = self.edit(&session.user_id, caller, |stored, _| {
            stored.password = digest;
            stored.user.password_enabled = true;
            Ok(())
        })?;
        if others {
            let state = &mut *self.change();
            let other: Vec<String> = state
                .sessions
                .iter()
                .filter(|it| it.user_id == user.id && it.id != session.id)
                .map(|it| it.id.clone())
                .collect();
            for id in other {
                self.end(state, &id, SessionStatus::Revoked, caller);
            }
        }
        Ok(user)
    }

    /// Removes the password; emits `user.updated`.
    ///
    /// # Errors
    /// [`Denial::PasswordIncorrect`] unless the current one is right.
    pub(crate) fn remove_password(
        &self,
        user_id: &str,
        current: &str,
        caller: &Caller,
    ) -> Result<User, Denial> {
        match self.verify_password(user_id, current) {
            Err(Refusal::PasswordIncorrect) => return Err(Denial::PasswordIncorrect),
            outcome => outcome?,
        }
        let removed = self.edit(user_id, caller, |stored, _| {
            stored.password = None;
            stored.user.password_enabled = false;
            Ok(())
        });
        Ok(removed?)
    }

    /// "Sends" the code for an address of this user.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for an address that is not his, [`Denial::AlreadyVerified`].
    pub(crate) fn prepare_email(&self, user_id: &str, id: &str) -> Result<EmailAddress, Denial> {
        let state = &mut *self.change();
        let email = own_email(state, user_id, id)?;
        if is_verified(&email) {
            return Err(Denial::AlreadyVerified);
        }
        let awaited = Awaited::new("email_code", id, state.now());
        state.browsers.await_email(id, awaited);
        Ok(email)
    }

    /// Takes the code of an address; emits `user.updated`.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], and the ways in which a code can be wrong.
    pub(crate) fn attempt_email(
        &self,
        user_id: &str,
        id: &str,
        code: &str,
        caller: &Caller,
    ) -> Result<EmailAddress, Denial> {
        let attempts = {
            let state = &mut *self.change();
            own_email(state, user_id, id)?;
            let now = state.now();
            let awaited = state.browsers.email_codes.get_mut(id);
            attempt(awaited, code, now)?;
            let awaited = state.browsers.email_codes.remove(id);
            awaited.map_or(1, |it| i64::from(it.wrong) + 1)
        };
        self.edit(user_id, caller, |stored, state| {
            let now = state.after(stored.user.updated_at);
            let mut addresses = stored.user.email_addresses.iter_mut();
            if let Some(email) = addresses.find(|it| it.id == id) {
                email.verification = Some(Verification::by_code(attempts));
                email.updated_at = now;
            }
            Ok(())
        })?;
        self.read(|state| own_email(state, user_id, id))
    }

    /// An address of this user.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub(crate) fn email_of(&self, user_id: &str, id: &str) -> Result<EmailAddress, Denial> {
        self.read(|state| own_email(state, user_id, id))
    }

    /// Removes an address of this user, but not his only one; emits `user.updated`.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Denial::NotAllowed`].
    pub(crate) fn remove_own_email(
        &self,
        user_id: &str,
        id: &str,
        caller: &Caller,
    ) -> Result<(), Denial> {
        let only = self.read(|state| {
            own_email(state, user_id, id)?;
            let stored = state.user(user_id)?;
            Ok::<_, Denial>(stored.user.email_addresses.len() == 1)
        })?;
        if only {
            return Err(Denial::NotAllowed);
        }
        self.remove_email(id, caller)?;
        Ok(())
    }

    /// Makes a verified address of this user his primary one, with the other changes of his profile; emits
    /// `user.updated`.
    ///
    /// # Errors
    /// As [`Instance::update_user`], and [`Refusal::NotFound`] for an address that is not his or not verified.
    pub(crate) fn update_profile(
        &self,
        user_id: &str,
        changes: serde_json::Value,
        caller: &Caller,
    ) -> Result<User, Denial> {
        let primary = changes
            .get("primary_email_address_id")
            .and_then(serde_json::Value::as_str);
        if let Some(id) = primary.filter(|id| !id.is_empty())
            && !is_verified(&self.email_of(user_id, id)?)
        {
            return Err(Denial::VerificationMissing);
        }
        Ok(self.update_user(user_id, changes, caller)?)
    }

    /// Gives the user another generated picture, as if he had uploaded one, or takes it back; emits `user.updated`.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub(crate) fn set_picture(
        &self,
        user_id: &str,
        has_image: bool,
        caller: &Caller,
    ) -> Result<User, Denial> {
        let changed = self.edit(user_id, caller, |stored, state| {
            let mut url = state.image_url(user_id);
            if has_image {
                url.push_str(&format!("?v={}", state.now()));
            }
            stored.user.has_image = has_image;
            stored.user.profile_image_url.clone_from(&url);
            stored.user.image_url = url;
            Ok(())
        });
        Ok(changed?)
    }
}

fn own_email(state: &State, user_id: &str, id: &str) -> Result<EmailAddress, Denial> {
    let stored = state.user(user_id)?;
    let mut addresses = stored.user.email_addresses.iter();
    let found = addresses.find(|it| it.id == id).cloned();
    found.ok_or_else(|| {
        Denial::Refused(Refusal::NotFound {
            kind: "email_address",
            id: id.to_owned(),
        })
    })
}

fn is_verified(email: &EmailAddress) -> bool {
    let verification = email.verification.as_ref();
    verification.is_some_and(|it| it.status == "verified")
}
