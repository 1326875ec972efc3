//! Sessions: a person's sign-in on one client, from start to end.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::{ClerkId, Precedence};

/// Clerk's session states. Clerk sends no event for `expired`, `abandoned` and `replaced`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionStatus {
    /// In use.
    Active,
    /// Signed in, with a task still to do: counts as signed out.
    Pending,
    /// The user signed out of this session.
    Ended,
    /// The user signed out of all sessions of the client.
    Removed,
    /// Revoked by an administrator or the Backend API.
    Revoked,
    /// Past `expire_at`.
    Expired,
    /// Past `abandon_at`.
    Abandoned,
    /// Another session took its place.
    Replaced,
    /// A state that Clerk has added since; kept as it came.
    Other(String),
}

impl SessionStatus {
    /// The states that a session never leaves.
    pub const TERMINAL: [Self; 6] = [
        Self::Ended,
        Self::Removed,
        Self::Revoked,
        Self::Expired,
        Self::Abandoned,
        Self::Replaced,
    ];

    /// Reads Clerk's name of a state.
    #[must_use]
    pub fn parse(name: &str) -> Self {
        match name {
            "active" => Self::Active,
            "pending" => Self::Pending,
            "ended" => Self::Ended,
            "removed" => Self::Removed,
            "revoked" => Self::Revoked,
            "expired" => Self::Expired,
            "abandoned" => Self::Abandoned,
            "replaced" => Self::Replaced,
            other => Self::Other(other.to_owned()),
        }
    }

    /// Clerk's name of the state.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Ended => "ended",
            Self::Removed => "removed",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::Abandoned => "abandoned",
            Self::Replaced => "replaced",
            Self::Other(name) => name,
        }
    }

    /// Whether the session is over for good: no later word makes it active again.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        Self::TERMINAL.contains(self)
    }
}

impl fmt::Display for SessionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for SessionStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for SessionStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|name| Self::parse(&name))
    }
}

/// How a session began, told by `session.created` alone: later events name the client of whoever ended it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// The session's `created_at`.
    pub signed_in_at: DateTime<Utc>,
    /// The address that signed in.
    pub client_ip: Option<String>,
    /// The browser or program that signed in.
    pub user_agent: Option<String>,
}

/// A guarded write of a session's row.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionWrite {
    /// `sess_…`
    pub clerk_session_id: ClerkId,
    /// Whose session; Clerk's published types allow it to be missing.
    pub clerk_user_id: Option<ClerkId>,
    /// `client_…`
    pub clerk_client_id: Option<String>,
    /// The state that the event tells.
    pub status: SessionStatus,
    /// The organization that was active last.
    pub last_active_organization_id: Option<String>,
    /// Who acts as the user, as Clerk wrote it.
    pub actor: Option<Value>,
    /// Clerk's.
    pub last_active_at: Option<DateTime<Utc>>,
    /// The session expires at this time.
    pub expire_at: Option<DateTime<Utc>>,
    /// The session counts as abandoned from this time on.
    pub abandon_at: Option<DateTime<Utc>>,
    /// Clerk's.
    pub created_at: DateTime<Utc>,
    /// Clerk's.
    pub updated_at: DateTime<Utc>,
    /// Present on `session.created`.
    pub sign_in: Option<SignIn>,
    /// The fact's place: final when the state is terminal.
    pub precedence: Precedence,
}

/// The row that we keep of a session, as programs see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Session {
    /// `sess_…`
    pub clerk_session_id: ClerkId,
    /// Whose session.
    pub clerk_user_id: Option<ClerkId>,
    /// `client_…`
    pub clerk_client_id: Option<String>,
    /// The last state told; see [`Session::status_at`] for the state now.
    pub status: SessionStatus,
    /// Why the session is over: its terminal state.
    pub end_reason: Option<String>,
    /// When it ended, as told by the event that ended it.
    pub ended_at: Option<DateTime<Utc>>,
    /// The organization that was active last.
    pub last_active_organization_id: Option<String>,
    /// The address that signed in.
    pub client_ip: Option<String>,
    /// The browser or program that signed in.
    pub user_agent: Option<String>,
    /// When the user signed in; absent until `session.created` came.
    pub signed_in_at: Option<DateTime<Utc>>,
    /// Clerk's.
    pub last_active_at: Option<DateTime<Utc>>,
    /// Clerk's.
    pub expire_at: Option<DateTime<Utc>>,
    /// Clerk's.
    pub abandon_at: Option<DateTime<Utc>>,
    /// Clerk's.
    pub created_at: DateTime<Utc>,
    /// Clerk's.
    pub updated_at: DateTime<Utc>,
    /// Clerk's `updated_at` in force, in milliseconds since 1970.
    pub version: i64,
}

impl Session {
    /// The state at `now`: Clerk sends no event when a session expires or is abandoned, so the clock tells.
    #[must_use]
    pub fn status_at(&self, now: DateTime<Utc>) -> SessionStatus {
        let is_past = |end: Option<DateTime<Utc>>| end.is_some_and(|end| end <= now);
        if self.status.is_terminal() {
            self.status.clone()
        } else if is_past(self.expire_at) {
            SessionStatus::Expired
        } else if is_past(self.abandon_at) {
            SessionStatus::Abandoned
        } else {
            self.status.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_the_round_trip() {
        for name in [
            "active",
            "pending",
            "ended",
            "removed",
            "revoked",
            "expired",
            "abandoned",
            "replaced",
            "new-one",
        ] {
            assert_eq!(SessionStatus::parse(name).as_str(), name);
            assert_eq!(SessionStatus::parse(name).to_string(), name);
        }
    }

    #[test]
    fn the_clock_tells_what_clerk_does_not() {
        let at = |second| DateTime::from_timestamp(second, 0).unwrap();
        let session = |status: &str, expire_at, abandon_at| Session {
            clerk_session_id: ClerkId::parse("sess_1").unwrap(),
            clerk_user_id: None,
            clerk_client_id: None,
            status: SessionStatus::parse(status),
            end_reason: None,
            ended_at: None,
            last_active_organization_id: None,
            client_ip: None,
            user_agent: None,
            signed_in_at: None,
            last_active_at: None,
            expire_at,
            abandon_at,
            created_at: at(0),
            updated_at: at(0),
            version: 0,
        };
        for (status, expire_at, abandon_at, expected) in [
            ("active", None, None, "active"),
            ("active", Some(at(11)), Some(at(11)), "active"),
            ("active", Some(at(10)), None, "expired"),
            ("active", Some(at(9)), Some(at(9)), "expired"),
            ("active", Some(at(11)), Some(at(10)), "abandoned"),
            ("pending", None, Some(at(9)), "abandoned"),
            ("revoked", Some(at(9)), Some(at(9)), "revoked"),
        ] {
            let session = session(status, expire_at, abandon_at);
            assert_eq!(session.status_at(at(10)).as_str(), expected, "{session:?}");
        }
    }

    #[test]
    fn an_unknown_state_does_not_end_a_session() {
        assert!(!SessionStatus::parse("paused").is_terminal());
        assert!(SessionStatus::parse("revoked").is_terminal());
    }
}
