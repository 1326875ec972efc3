//! Operations on the phone numbers of users.

use serde_json::{Value, json};

use super::{Caller, Instance};
use crate::params::{Params, invalid};
use crate::refusal::Refusal;
use crate::state::State;
use crate::user::{Identifier, PhoneNumber, StoredUser, User, Verification};

impl Instance {
    /// Adds a phone number from the parameters of `POST /v1/phone_numbers`, as the primary one if asked or if it is the
    /// first; emits `user.updated`.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::IdentifierTaken`], or a number of the wrong form.
    pub fn add_phone(&self, params: Value, caller: &Caller) -> Result<PhoneNumber, Refusal> {
        let params = Params::new(params)?;
        let (user_id, number) = (params.required("user_id")?, number(&params)?);
        let mut id = String::new();
        let user = self.edit(&user_id, caller, |stored, state| {
            let now = state.after(stored.user.updated_at);
            let mut added = new_phone(state, &number, now)?;
            id.clone_from(&added.id);
            apply(&mut added, &params)?;
            if stored.user.primary_phone_number_id.is_none() {
                stored.user.primary_phone_number_id = Some(added.id.clone());
            }
            stored.user.phone_numbers.push(added);
            prefer(stored, &params, &id)
        })?;
        find(user, &id)
    }

    /// Verifies a phone number, makes it primary or a second factor; emits `user.updated`.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn update_phone(
        &self,
        id: &str,
        params: Value,
        caller: &Caller,
    ) -> Result<PhoneNumber, Refusal> {
        let params = Params::new(params)?;
        let user = self.edit(&self.phone_owner(id)?, caller, |stored, state| {
            let now = state.after(stored.user.updated_at);
            let mut own = stored.user.phone_numbers.iter_mut();
            if let Some(held) = own.find(|it| it.id == id) {
                apply(held, &params)?;
                held.updated_at = now;
            }
            prefer(stored, &params, id)
        })?;
        find(user, id)
    }

    /// Makes this the user's only phone number, `verified`, `reserved` or `unverified`; emits `user.updated`.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], a number of the wrong form or of another user, another status.
    pub fn replace_phone(
        &self,
        user_id: &str,
        params: Value,
        caller: &Caller,
    ) -> Result<PhoneNumber, Refusal> {
        let params = Params::new(params)?;
        let number = number(&params)?;
        let status = params.text("identification_status")?.flatten();
        let (reserved, verification) = match status.as_deref() {
            None | Some("verified") => (false, Some(Verification::by_admin())),
            Some("reserved") => (true, None),
            Some("unverified") => (false, Some(awaited())),
            Some(_) => {
                let expected = "verified, reserved or unverified";
                return Err(invalid("identification_status", expected));
            }
        };
        let mut id = String::new();
        let user = self.edit(user_id, caller, |stored, state| {
            let now = state.after(stored.user.updated_at);
            let mut own = std::mem::take(&mut stored.user.phone_numbers).into_iter();
            // His own number keeps its id; it would count as taken otherwise.
            let mut kept = match own.find(|it| it.phone_number == number) {
                Some(kept) => kept,
                None => new_phone(state, &number, now)?,
            };
            (kept.reserved, kept.verification, kept.updated_at) = (reserved, verification, now);
            id.clone_from(&kept.id);
            stored.user.primary_phone_number_id = Some(kept.id.clone());
            stored.user.phone_numbers.push(kept);
            Ok(())
        })?;
        find(user, &id)
    }

    /// Removes a phone number; the first of those left becomes primary if it was. Emits `user.updated`.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn remove_phone(&self, id: &str, caller: &Caller) -> Result<Value, Refusal> {
        self.edit(&self.phone_owner(id)?, caller, |stored, _| {
            let user = &mut stored.user;
            user.phone_numbers.retain(|held| held.id != id);
            if user.primary_phone_number_id.as_deref() == Some(id) {
                user.primary_phone_number_id = user.phone_numbers.first().map(|it| it.id.clone());
            }
            Ok(())
        })?;
        Ok(json!({ "id": id, "object": "phone_number", "deleted": true }))
    }

    /// The phone number.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn phone(&self, id: &str) -> Result<PhoneNumber, Refusal> {
        find(self.user(&self.phone_owner(id)?)?, id)
    }

    fn phone_owner(&self, id: &str) -> Result<String, Refusal> {
        let owner = self.with_users(|mut users| {
            let holds = |user: &&User| user.phone_numbers.iter().any(|it| it.id == id);
            Iterator::find(&mut users, holds).map(|user| user.id.clone())
        });
        owner.ok_or_else(|| unknown(id))
    }
}

/// As E.164 has it: a plus and up to fifteen digits.
fn number(params: &Params) -> Result<String, Refusal> {
    let number = params.required("phone_number")?;
    let digits = number.strip_prefix('+').unwrap_or_default();
    if (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(number);
    }
    Err(invalid("phone_number", "a number such as +15555550100"))
}

fn new_phone(state: &mut State, number: &str, now: i64) -> Result<PhoneNumber, Refusal> {
    if state.is_taken(&Identifier::new("phone_number", number)) {
        let param = "phone_number";
        return Err(Refusal::IdentifierTaken { param });
    }
    Ok(PhoneNumber {
        id: state.issue_id("idn_"),
        object: "phone_number".to_owned(),
        phone_number: number.to_owned(),
        reserved_for_second_factor: false,
        default_second_factor: false,
        reserved: false,
        verification: Some(awaited()),
        linked_to: Vec::new(),
        backup_codes: None,
        created_at: now,
        updated_at: now,
    })
}

fn apply(held: &mut PhoneNumber, params: &Params) -> Result<(), Refusal> {
    if params.flag("verified")? == Some(true) {
        held.verification = Some(Verification::by_admin());
    }
    held.reserved_for_second_factor = params
        .flag("reserved_for_second_factor")?
        .unwrap_or(held.reserved_for_second_factor);
    Ok(())
}

fn prefer(stored: &mut StoredUser, params: &Params, id: &str) -> Result<(), Refusal> {
    if params.flag("primary")? == Some(true) {
        stored.user.primary_phone_number_id = Some(id.to_owned());
    }
    Ok(())
}

fn awaited() -> Verification {
    Verification {
        strategy: "phone_code".to_owned(),
        ..Verification::awaited()
    }
}

fn find(user: User, id: &str) -> Result<PhoneNumber, Refusal> {
    let mut numbers = user.phone_numbers.into_iter();
    numbers.find(|it| it.id == id).ok_or_else(|| unknown(id))
}

fn unknown(id: &str) -> Refusal {
    Refusal::NotFound {
        kind: "phone_number",
        id: id.to_owned(),
    }
}
