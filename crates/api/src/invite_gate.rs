//! Settings of the invite gate.

use domain::InviteRules;

/// The gate in front of what only invited users may do.
#[derive(Debug, Clone)]
pub struct InviteGate {
    /// Whether it is closed to users without a validated invite. Codes are taken either way.
    pub is_enforced: bool,
    /// How codes are taken.
    pub rules: InviteRules,
}
