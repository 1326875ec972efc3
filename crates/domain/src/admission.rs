//! Whether a caller is let in, whatever he has proven himself with.

use chrono::{DateTime, Utc};

use crate::{Caller, SessionStatus};

/// Why a caller who has proven who he is is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Barred {
    /// Clerk has deleted him, or he was forgotten here.
    #[error("the user is deleted")]
    UserDeleted,
    /// His session is over, or his proof was issued before all of his were made invalid.
    #[error("the session is over")]
    SessionOver,
    /// He is banned at Clerk, or an admin has closed his account.
    #[error("the user is inactive")]
    UserInactive,
}

impl Caller {
    /// Lets in who is neither deleted, banned nor deactivated, and whose session goes on; `issued_at` is when the proof
    /// was issued, by the clock of whoever issued it. One that does not say counts as the oldest.
    ///
    /// # Errors
    /// The first reason not to, in the order of [`Barred`].
    pub fn admitted(&self, issued_at: Option<DateTime<Utc>>) -> Result<(), Barred> {
        let Self {
            user,
            session_status,
            usage: _,
            portfolios: _,
        } = self;
        if user.deleted_at.is_some() {
            return Err(Barred::UserDeleted);
        }
        let is_over = session_status
            .as_ref()
            .is_some_and(SessionStatus::is_terminal);
        if is_over || is_revoked(issued_at, user.tokens_valid_after) {
            return Err(Barred::SessionOver);
        }
        if !user.is_active {
            return Err(Barred::UserInactive);
        }
        Ok(())
    }
}

/// Tokens tell whole seconds, so one that was issued in the second of the revocation may be older than it.
fn is_revoked(issued_at: Option<DateTime<Utc>>, valid_after: Option<DateTime<Utc>>) -> bool {
    valid_after.is_some_and(|valid_after| {
        issued_at.is_none_or(|issued_at| issued_at.timestamp() <= valid_after.timestamp())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(millis).unwrap()
    }

    #[test]
    fn what_was_issued_up_to_the_second_of_the_revocation_is_revoked() {
        for (issued, valid_after, revoked) in [
            (Some(9_000), Some(10_400), true),
            (Some(10_000), Some(10_400), true),
            (Some(10_000), Some(10_000), true),
            (Some(10_999), Some(10_000), true),
            (Some(11_000), Some(10_999), false),
            (None, Some(10_400), true),
            (None, None, false),
            (Some(0), None, false),
        ] {
            assert_eq!(
                is_revoked(issued.map(at), valid_after.map(at)),
                revoked,
                "{issued:?} {valid_after:?}"
            );
        }
    }
}
