use chrono::{DateTime, Utc};

use crate::{Attribution, ClerkId, Role};

/// What was decided here and is to be so at Clerk too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteBack {
    /// A session is over.
    EndOfSession {
        /// Which.
        clerk_session_id: ClerkId,
    },
    /// The sessions of a user that had begun by then are over.
    EndOfSessions {
        /// Whose.
        clerk_user_id: ClerkId,
        /// Later ones go on.
        begun_until: DateTime<Utc>,
    },
    /// The role that an admin gave stands in `public_metadata`, or does so no more. Which role that is, the row says
    /// when it is written.
    Role {
        /// Whose.
        clerk_user_id: ClerkId,
        /// The role that the decision before had given.
        former: Option<Role>,
        /// Whose decision, for the audit log.
        by: Attribution,
    },
}

/// Tells Clerk in the background what was decided here.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait WriteBacks: Send + Sync {
    /// Says that this is to be told. Returns at once, whatever comes of it: an adapter tries again where that may help,
    /// gives up in the end, and may drop the wish when it has too many. What was decided here holds either way.
    fn wanted(&self, what: WriteBack);
}

/// Where Clerk cannot be told.
#[derive(Debug, Clone, Copy)]
pub struct NoWriteBacks;

impl WriteBacks for NoWriteBacks {
    fn wanted(&self, _: WriteBack) {}
}
