//! Operations on sessions.

use serde_json::Value;

use super::{Caller, Instance};
use crate::refusal::Refusal;
use crate::session::{Session, SessionStatus};
use crate::state::State;

impl Instance {
    /// Starts a session; emits `session.created`. It is no sign-in, so the user stays as he is.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for an unknown user, [`Refusal::UserBanned`].
    pub fn create_session(&self, user_id: &str, caller: &Caller) -> Result<Session, Refusal> {
        self.create_session_in(user_id, None, caller)
    }

    /// [`Self::create_session`] with an organization active from the start.
    ///
    /// # Errors
    /// As there, and [`Refusal::NotFound`] for an organization that the user is not in.
    pub fn create_session_in(
        &self,
        user_id: &str,
        organization_id: Option<&str>,
        caller: &Caller,
    ) -> Result<Session, Refusal> {
        self.start_session(&mut self.change(), user_id, organization_id, None, caller)
    }

    /// Without a `client_id` the session belongs to a client of its own, which no browser has.
    pub(super) fn start_session(
        &self,
        state: &mut State,
        user_id: &str,
        organization_id: Option<&str>,
        client_id: Option<&str>,
        caller: &Caller,
    ) -> Result<Session, Refusal> {
        if state.user(user_id)?.user.banned {
            return Err(Refusal::UserBanned {
                id: user_id.to_owned(),
            });
        }
        let active = organization_id
            .map(|id| member_of(state, id, user_id))
            .transpose()?;
        let id = state.issue_id("sess_");
        let client_id = match client_id {
            Some(id) => id.to_owned(),
            None => state.issue_id("client_"),
        };
        let (now, lifetime) = (state.now(), state.session_lifetime_ms());
        let mut session = Session::new(id, client_id, user_id.to_owned(), now, lifetime);
        session.last_active_organization_id = active;
        state.expires(session.expire_at);
        state.sessions.insert(session.clone());
        self.emit_session(state, &session, caller);
        Ok(session)
    }

    /// The session.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn session(&self, id: &str) -> Result<Session, Refusal> {
        self.current().session(id).cloned()
    }

    /// The sessions that `keep` wants, newest first.
    pub fn sessions(&self, mut keep: impl FnMut(&Session) -> bool) -> Vec<Session> {
        self.current()
            .sessions
            .iter()
            .rev()
            .filter(|session| keep(session))
            .cloned()
            .collect()
    }

    /// Brings a live session to another status and emits its event (`session.revoked`, `.ended`, `.removed`,
    /// `.pending`; the others have none). One that is over stays as it is, without an event, and none becomes active.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn end_session(
        &self,
        id: &str,
        status: SessionStatus,
        caller: &Caller,
    ) -> Result<Session, Refusal> {
        let mut state = self.change();
        state.session(id)?;
        self.end(&mut state, id, status, caller);
        state.session(id).cloned()
    }

    /// Makes an organization the active one of a session, or none, as a page does when its user switches. Clerk has no
    /// event for it, so the session's version stays too; the next token tells.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for an unknown session or an organization that its user is not in,
    /// [`Refusal::SessionNotActive`].
    pub fn set_active_organization(
        &self,
        id: &str,
        organization_id: Option<&str>,
    ) -> Result<Session, Refusal> {
        let mut state = self.change();
        let session = state.session(id)?;
        if !session.status.is_alive() {
            return Err(Refusal::SessionNotActive { id: id.to_owned() });
        }
        let active = organization_id
            .map(|organization| member_of(&state, organization, &session.user_id))
            .transpose()?;
        if let Some(session) = state.sessions.get_mut(id) {
            session.last_active_organization_id = active;
        }
        state.session(id).cloned()
    }

    pub(super) fn end_sessions_of(
        &self,
        state: &mut State,
        user_id: &str,
        status: SessionStatus,
        caller: &Caller,
    ) {
        let ids: Vec<_> = state
            .sessions
            .iter()
            .filter(|session| session.user_id == user_id)
            .map(|session| session.id.clone())
            .collect();
        for id in ids {
            self.end(state, &id, status, caller);
        }
    }

    pub(super) fn end(&self, state: &mut State, id: &str, status: SessionStatus, caller: &Caller) {
        let Some(session) = state.sessions.get(id) else {
            return;
        };
        if !session.status.is_alive() || status == SessionStatus::Active {
            return;
        }
        let now = state.after(session.updated_at);
        let Some(session) = state.sessions.get_mut(id) else {
            return;
        };
        session.status = status;
        session.updated_at = now;
        let session = session.clone();
        self.emit_session(state, &session, caller);
    }

    /// The session with its user inside, as webhooks have it.
    fn emit_session(&self, state: &State, session: &Session, caller: &Caller) {
        let Some(event_type) = session.status.event() else {
            return;
        };
        let mut data = serde_json::to_value(session).unwrap_or_default();
        let mut at = session.updated_at;
        if let (Ok(stored), Value::Object(members)) = (state.user(&session.user_id), &mut data) {
            at = at.max(stored.user.updated_at);
            members.insert(
                "user".to_owned(),
                serde_json::to_value(&stored.user).unwrap_or_default(),
            );
        }
        self.emit(state, caller, event_type, at, &data);
    }
}

/// The organization's id, when the user is in it.
pub(super) fn member_of(state: &State, id_or_slug: &str, user_id: &str) -> Result<String, Refusal> {
    let id = state.organization(id_or_slug)?.id.clone();
    match state.roster.membership(&id, user_id) {
        Some(_) => Ok(id),
        None => Err(Refusal::NotFound {
            kind: "organization_membership",
            id: user_id.to_owned(),
        }),
    }
}
