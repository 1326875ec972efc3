//! Sign-ins: a user gets a session in his browser, by password or by code. `tickets` has another way.

use super::browsers::{Browser, client_of, day_of};
use super::sign_up_params::digest;
use super::sign_ups::{attempt, has_session};
use super::{Caller, Instance};
use crate::client::{ATTEMPT_LIFETIME_MS, ATTEMPTS, Awaited, SignIn};
use crate::denial::Denial;
use crate::password::PasswordDigest;
use crate::refusal::Refusal;
use crate::state::State;
use crate::user::{StoredUser, User, Verification};

/// Wrong passwords and codes, over all sign-ins, after which Clerk locks a user, and for how long.
const WRONG_ONES: u32 = 100;
const LOCKED_SECONDS: i64 = 3_600;

impl Instance {
    /// Begins a sign-in in this browser, in place of one that was under way.
    ///
    /// # Errors
    /// [`Denial::SessionExists`], [`Denial::IdentifierUnknown`], a user who is banned or locked.
    pub(crate) fn begin_sign_in(
        &self,
        client_id: &str,
        identifier: Option<&str>,
    ) -> Result<SignIn, Denial> {
        let single = self.frontend_settings().single_session;
        let state = &mut *self.change();
        if single && has_session(state, client_id) {
            return Err(Denial::SessionExists);
        }
        let user_id = match identifier {
            None => None,
            Some(text) => Some(known(state, text)?.user.id.clone()),
        };
        let sign_in = new_sign_in(state, identifier, user_id);
        keep(state, client_id, &sign_in);
        Ok(sign_in)
    }

    /// Signs a user in who was picked from a list, as the emulator's own pages let one do.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], a user who is banned or locked.
    pub(crate) fn sign_in_as(
        &self,
        client_id: &str,
        user_id: &str,
        caller: &Caller,
    ) -> Result<SignIn, Denial> {
        let state = &mut *self.change();
        state.user(user_id)?;
        let sign_in = new_sign_in(state, None, Some(user_id.to_owned()));
        self.complete(state, client_id, sign_in, None, "ticket", caller)
    }

    /// Names the user of a sign-in that was begun without one.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Denial::IdentifierUnknown`].
    pub(crate) fn identify_sign_in(
        &self,
        browser: &Browser,
        id: &str,
        identifier: &str,
    ) -> Result<SignIn, Denial> {
        let state = &mut *self.change();
        let (client_id, mut sign_in) = open_sign_in(state, browser, id)?;
        sign_in.user_id = Some(known(state, identifier)?.user.id.clone());
        sign_in.identifier = Some(identifier.to_owned());
        keep(state, &client_id, &sign_in);
        Ok(sign_in)
    }

    /// "Sends" a code to one of the user's addresses: to the named one, else to the primary one.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for the sign-in or the address, [`Denial::IdentifierUnknown`] before a user is named.
    pub(crate) fn prepare_sign_in(
        &self,
        browser: &Browser,
        id: &str,
        strategy: &str,
        email_address_id: Option<&str>,
    ) -> Result<SignIn, Denial> {
        let state = &mut *self.change();
        let (client_id, mut sign_in) = open_sign_in(state, browser, id)?;
        let user = &user_of(state, &sign_in)?.user;
        let wanted = email_address_id.or(user.primary_email_address_id.as_deref());
        let address = user
            .email_addresses
            .iter()
            .find(|it| Some(it.id.as_str()) == wanted)
            .ok_or_else(|| Refusal::NotFound {
                kind: "email_address",
                id: wanted.unwrap_or_default().to_owned(),
            })?
            .id
            .clone();
        sign_in.code = Some(Awaited::new(strategy, &address, state.now()));
        sign_in.needs_new_password = false;
        keep(state, &client_id, &sign_in);
        Ok(sign_in)
    }

