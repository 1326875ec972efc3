//! Operations on the e-mail addresses of users.

use serde_json::{Value, json};

use super::user_params::email_address;
use super::{Caller, Instance};
use crate::params::invalid;
use crate::refusal::Refusal;
use crate::user::{EmailAddress, User, Verification};

impl Instance {
    /// Adds an e-mail address, as the primary one if asked or if it is the first; emits `user.updated`.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::IdentifierTaken`], or an address of the wrong form.
    pub fn add_email(
        &self,
        user_id: &str,
        address: &str,
        verified: bool,
        primary: bool,
        caller: &Caller,
    ) -> Result<EmailAddress, Refusal> {
        let mut id = String::new();
        let user = self.edit(user_id, caller, |stored, state| {
            let now = state.now();
            let mut added = email_address(state, address, false, now)?;
            if !verified {
                added.verification = Some(Verification::awaited());
            }
            id.clone_from(&added.id);
            if primary || stored.user.primary_email_address_id.is_none() {
                stored.user.primary_email_address_id = Some(added.id.clone());
            }
            stored.user.email_addresses.push(added);
            Ok(())
        })?;
        find(user, &id)
    }

    /// Marks an e-mail address as verified or primary; emits `user.updated`. Neither can be taken back, as at Clerk.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn update_email(
        &self,
        id: &str,
        verified: bool,
        primary: bool,
        caller: &Caller,
    ) -> Result<EmailAddress, Refusal> {
        let user = self.edit(&self.owner(id)?, caller, |stored, state| {
            let now = state.after(stored.user.updated_at);
            for address in stored
                .user
                .email_addresses
                .iter_mut()
                .filter(|it| it.id == id)
            {
                if verified {
                    address.verification = Some(Verification::by_admin());
                }
                address.updated_at = now;
            }
            if primary {
                stored.user.primary_email_address_id = Some(id.to_owned());
            }
            Ok(())
        })?;
        find(user, id)
    }

    /// The e-mail address.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn email(&self, id: &str) -> Result<EmailAddress, Refusal> {
        find(self.user(&self.owner(id)?)?, id)
    }

    /// Makes this the user's only e-mail address, `verified`, `reserved` or `unverified`; emits `user.updated`.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], an address of the wrong form or of another user, another status.
    pub fn replace_email(
        &self,
        user_id: &str,
        address: &str,
        status: &str,
        caller: &Caller,
    ) -> Result<EmailAddress, Refusal> {
        if !matches!(status, "verified" | "reserved" | "unverified") {
            let expected = "verified, reserved or unverified";
            return Err(invalid("identification_status", expected));
        }
        let mut id = String::new();
        let user = self.edit(user_id, caller, |stored, state| {
            let now = state.after(stored.user.updated_at);
            let same = |it: &EmailAddress| it.email_address.eq_ignore_ascii_case(address);
            let mut own = std::mem::take(&mut stored.user.email_addresses).into_iter();
            // His own address keeps its id; it would count as taken otherwise.
            let mut kept = match own.find(same) {
                Some(kept) => kept,
                None => email_address(state, address, false, now)?,
            };
            kept.reserved = status == "reserved";
            kept.verification = match status {
                "verified" => Some(Verification::by_admin()),
                "reserved" => None,
                _ => Some(Verification::awaited()),
            };
            kept.updated_at = now;
            id.clone_from(&kept.id);
            stored.user.primary_email_address_id = Some(kept.id.clone());
            stored.user.email_addresses.push(kept);
            Ok(())
        })?;
        find(user, &id)
    }

    /// Removes an e-mail address; the first of those left becomes primary if it was. Emits `user.updated`.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn remove_email(&self, id: &str, caller: &Caller) -> Result<Value, Refusal> {
        self.edit(&self.owner(id)?, caller, |stored, _| {
            let user = &mut stored.user;
            user.email_addresses.retain(|address| address.id != id);
            if user.primary_email_address_id.as_deref() == Some(id) {
                user.primary_email_address_id = user
                    .email_addresses
                    .first()
                    .map(|address| address.id.clone());
            }
            Ok(())
        })?;
        Ok(json!({ "id": id, "object": "email_address", "deleted": true }))
    }

    fn owner(&self, id: &str) -> Result<String, Refusal> {
        let owner = self.with_users(|mut users| {
            let holds = |user: &&User| user.email_addresses.iter().any(|it| it.id == id);
            Iterator::find(&mut users, holds).map(|user| user.id.clone())
        });
        owner.ok_or_else(|| unknown(id))
    }
}

fn find(user: User, id: &str) -> Result<EmailAddress, Refusal> {
    let mut addresses = user.email_addresses.into_iter();
    addresses
        .find(|address| address.id == id)
        .ok_or_else(|| unknown(id))
}

fn unknown(id: &str) -> Refusal {
    Refusal::NotFound {
        kind: "email_address",
        id: id.to_owned(),
    }
}
