//! Deliveries: signed messages from Clerk, what they change, and what became of them.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    ClerkId, MembershipWrite, ObjectKind, ObjectWrite, OrganizationWrite, Precedence, SessionWrite,
    SubscriptionItemWrite, SubscriptionWrite, UserWrite,
};

/// An authentic message from Clerk, read and understood as far as it can be.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// The sender's id of the message (`svix-id`), the same on every retry: what makes a repetition a duplicate.
    pub message_id: String,
    /// As it came, at most 128 visible ASCII characters; empty when the body names none.
    pub event_type: String,
    /// The id of the object that it speaks of, where there is a usable one.
    pub object_id: Option<String>,
    /// The Clerk instance that sent it.
    pub instance_id: Option<String>,
    /// The envelope's timestamp.
    pub occurred_at: Option<DateTime<Utc>>,
    /// When it came here.
    pub received_at: DateTime<Utc>,
    /// What is kept of it, for replay.
    pub payload: Payload,
    /// What it changes.
    pub effect: Effect,
    /// What was odd about it and tolerated, for the ledger.
    pub notes: Vec<String>,
}

/// The body as the ledger keeps it.
#[derive(Debug, Clone, PartialEq)]
pub enum Payload {
    /// JSON that both databases can hold as such.
    Json(JsonText),
    /// The very bytes, where the body is no JSON, or JSON that a database refuses.
    Bytes(Vec<u8>),
}

/// JSON as it is written. Whoever reads a body writes it out once; from there it is passed on and kept as a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonText(String);

impl JsonText {
    /// A text that is known to be JSON, since it was written as such.
    #[must_use]
    pub fn written(text: String) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text itself.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl From<Value> for JsonText {
    fn from(value: Value) -> Self {
        Self(value.to_string())
    }
}

/// What a delivery changes, as data: the domain decides it, the store makes it so.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Guarded writes, made in this order.
    Writes(Vec<Write>),
    /// Nothing: the event type means nothing to us.
    Ignored {
        /// Why not.
        reason: String,
    },
    /// Nothing yet: the content cannot be mapped and waits for a person.
    Quarantined {
        /// Why not, naming the place in the body.
        reason: String,
    },
}

/// One guarded write: it takes effect when its fact is greater than what the row knows.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// A user was made or changed.
    User(Box<UserWrite>),
    /// A session began, changed or ended.
    Session(Box<SessionWrite>),
    /// An organization was made or changed.
    Organization(Box<OrganizationWrite>),
    /// A membership was made or changed.
    Membership(Box<MembershipWrite>),
    /// A subscription was made or changed.
    Subscription(Box<SubscriptionWrite>),
    /// A plan within a subscription was made or changed.
    SubscriptionItem(Box<SubscriptionItemWrite>),
    /// Another object was told of.
    Object(Box<ObjectWrite>),
    /// An object is gone: wins over every other word about it, whichever came first. The row stays.
    Deletion(Deletion),
}

impl Write {
    /// Whose row is written.
    #[must_use]
    pub fn key(&self) -> (ObjectKind, &ClerkId) {
        match self {
            Self::User(write) => (ObjectKind::User, &write.profile.clerk_user_id),
            Self::Session(write) => (ObjectKind::Session, &write.clerk_session_id),
            Self::Organization(write) => (
                ObjectKind::Organization,
                &write.profile.clerk_organization_id,
            ),
            Self::Membership(write) => (ObjectKind::Membership, &write.profile.clerk_membership_id),
            Self::Subscription(write) => (ObjectKind::Subscription, &write.clerk_subscription_id),
            Self::SubscriptionItem(write) => (
                ObjectKind::SubscriptionItem,
                &write.clerk_subscription_item_id,
            ),
            Self::Object(write) => (write.kind, &write.clerk_id),
            Self::Deletion(deletion) => (deletion.kind, &deletion.clerk_id),
        }
    }

    /// The fact's place; a deletion has none, as it wins always.
    #[must_use]
    pub fn precedence(&self) -> Option<Precedence> {
        match self {
            Self::User(write) => Some(write.precedence),
            Self::Session(write) => Some(write.precedence),
            Self::Organization(write) => Some(write.precedence),
            Self::Membership(write) => Some(write.precedence),
            Self::Subscription(write) => Some(write.precedence),
            Self::SubscriptionItem(write) => Some(write.precedence),
            Self::Object(write) => Some(write.precedence),
            Self::Deletion(_) => None,
        }
    }
}

/// An object is gone at Clerk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    /// What it was.
    pub kind: ObjectKind,
    /// Its id at Clerk.
    pub clerk_id: ClerkId,
    /// When Clerk said so; of several deletions of one object the earliest counts.
    pub deleted_at: DateTime<Utc>,
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It changed rows.
    Applied,
    /// The same message was here before.
    Duplicate,
    /// The rows already know something newer, or the object is deleted.
    Stale,
    /// Its type means nothing to us; kept.
    Ignored,
    /// Its content could not be mapped; kept for replay.
    Quarantined,
    /// It was not proven to come from Clerk; nothing of it is kept but the fact.
    Rejected,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: &[Self] = &[
        Self::Applied,
        Self::Duplicate,
        Self::Stale,
        Self::Ignored,
        Self::Quarantined,
        Self::Rejected,
    ];

    /// The name in the ledger, metrics and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Duplicate => "duplicate",
            Self::Stale => "stale",
            Self::Ignored => "ignored",
            Self::Quarantined => "quarantined",
            Self::Rejected => "rejected",
        }
    }

    /// The outcome that [`Outcome::as_str`] names.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|outcome| outcome.as_str() == name)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The answer to a delivery, true once it is given: everything behind it is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// What became of it.
    pub outcome: Outcome,
    /// Why, where the outcome alone does not say.
    pub reason: Option<String>,
}

/// A message that was refused before anything in it was believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// A stable code: `signature_invalid`, `timestamp_expired`, …
    pub code: &'static str,
    /// The claimed message id, cut to 128 visible ASCII characters; it proves nothing.
    pub claimed_message_id: Option<String>,
    /// When it came.
    pub received_at: DateTime<Utc>,
}

/// A line of the ledger.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeliveryRecord {
    /// Ours; grows with time.
    pub id: Uuid,
    /// The sender's id of the message; absent on rejected ones, which proved none.
    pub svix_id: Option<String>,
    /// As it came.
    pub event_type: String,
    /// The object that it speaks of.
    pub object_id: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
    /// Why.
    pub reason: Option<String>,
    /// How often the message came.
    pub attempts: i32,
    /// When it came first.
    pub received_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn outcomes_have_names_that_are_read_again() {
        let names = Outcome::ALL.iter().map(|outcome| outcome.as_str());
        let names: Vec<_> = names.collect();
        let expected = [
            "applied",
            "duplicate",
            "stale",
            "ignored",
            "quarantined",
            "rejected",
        ];
        assert_eq!(names, expected);
        for outcome in Outcome::ALL {
            let name = outcome.as_str();
            assert_eq!(Outcome::parse(name), Some(*outcome));
            assert_eq!(outcome.to_string(), name);
            assert_eq!(json!(outcome), json!(name));
        }
        assert_eq!(Outcome::parse("lost"), None);
    }

    #[test]
    fn a_text_is_passed_on_as_it_was_written() {
        let text = JsonText::written("{\"a\": 1}".to_owned());
        assert_eq!(text.as_str(), "{\"a\": 1}");
        assert_eq!(text.into_string(), "{\"a\": 1}");
        assert_eq!(JsonText::from(json!({"a": 1})).as_str(), "{\"a\":1}");
    }
}
