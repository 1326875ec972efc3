//! The change feed: every committed change, in commit order, for services that follow without webhooks of their own.

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::ObjectKind;

/// What a change is about; named as [`ObjectKind`] names it.
pub type ChangeKind = ObjectKind;

/// What happened to the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeOp {
    /// It is as `data` shows it.
    Upsert,
    /// It is gone.
    Delete,
}

impl ChangeOp {
    /// The name in the feed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Upsert => "upsert",
            Self::Delete => "delete",
        }
    }
}

impl Serialize for ChangeOp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One committed change.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What it is about.
    pub kind: ChangeKind,
    /// The object's id at Clerk.
    pub clerk_id: String,
    /// What happened.
    pub op: ChangeOp,
    /// When it was written here.
    pub at: DateTime<Utc>,
    /// The row as the API shows it.
    pub data: Value,
}

/// A committed change with its place in the feed.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedItem {
    /// Grows in commit order; a reader goes on from the last one that it has seen.
    pub cursor: i64,
    /// The change, as it was committed.
    pub change: Change,
}
