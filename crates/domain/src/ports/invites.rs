use async_trait::async_trait;
use uuid::Uuid;

use crate::{
    Attribution, Invite, InviteAttempt, InviteCreation, InviteOutcome, InviteRules, NewInvite,
    PageQuery, Paged, StoreError,
};

/// Where invites are made and redeemed.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Invites: Send + Sync {
    /// Makes an invite, and a code for it where none is given; with a line in the audit log.
    ///
    /// # Errors
    /// When nothing was committed.
    async fn create(
        &self,
        invite: NewInvite,
        by: Attribution,
    ) -> Result<InviteCreation, StoreError>;

    /// Invites, the newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn list(&self, page: PageQuery<Uuid>) -> Result<Paged<Invite>, StoreError>;

    /// Takes an invite back: it lets nobody in any more, and those whom it has let in stay. With a line in the audit
    /// log. `None` when there is no such invite.
    ///
    /// # Errors
    /// When nothing was committed.
    async fn revoke(&self, id: Uuid, by: Attribution) -> Result<Option<Invite>, StoreError>;

    /// Tries a code for a user.
    ///
    /// An adapter must answer a user whose invite is validated already without looking at the code or counting anything;
    /// count the try, for the user and for the address, before it compares; take all tries of one user or address one
    /// after the other, so that parallel ones do not slip past the limit; give the try back when it succeeds; and write
    /// the use of the invite, the user's row, its change in the feed and the line in the audit log together. Of many
    /// simultaneous tries exactly as many succeed as the invite has uses left.
    ///
    /// # Errors
    /// When nothing was committed.
    async fn redeem(
        &self,
        attempt: InviteAttempt,
        rules: InviteRules,
    ) -> Result<InviteOutcome, StoreError>;
}