    /// Takes a code, of the strategy that it was sent by. One for a forgotten password leads on to a new password; any other completes the sign-in. The
    /// address is verified by it.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], the ways in which a code can be wrong, a user who is banned or locked.
    pub(crate) fn attempt_code(
        &self,
        browser: &Browser,
        id: &str,
        strategy: &str,
        code: &str,
        caller: &Caller,
    ) -> Result<SignIn, Denial> {
        let state = &mut *self.change();
        let (client_id, mut sign_in) = open_sign_in(state, browser, id)?;
        if sign_in
            .code
            .as_ref()
            .is_some_and(|it| it.strategy != strategy)
        {
            return Err(Denial::StrategyInvalid);
        }
        let user_id = user_of(state, &sign_in)?.user.id.clone();
        let now = state.now();
        let outcome = attempt(sign_in.code.as_mut(), code, now);
        if outcome.is_err() {
            keep(state, &client_id, &sign_in);
            self.count_wrong(state, &user_id, caller);
        }
        outcome?;
        if strategy == "reset_password_email_code" {
            sign_in.needs_new_password = true;
            keep(state, &client_id, &sign_in);
            return Ok(sign_in);
        }
        self.complete(state, &client_id, sign_in, None, "email_code", caller)
    }

    /// Takes a password, and completes the sign-in with the right one. After five wrong ones the sign-in takes no more.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Denial::PasswordIncorrect`], [`Denial::TooManyAttempts`], a user who is banned or
    /// locked.
    pub(crate) fn attempt_password(
        &self,
        browser: &Browser,
        id: &str,
        password: &str,
        caller: &Caller,
    ) -> Result<SignIn, Denial> {
        let digest: Option<PasswordDigest> = {
            let state = &mut *self.change();
            let (_, sign_in) = open_sign_in(state, browser, id)?;
            if sign_in.wrong_passwords >= ATTEMPTS {
                return Err(Denial::TooManyAttempts);
            }
            user_of(state, &sign_in)?.password.clone()
        };
        // Stretching takes its time, in which others need the state.
        let fits = digest.is_some_and(|digest| digest.fits(password));
        let state = &mut *self.change();
        let (client_id, mut sign_in) = open_sign_in(state, browser, id)?;
        if sign_in.wrong_passwords >= ATTEMPTS {
            return Err(Denial::TooManyAttempts);
        }
        if fits {
            return self.complete(state, &client_id, sign_in, None, "password", caller);
        }
        sign_in.wrong_passwords += 1;
        keep(state, &client_id, &sign_in);
        if let Some(user_id) = &sign_in.user_id {
            self.count_wrong(state, user_id, caller);
        }
        match sign_in.wrong_passwords {
            wrong if wrong >= ATTEMPTS => Err(Denial::TooManyAttempts),
            _ => Err(Denial::PasswordIncorrect),
        }
    }

    /// Sets the new password after a code for a forgotten one, and completes the sign-in.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Denial::VerificationMissing`] without the code, [`Refusal::PasswordTooShort`].
    pub(crate) fn reset_password(
        &self,
        browser: &Browser,
        id: &str,
        password: &str,
        caller: &Caller,
    ) -> Result<SignIn, Denial> {
        let digest = digest(Some(password))?;
        let state = &mut *self.change();
        let (client_id, sign_in) = open_sign_in(state, browser, id)?;
        if !sign_in.needs_new_password {
            return Err(Denial::VerificationMissing);
        }
        self.check_room(state, &client_id)?;
        let mut stored = user_of(state, &sign_in)?.clone();
        stored.password = digest;
        stored.user.password_enabled = true;
        state.put_user(stored)?;
        self.complete(state, &client_id, sign_in, None, "password", caller)
    }

    /// The sign-in, complete or not.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub(crate) fn sign_in_of(&self, browser: &Browser, id: &str) -> Result<SignIn, Denial> {
        self.read(|state| find(state, browser, id).map(|(_, sign_in)| sign_in))
    }

    /// Whether another session fits into the browser.
    pub(super) fn check_room(&self, state: &State, client_id: &str) -> Result<(), Denial> {
        if self.frontend_settings().single_session && has_session(state, client_id) {
            return Err(Denial::SessionExists);
        }
        Ok(())
    }

    /// Gives the user his session; emits `session.created`, and `user.updated` because of `last_sign_in_at`.
    pub(super) fn complete(
        &self,
        state: &mut State,
        client_id: &str,
        mut sign_in: SignIn,
        organization_id: Option<&str>,
        strategy: &str,
        caller: &Caller,
    ) -> Result<SignIn, Denial> {
        self.check_room(state, client_id)?;
        let mut stored = user_of(state, &sign_in)?.clone();
        state.browsers.forgive(&stored.user.id);
        let now = state.after(stored.user.updated_at);
        prove(&mut stored.user, sign_in.code.as_ref(), now);
        stored.user.last_sign_in_at = Some(now);
        stored.user.last_active_at = Some(day_of(now));
        stored.user.updated_at = now;
        let user = state.put_user(stored)?;
        let session_id = self.begin_session(
            state,
            client_id,
            &user.id,
            organization_id,
            strategy,
            caller,
        )?;
        self.emit(state, caller, "user.updated", now, &user);
        sign_in.created_session_id = Some(session_id);
        keep(state, client_id, &sign_in);
        Ok(sign_in)
    }

    /// Counts what was wrong over all sign-ins; too much of it locks the user, with `user.updated`.
    fn count_wrong(&self, state: &mut State, user_id: &str, caller: &Caller) {
        if state.browsers.count_failure(user_id) < WRONG_ONES {
            return;
        }
        let Ok(mut stored) = state.user(user_id).cloned() else {
            return;
        };
        super::users::set_locked(&mut stored.user, true);
        stored.user.lockout_expires_in_seconds = Some(LOCKED_SECONDS);
        stored.user.updated_at = state.after(stored.user.updated_at);
        state.browsers.forgive(user_id);
        if let Ok(user) = state.put_user(stored) {
            self.emit(state, caller, "user.updated", user.updated_at, &user);
        }
    }
}

