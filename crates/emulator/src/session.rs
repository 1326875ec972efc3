//! The session, in the shape of the Backend API.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::collection::Keyed;

/// Clerk's Session object. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the fields are the Backend API's, documented there"
)]
pub struct Session {
    pub object: String,
    pub id: String,
    pub user_id: String,
    pub client_id: String,
    pub actor: Option<Value>,
    pub status: SessionStatus,
    pub last_active_organization_id: Option<String>,
    pub last_active_at: i64,
    pub latest_activity: Value,
    pub expire_at: i64,
    pub abandon_at: i64,
    pub updated_at: i64,
    pub created_at: i64,
    pub tasks: Option<Vec<Value>>,
}

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    /// Gives tokens.
    Active,
    /// Has unfinished tasks; gives tokens that say so in `sts`.
    Pending,
    /// Ended from outside, over the Backend API or by a ban.
    Revoked,
    /// Signed out in one tab.
    Ended,
    /// Signed out of all.
    Removed,
    /// Past `expire_at`. Clerk sends no event for it.
    Expired,
    /// Past `abandon_at`. Clerk sends no event for it.
    Abandoned,
    /// Taken over by another session. Clerk sends no event for it.
    Replaced,
}

impl SessionStatus {
    /// Whether the session can still change and give tokens.
    #[must_use]
    pub fn is_alive(self) -> bool {
        matches!(self, Self::Active | Self::Pending)
    }

    /// The event that tells of a session reaching this status, if Clerk sends one.
    pub(crate) fn event(self) -> Option<&'static str> {
        match self {
            Self::Active => Some("session.created"),
            Self::Pending => Some("session.pending"),
            Self::Revoked => Some("session.revoked"),
            Self::Ended => Some("session.ended"),
            Self::Removed => Some("session.removed"),
            Self::Expired | Self::Abandoned | Self::Replaced => None,
        }
    }

    /// The `sts` claim of its tokens.
    pub(crate) fn claim(self) -> &'static str {
        if self == Self::Pending {
            "pending"
        } else {
            "active"
        }
    }
}

impl Session {
    /// A new active session that lives for `lifetime` milliseconds.
    pub(crate) fn new(
        id: String,
        client_id: String,
        user_id: String,
        now: i64,
        lifetime: i64,
    ) -> Self {
        let activity = id.replacen("sess_", "sess_activity_", 1);
        Self {
            object: "session".to_owned(),
            id,
            user_id,
            client_id,
            actor: None,
            status: SessionStatus::Active,
            last_active_organization_id: None,
            last_active_at: now,
            // Nobody knows the device; strict clients refuse nulls here.
            latest_activity: json!({ "object": "session_activity", "id": activity, "is_mobile": false }),
            expire_at: now.saturating_add(lifetime),
            abandon_at: now.saturating_add(4 * lifetime),
            updated_at: now,
            created_at: now,
            tasks: None,
        }
    }
}

impl Keyed for Session {
    fn key(&self) -> &str {
        &self.id
    }
}
