//! The change feed: every committed change, in commit order, for services that follow without webhooks of their own.

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::ObjectKind;

/// What a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// An object of Clerk's.
    Object(ObjectKind),
    /// What a user has used of a metered feature in a month; the id is the user's at Clerk.
    Usage,
    /// How many portfolios a user has, and which is his oldest; the id is the user's at Clerk.
    Portfolios,
}

impl ChangeKind {
    /// The name in the feed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Object(kind) => kind.as_str(),
            Self::Usage => "usage",
            Self::Portfolios => "portfolios",
        }
    }

    /// The kind that [`ChangeKind::as_str`] names.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "usage" => Some(Self::Usage),
            "portfolios" => Some(Self::Portfolios),
            name => ObjectKind::parse(name).map(Self::Object),
        }
    }
}

impl From<ObjectKind> for ChangeKind {
    fn from(kind: ObjectKind) -> Self {
        Self::Object(kind)
    }
}

impl PartialEq<ObjectKind> for ChangeKind {
    fn eq(&self, kind: &ObjectKind) -> bool {
        *self == Self::Object(*kind)
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_the_round_trip_and_what_is_counted_here_is_no_object() {
        for kind in ObjectKind::ALL {
            let kind = ChangeKind::from(*kind);
            assert_eq!(ChangeKind::parse(kind.as_str()), Some(kind));
        }
        for kind in [ChangeKind::Usage, ChangeKind::Portfolios] {
            assert_eq!(ChangeKind::parse(kind.as_str()), Some(kind));
            assert_eq!(ObjectKind::parse(kind.as_str()), None);
        }
        assert_eq!(ChangeKind::parse("x"), None);
    }
}