/// Whoever enters a code has the mailbox.
fn prove(user: &mut User, code: Option<&Awaited>, now: i64) {
    let Some(code) = code.filter(|it| it.verified) else {
        return;
    };
    for address in &mut user.email_addresses {
        let held = address.verification.as_ref();
        if address.id == code.sent_to && held.is_none_or(|it| it.status != "verified") {
            address.verification = Some(Verification::by_code(i64::from(code.wrong) + 1));
            address.updated_at = now;
        }
    }
}

/// The user with this e-mail address or user name, unless he may not sign in.
pub(super) fn known<'a>(state: &'a State, identifier: &str) -> Result<&'a StoredUser, Denial> {
    let stored = state
        .owner_of(identifier)
        .or_else(|| state.named(identifier))
        .ok_or(Denial::IdentifierUnknown)?;
    admitted(stored)
}

pub(super) fn admitted(stored: &StoredUser) -> Result<&StoredUser, Denial> {
    let user = &stored.user;
    if user.banned {
        let id = user.id.clone();
        return Err(Refusal::UserBanned { id }.into());
    }
    if user.locked {
        return Err(Denial::UserLocked);
    }
    Ok(stored)
}

fn user_of<'a>(state: &'a State, sign_in: &SignIn) -> Result<&'a StoredUser, Denial> {
    let id = sign_in.user_id.as_deref();
    admitted(state.user(id.ok_or(Denial::IdentifierUnknown)?)?)
}

pub(super) fn new_sign_in(
    state: &mut State,
    identifier: Option<&str>,
    user_id: Option<String>,
) -> SignIn {
    let now = state.now();
    SignIn {
        id: state.issue_id("sia_"),
        identifier: identifier.map(str::to_owned),
        user_id,
        code: None,
        external: None,
        wrong_passwords: 0,
        needs_new_password: false,
        created_session_id: None,
        created_at: now,
        abandon_at: now.saturating_add(ATTEMPT_LIFETIME_MS),
    }
}

fn find(state: &State, browser: &Browser, id: &str) -> Result<(String, SignIn), Denial> {
    let client = client_of(state, browser);
    let found = client.and_then(|client| {
        let sign_in = client.sign_in.as_ref().filter(|it| it.id == id)?;
        Some((client.id.clone(), sign_in.clone()))
    });
    found.ok_or_else(|| unknown(id))
}

/// One that can go on.
fn open_sign_in(
    state: &mut State,
    browser: &Browser,
    id: &str,
) -> Result<(String, SignIn), Denial> {
    let (client_id, sign_in) = find(state, browser, id)?;
    if sign_in.created_session_id.is_some() {
        return Err(Denial::AlreadyVerified);
    }
    if sign_in.abandon_at <= state.now() {
        return Err(unknown(id));
    }
    Ok((client_id, sign_in))
}

fn unknown(id: &str) -> Denial {
    Denial::Refused(Refusal::NotFound {
        kind: "sign_in",
        id: id.to_owned(),
    })
}

pub(super) fn keep(state: &mut State, client_id: &str, sign_in: &SignIn) {
    if let Some(client) = state.browsers.clients.get_mut(client_id) {
        client.sign_in = Some(sign_in.clone());
    }
}
