use std::sync::Arc;

use async_trait::async_trait;

use crate::workspace::PortfolioSummary;
use crate::{MonthUsage, SessionStatus, StoreError, ThinUser, User};

/// A user who calls, with what is known of the session that he calls through.
#[derive(Debug, Clone, PartialEq)]
pub struct Caller {
    /// The user's row. The same pointer means that nothing has changed; another one may hold the same row.
    pub user: Arc<User>,
    /// The session's last told state; `None` while no event has told of it.
    pub session_status: Option<SessionStatus>,
    /// What the user had used of metered features when the row was read; `None` where nobody has looked.
    pub usage: Option<Arc<MonthUsage>>,
    /// How many portfolios he had then, and which was his oldest.
    pub portfolios: PortfolioSummary,
}

/// Where users are read, and made on their first request.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait UserStore: Send + Sync {
    /// The caller behind a verified token, deleted and inactive ones too; `None` when the user is unknown. Texts that
    /// are no [`ClerkId`](crate::ClerkId) are unknown, and no error. What he has used this month and what he has of
    /// portfolios are read with his row: one that remembers callers forgets them with each change of kind
    /// [`Usage`](crate::ChangeKind::Usage) or [`Portfolios`](crate::ChangeKind::Portfolios), as with others.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn caller(
        &self,
        clerk_user_id: &str,
        clerk_session_id: &str,
    ) -> Result<Option<Caller>, StoreError>;

    /// Makes a row for a user who is known from a token alone, and answers the row that is there afterwards.
    ///
    /// An adapter must let exactly one of many simultaneous calls make the row, change nothing when there is one
    /// already (a deleted user stays deleted), and place the new row below everything that Clerk may say about the
    /// user ([`Precedence::NOTHING_KNOWN`](crate::Precedence::NOTHING_KNOWN)).
    ///
    /// # Errors
    /// When nothing was committed.
    async fn provision(&self, user: ThinUser) -> Result<User, StoreError>;
}
