//! `[users]`: who is the same person.

use super::lines::Faults;
use super::section::Section;

/// Whether a new user takes over the row of a deleted one with the same verified e-mail address: not unless it is said.
pub(super) fn relinks_verified(root: &mut Section<'_, '_>, faults: &mut Faults<'_>) -> bool {
    let Some(mut section) = root.section("users", faults) else {
        return false;
    };
    let relinks = section.flag("relink_verified_email", faults);
    section.finish(faults);
    relinks.unwrap_or(false)
}
