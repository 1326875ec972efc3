//! What follows from admins' decisions.

use super::variables::Variables;

const DEFAULT_HOLD_DAYS: u32 = 30;

/// Settings of administration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdministrationConfig {
    /// Whether a role that an admin gives is written to Clerk's `public_metadata` too.
    pub role_write_back: bool,
    /// Days between the wish to forget a person and its deed.
    pub erasure_hold_days: u32,
}

pub(super) fn read(vars: &mut Variables<'_>) -> AdministrationConfig {
    AdministrationConfig {
        role_write_back: vars.flag("ROLE_WRITE_BACK", false),
        erasure_hold_days: vars.number("ERASURE_HOLD_DAYS", DEFAULT_HOLD_DAYS, 0..=3650),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{faulty, good, read, with};

    #[test]
    fn nothing_is_written_back_unless_asked_for() {
        let usual = read(&good()).unwrap().administration;
        assert_eq!(
            (usual.role_write_back, usual.erasure_hold_days),
            (false, 30)
        );
        let own = with(&[("ROLE_WRITE_BACK", "true"), ("ERASURE_HOLD_DAYS", "0")]);
        let own = read(&own).unwrap().administration;
        assert_eq!((own.role_write_back, own.erasure_hold_days), (true, 0));
        for (variable, value) in [("ROLE_WRITE_BACK", "yes"), ("ERASURE_HOLD_DAYS", "-1")] {
            assert_eq!(faulty(&with(&[(variable, value)])), [variable]);
        }
    }
}
