//! A role that an admin gave, as Clerk's `public_metadata` would say it.

use domain::{Policy, User};
use serde_json::Value;

/// What has to be merged into `public_metadata` after a decision about a role; `None`: nothing.
///
/// The role is written where the first rule that looks at `public_metadata` would find it. When the decision is taken
/// back, what it has written goes too, but not what somebody else has written there since.
pub(super) fn role_back(policy: &Policy, before: &User, after: &User) -> Option<Value> {
    match (&after.role_override, &before.role_override) {
        (Some(given), _) => policy.role_as_metadata(given),
        (None, Some(former)) => policy.role_out_of_metadata(former, &before.public_metadata),
        (None, None) => None,
    }
}
