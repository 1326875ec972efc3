//! What this process remembers, and how a change makes it forget.

use std::sync::Arc;

use domain::workspace::PortfolioSummary;
use domain::{ChangeKind, FeedMark, MonthUsage, ObjectKind, SessionStatus, User};

use crate::caches::CacheSettings;
use crate::memory::Memory;

/// A user, what he has used of metered features, and what he has of portfolios.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) user: Arc<User>,
    pub(crate) usage: Option<Arc<MonthUsage>>,
    pub(crate) portfolios: PortfolioSummary,
}

/// Users by their id, and the last told states of sessions by theirs; `None` for a session that nobody has told of.
pub(crate) struct Remembered {
    pub(crate) users: Memory<Known>,
    pub(crate) sessions: Memory<Option<SessionStatus>>,
}

impl Remembered {
    pub(crate) fn new(settings: &CacheSettings) -> Self {
        Self {
            users: Memory::new(settings.users, settings.lifetime),
            sessions: Memory::new(settings.sessions, settings.lifetime),
        }
    }

    /// Forgets whom a change is about. Every change that names a user counts: a session's beginning moves the user's
    /// last sign-in.
    pub(crate) fn forget(&self, mark: &FeedMark) {
        let id = mark.clerk_id.as_str();
        match mark.kind {
            Some(
                ChangeKind::Object(ObjectKind::User) | ChangeKind::Usage | ChangeKind::Portfolios,
            ) => {
                self.users.forget(id, mark.cursor);
            }
            Some(ChangeKind::Object(ObjectKind::Session)) => {
                self.sessions.forget(id, mark.cursor);
            }
            Some(ChangeKind::Object(_)) => {}
            None => {
                self.users.forget(id, mark.cursor);
                self.sessions.forget(id, mark.cursor);
            }
        }
        if let Some(user) = mark.clerk_user_id.as_deref().filter(|user| *user != id) {
            self.users.forget(user, mark.cursor);
        }
    }

    /// Forgets everybody: only changes after this cursor will be told of.
    pub(crate) fn forget_all(&self, cursor: i64) {
        self.users.forget_all(cursor);
        self.sessions.forget_all(cursor);
    }
}
