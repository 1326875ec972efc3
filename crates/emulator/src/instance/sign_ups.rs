//! Sign-ups: a person becomes a user with a session in his browser.

use serde_json::Map;

use super::browsers::{Browser, client_of, live_sessions};
use super::sign_up_params::{SignUpParams, digest, new_user, take};
use super::{Caller, Instance};
use crate::client::{ATTEMPT_LIFETIME_MS, ATTEMPTS, Awaited, CODE, SignUp};
use crate::denial::Denial;
use crate::refusal::Refusal;
use crate::state::State;

impl SignUp {
    /// Clerk's names of what the instance wants and the person has not said.
    pub(crate) fn missing(&self, instance: &Instance) -> Vec<&'static str> {
        let settings = instance.frontend_settings();
        let wanted = [
            ("email_address", self.email_address.is_none()),
            (
                "password",
                settings.password
                    && settings.password_required
                    && self.password.is_none()
                    && self.external.is_none(),
            ),
            ("username", settings.username && self.username.is_none()),
        ];
        let missing = wanted.into_iter().filter(|(_, missing)| *missing);
        missing.map(|(name, _)| name).collect()
    }

    /// Clerk's names of what was said and has to be proven.
    pub(crate) fn unverified(&self, instance: &Instance) -> Vec<&'static str> {
        let proven = self.email_code.as_ref().is_some_and(|code| code.verified);
        if self.email_address.is_some() && !proven && instance.frontend_settings().verify_at_sign_up
        {
            vec!["email_address"]
        } else {
            Vec::new()
        }
    }
}

impl Instance {
    /// Begins a sign-up in this browser, in place of one that was under way, and completes it if nothing is missing.
    ///
    /// # Errors
    /// [`Denial::SessionExists`], [`Denial::SignUpRestricted`], a parameter of the wrong form, one that is taken.
    pub(crate) fn begin_sign_up(
        &self,
        client_id: &str,
        params: SignUpParams,
        caller: &Caller,
    ) -> Result<SignUp, Denial> {
        let settings = self.frontend_settings();
        let digest = digest(params.password.as_deref())?;
        let state = &mut *self.change();
        if settings.single_session && has_session(state, client_id) {
            return Err(Denial::SessionExists);
        }
        let mut sign_up = new_sign_up(state);
        let now = sign_up.created_at;
        if let Some(ticket) = &params.ticket {
            let address = invited_address(state, ticket)?;
            let mut proven = Awaited::new("ticket", &address, now);
            proven.verified = true;
            sign_up.email_address = Some(address);
            sign_up.email_code = Some(proven);
            sign_up.invitation_id = Some(ticket.clone());
        } else if !settings.sign_up {
            return Err(Denial::SignUpRestricted);
        }
        take(state, &mut sign_up, params, digest, now)?;
        self.settle_sign_up(state, client_id, sign_up, caller)
    }

    /// Adds to a sign-up, and completes it if nothing is missing any more.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], a parameter of the wrong form, one that is taken.
    pub(crate) fn update_sign_up(
        &self,
        browser: &Browser,
        id: &str,
        params: SignUpParams,
        caller: &Caller,
    ) -> Result<SignUp, Denial> {
        let digest = digest(params.password.as_deref())?;
        let state = &mut *self.change();
        let (client_id, mut sign_up) = open_sign_up(state, browser, id)?;
        let now = state.now();
        take(state, &mut sign_up, params, digest, now)?;
        self.settle_sign_up(state, &client_id, sign_up, caller)
    }

    /// "Sends" the code.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::ParamMissing`] without an address, [`Denial::AlreadyVerified`].
    pub(crate) fn prepare_sign_up(&self, browser: &Browser, id: &str) -> Result<SignUp, Denial> {
        let state = &mut *self.change();
        let (client_id, mut sign_up) = open_sign_up(state, browser, id)?;
        let Some(address) = sign_up.email_address.clone() else {
            let param = "email_address";
            return Err(Refusal::ParamMissing { param }.into());
        };
        if sign_up.email_code.as_ref().is_some_and(|it| it.verified) {
            return Err(Denial::AlreadyVerified);
        }
        sign_up.email_code = Some(Awaited::new("email_code", &address, state.now()));
        keep(state, &client_id, &sign_up);
        Ok(sign_up)
    }

    /// Takes the code, and completes the sign-up if nothing else is missing.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], and the ways in which a code can be wrong.
    pub(crate) fn attempt_sign_up(
        &self,
        browser: &Browser,
        id: &str,
        code: &str,
        caller: &Caller,
    ) -> Result<SignUp, Denial> {
        let state = &mut *self.change();
        let (client_id, mut sign_up) = open_sign_up(state, browser, id)?;
        let now = state.now();
        let outcome = attempt(sign_up.email_code.as_mut(), code, now);
        keep(state, &client_id, &sign_up);
        outcome?;
        self.settle_sign_up(state, &client_id, sign_up, caller)
    }

