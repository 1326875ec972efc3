//! Sessions.

use domain::{ClerkId, Delivery, Effect, SessionStatus, SessionWrite, SignIn, Step, Write};
use serde_json::{Value, json};

use super::{Envelope, at, envelope_words, fresh_message_id, id};

/// A `session.…` event.
#[derive(Debug, Clone)]
pub(crate) struct SessionFact {
    envelope: Envelope,
    clerk_session_id: ClerkId,
    clerk_user_id: Option<ClerkId>,
    status: SessionStatus,
    created_at: i64,
    sign_in: Option<SignIn>,
    actor: Option<Value>,
    ends: Option<(i64, i64)>,
}
envelope_words!(SessionFact);

/// A session of `user_1` that says its state and not how it began.
pub(crate) fn session(clerk_session_id: &str, status: &str) -> SessionFact {
    SessionFact {
        envelope: Envelope::new(fresh_message_id(), Step::Changed),
        clerk_session_id: id(clerk_session_id),
        clerk_user_id: Some(id("user_1")),
        status: SessionStatus::parse(status),
        created_at: 0,
        sign_in: None,
        actor: None,
        ends: None,
    }
}

impl SessionFact {
    pub(crate) fn of(mut self, clerk_user_id: &str) -> Self {
        self.clerk_user_id = Some(id(clerk_user_id));
        self
    }

    pub(crate) fn of_nobody(mut self) -> Self {
        self.clerk_user_id = None;
        self
    }

    /// Somebody else acts in the user's name.
    pub(crate) fn acted_by(mut self, name: &str) -> Self {
        self.actor = Some(json!({"sub": name}));
        self
    }

    /// It expires and is abandoned at these times.
    pub(crate) fn ends(mut self, expires: i64, abandoned: i64) -> Self {
        self.ends = Some((expires, abandoned));
        self
    }

    pub(crate) fn since(mut self, millis: i64) -> Self {
        self.created_at = millis;
        self
    }

    /// As `session.created` tells it.
    pub(crate) fn signed_in(mut self, client_ip: &str, user_agent: &str) -> Self {
        self.envelope.step = Step::Created;
        self.sign_in = Some(SignIn {
            signed_in_at: at(self.created_at),
            client_ip: Some(client_ip.to_owned()),
            user_agent: Some(user_agent.to_owned()),
        });
        self
    }
}

impl From<SessionFact> for Delivery {
    fn from(fact: SessionFact) -> Self {
        let SessionFact {
            envelope,
            clerk_session_id,
            clerk_user_id,
            status,
            created_at,
            sign_in,
            actor,
            ends,
        } = fact;
        let place = envelope.place(&(
            &clerk_session_id,
            &clerk_user_id,
            &status,
            created_at,
            &sign_in,
            &actor,
        ));
        let verb = if sign_in.is_some() {
            "created"
        } else {
            status.as_str()
        };
        let event_type = format!("session.{verb}");
        let object_id = clerk_session_id.to_string();
        let write = Write::Session(Box::new(SessionWrite {
            clerk_session_id,
            clerk_user_id,
            clerk_client_id: Some("client_1".to_owned()),
            precedence: if status.is_terminal() {
                place.into_final()
            } else {
                place
            },
            status,
            last_active_organization_id: None,
            actor,
            last_active_at: Some(envelope.believed()),
            expire_at: Some(at(
                ends.map_or(created_at + 7 * 24 * 3_600_000, |(expires, _)| expires)
            )),
            abandon_at: ends.map(|(_, abandoned)| at(abandoned)),
            created_at: at(created_at),
            updated_at: envelope.believed(),
            sign_in,
        }));
        envelope.delivery(event_type, object_id, Effect::Writes(vec![write]))
    }
}
