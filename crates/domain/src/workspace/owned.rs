//! Rows that belong to somebody: the one pattern that every resource of the workspace follows.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::FieldProblem;
use crate::List;

/// What can be owned. The type itself is what its owner writes; the rest of the row is [`Owned`].
pub trait Resource: fmt::Debug + Clone + PartialEq + Serialize + Send + Sync + 'static {
    /// What a change of it says.
    type Patch: fmt::Debug + Send + Sync + 'static;
    /// Its name, in the singular, in snake_case: `listing`.
    const KIND: &'static str;
    /// The list that its pages are of.
    const LIST: List = List::Owned(Self::KIND);

    /// It as it is after a change.
    #[must_use]
    fn patched(self, patch: Self::Patch) -> Self;

    /// Everything for which it is not kept; empty when it is.
    fn problems(&self) -> Vec<FieldProblem>;
}

/// A stored row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Owned<T> {
    /// Ours; grows with time.
    pub id: Uuid,
    /// Whose it is, by our id. `None` for a row from before there were owners: only admins see it, until one of them gives
    /// it to somebody.
    #[serde(rename = "owner_id")]
    pub user_id: Option<Uuid>,
    /// The organization that it was made in, by Clerk's id. It says where a row belongs, and gives nobody a right to it.
    pub organization_id: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last written.
    pub updated_at: DateTime<Utc>,
    /// What its owner wrote.
    #[serde(flatten)]
    pub body: T,
}

/// Which rows of a list are wanted. Nobody but an admin gets others' rows by it, whatever it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OwnedFilter {
    /// Whose.
    pub whose: Whose,
    /// Only what is in this row: positions of a portfolio, items of a collection, shares of a listing.
    pub parent: Option<Uuid>,
}

/// Whose rows are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Whose {
    /// The user's own.
    #[default]
    Mine,
    /// Those that others share with him.
    SharedWithMe,
    /// Everybody's: for admins. Anybody else gets his own.
    Everybody,
    /// This user's: for admins. Anybody else gets nothing, unless it is himself.
    User(Uuid),
    /// Those that nobody owns: for admins. Anybody else gets nothing.
    Nobody,
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq)]
pub enum Written<T> {
    /// As this says.
    Done(T),
    /// There is no such row, or it is another's: nobody is told which.
    Unknown,
    /// It names a row in this field that there is not, or that is another's.
    UnknownReference(&'static str),
    /// There are as many already as may be.
    LimitReached {
        /// How many may be.
        limit: u64,
    },
    /// It is not kept as it is, for these reasons.
    Invalid(Vec<FieldProblem>),
}

impl<T> Written<T> {
    /// The row, if it was written.
    pub fn done(self) -> Option<T> {
        match self {
            Self::Done(row) => Some(row),
            _ => None,
        }
    }
}
