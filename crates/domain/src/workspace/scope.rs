//! Who acts in the workspace: what every call on an owned table is given.

use serde_json::Value;
use uuid::Uuid;

use crate::Attribution;

/// Who acts, and what of it the database is told.
///
/// It is made of a verified session and nothing else: never of what a request says about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Scope {
    /// The user, by our id. Rows of his are his to see and to change.
    pub user_id: Uuid,
    /// The organization that he acts in, by Clerk's id. New rows are filed under it.
    pub organization_id: Option<String>,
    /// Whether he sees and changes everybody's rows.
    pub is_admin: bool,
    /// The verified claims of his token, an object, for policies of the team's own (`request.jwt.claims`).
    pub claims: Value,
    /// Who is written down where an admin changes another's row, and when it is.
    pub by: Attribution,
}

impl Scope {
    /// Whether this scope may see and change a row with this owner.
    #[must_use]
    pub fn owns(&self, owner: Option<Uuid>) -> bool {
        self.is_admin || owner == Some(self.user_id)
    }
}
