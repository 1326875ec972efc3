//! Shares: a listing that its owner lets another user see.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::listing::words;
use super::{FieldProblem, Resource};

words! {
    /// What the other may do. Nobody changes another's listing.
    SharePermission {
        /// See it.
        Read = "read",
        /// See it and say something about it.
        Comment = "comment",
    }
}

/// A listing, shared with another user: once with each, however often it is shared.
///
/// Whether there is such a user is not asked: the answer would tell strangers which ids there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Share {
    /// The listing; never changed.
    pub listing_id: Uuid,
    /// With whom, by our id; never changed. Whose the listing is, is the row's owner.
    pub user_id: Uuid,
    /// What he may do.
    pub permission: SharePermission,
}

/// A change: `None` leaves the field as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SharePatch {
    /// What he may do.
    pub permission: Option<SharePermission>,
}

impl Resource for Share {
    type Patch = SharePatch;
    const KIND: &'static str = "share";

    fn patched(self, patch: SharePatch) -> Self {
        Self {
            permission: patch.permission.unwrap_or(self.permission),
            ..self
        }
    }

    fn problems(&self) -> Vec<FieldProblem> {
        Vec::new()
    }
}