    /// The sign-up, complete or not.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub(crate) fn sign_up_in(&self, browser: &Browser, id: &str) -> Result<SignUp, Denial> {
        self.read(|state| find(state, browser, id).map(|(_, sign_up)| sign_up))
    }

    /// Makes a user and a session of a sign-up to which nothing is missing; emits `user.created` and
    /// `session.created`, and with an invitation what its acceptance emits.
    pub(super) fn settle_sign_up(
        &self,
        state: &mut State,
        client_id: &str,
        mut sign_up: SignUp,
        caller: &Caller,
    ) -> Result<SignUp, Denial> {
        let complete = sign_up.missing(self).is_empty() && sign_up.unverified(self).is_empty();
        if !complete {
            keep(state, client_id, &sign_up);
            return Ok(sign_up);
        }
        if self.frontend_settings().single_session && has_session(state, client_id) {
            return Err(Denial::SessionExists);
        }
        let now = state.now();
        let stored = new_user(state, &sign_up, now)?;
        let user = state.put_user(stored)?;
        self.emit(state, caller, "user.created", now, &user);
        let organization = self.settle_ticket(state, &sign_up, &user.id, caller);
        let session_id = self.begin_session(
            state,
            client_id,
            &user.id,
            organization.as_deref(),
            sign_up
                .external
                .as_ref()
                .map_or("email_code", |it| it.strategy.as_str()),
            caller,
        )?;
        sign_up.created_user_id = Some(user.id);
        sign_up.created_session_id = Some(session_id);
        sign_up.password = None;
        keep(state, client_id, &sign_up);
        Ok(sign_up)
    }
}

impl Instance {
    /// Accepts the invitation of a sign-up, if there is one; gives the organization that it was to. One that was
    /// revoked in the meantime brings nobody in.
    fn settle_ticket(
        &self,
        state: &mut State,
        sign_up: &SignUp,
        user_id: &str,
        caller: &Caller,
    ) -> Option<String> {
        let id = sign_up.invitation_id.as_deref()?;
        if let Ok(invitation) = super::sign_up_invitations::pending(state, id) {
            let settled = self.settle_invitation(state, invitation, caller);
            tracing::debug!(accepted = settled.is_ok(), "an invitation to sign up");
            return None;
        }
        self.accept_as(state, id, user_id, caller).ok()
    }
}

/// The address that an invitation to sign up, or to an organization, was sent to.
fn invited_address(state: &State, ticket: &str) -> Result<String, Denial> {
    if let Ok(invitation) = super::sign_up_invitations::pending(state, ticket) {
        return Ok(invitation.email_address);
    }
    let pending = super::invitations::pending(state, ticket);
    Ok(pending.map_err(|_| Denial::TicketInvalid)?.email_address)
}

/// Whether somebody is signed in in this client.
pub(super) fn has_session(state: &State, client_id: &str) -> bool {
    let client = state.browsers.clients.get(client_id);
    client.is_some_and(|client| live_sessions(state, client).next().is_some())
}

/// Judges a code. A right one is good once.
pub(super) fn attempt(awaited: Option<&mut Awaited>, code: &str, now: i64) -> Result<(), Denial> {
    let awaited = awaited.ok_or(Denial::VerificationMissing)?;
    match awaited.status(now) {
        "verified" => return Err(Denial::AlreadyVerified),
        "failed" => return Err(Denial::TooManyAttempts),
        "expired" => return Err(Denial::VerificationExpired),
        _ => {}
    }
    if code == CODE {
        awaited.verified = true;
        return Ok(());
    }
    awaited.wrong += 1;
    match awaited.wrong {
        wrong if wrong >= ATTEMPTS => Err(Denial::TooManyAttempts),
        _ => Err(Denial::CodeIncorrect),
    }
}

/// An empty one.
pub(super) fn new_sign_up(state: &mut State) -> SignUp {
    let now = state.now();
    SignUp {
        id: state.issue_id("sua_"),
        email_address: None,
        username: None,
        first_name: None,
        last_name: None,
        locale: None,
        timezone: None,
        unsafe_metadata: Map::new(),
        legal_accepted_at: None,
        password: None,
        invitation_id: None,
        email_code: None,
        external: None,
        created_session_id: None,
        created_user_id: None,
        created_at: now,
        abandon_at: now.saturating_add(ATTEMPT_LIFETIME_MS),
    }
}

fn find(state: &State, browser: &Browser, id: &str) -> Result<(String, SignUp), Denial> {
    let client = client_of(state, browser);
    let found = client.and_then(|client| {
        let sign_up = client.sign_up.as_ref().filter(|it| it.id == id)?;
        Some((client.id.clone(), sign_up.clone()))
    });
    found.ok_or_else(|| {
        Denial::Refused(Refusal::NotFound {
            kind: "sign_up",
            id: id.to_owned(),
        })
    })
}

/// One that can go on.
fn open_sign_up(
    state: &mut State,
    browser: &Browser,
    id: &str,
) -> Result<(String, SignUp), Denial> {
    let (client_id, sign_up) = find(state, browser, id)?;
    if sign_up.created_user_id.is_some() {
        return Err(Denial::AlreadyVerified);
    }
    if sign_up.abandon_at <= state.now() {
        return Err(Refusal::NotFound {
            kind: "sign_up",
            id: id.to_owned(),
        }
        .into());
    }
    Ok((client_id, sign_up))
}

pub(super) fn keep(state: &mut State, client_id: &str, sign_up: &SignUp) {
    if let Some(client) = state.browsers.clients.get_mut(client_id) {
        client.sign_up = Some(sign_up.clone());
    }
}
