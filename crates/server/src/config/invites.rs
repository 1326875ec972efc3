//! The invite gate.

use api::InviteGate;
use domain::{InviteCode, InviteRules};

use super::variables::Variables;

const CODE: &str = "BETA_INVITE_CODE";
const MOST_ATTEMPTS: u32 = 1_000_000;

pub(super) fn read(vars: &mut Variables<'_>) -> InviteGate {
    let shared = vars.secret_text(CODE).and_then(|text| {
        InviteCode::parse(&text)
            .map_err(|error| vars.fault(CODE, error.to_string()))
            .ok()
    });
    InviteGate {
        is_enforced: vars.flag("INVITE_CODE_ENABLED", true),
        rules: InviteRules {
            // Only the digest is kept, as of the codes in the database.
            shared: shared.map(|code| code.digest()),
            attempts_per_user: vars.number("INVITE_ATTEMPTS_PER_USER", 10, 1..=MOST_ATTEMPTS),
            attempts_per_address: vars.number("INVITE_ATTEMPTS_PER_IP", 100, 1..=MOST_ATTEMPTS),
        },
    }
}

#[cfg(test)]
mod tests {
    use domain::InviteCode;

    use super::super::tests::{faulty, good, read, with};

    #[test]
    fn the_gate_is_closed_unless_it_is_opened() {
        let invites = read(&good()).unwrap().invites;
        assert!(invites.is_enforced && invites.rules.shared.is_none());
        let attempts = (
            invites.rules.attempts_per_user,
            invites.rules.attempts_per_address,
        );
        assert_eq!(attempts, (10, 100));
        let settings = with(&[
            ("INVITE_CODE_ENABLED", "false"),
            ("BETA_INVITE_CODE", "Beta-2026"),
            ("INVITE_ATTEMPTS_PER_USER", "3"),
            ("INVITE_ATTEMPTS_PER_IP", "7"),
        ]);
        let invites = read(&settings).unwrap().invites;
        assert!(!invites.is_enforced);
        let typed = InviteCode::parse("beta 2026").unwrap().digest();
        assert_eq!(invites.rules.shared, Some(typed));
        let attempts = (
            invites.rules.attempts_per_user,
            invites.rules.attempts_per_address,
        );
        assert_eq!(attempts, (3, 7));
    }

    #[test]
    fn the_code_may_be_in_a_file_and_is_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("code");
        std::fs::write(&path, "hunter2hunter2\n").unwrap();
        let path = path.to_str().unwrap();
        let config = read(&with(&[("BETA_INVITE_CODE_FILE", path)])).unwrap();
        let code = InviteCode::parse("hunter2hunter2").unwrap().digest();
        assert_eq!(config.invites.rules.shared, Some(code));
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn what_gates_or_limits_nothing_is_a_fault() {
        for (variable, value) in [
            ("BETA_INVITE_CODE", "a-b-c"),
            ("INVITE_ATTEMPTS_PER_USER", "0"),
            ("INVITE_ATTEMPTS_PER_IP", "off"),
            ("INVITE_CODE_ENABLED", "maybe"),
        ] {
            assert_eq!(faulty(&with(&[(variable, value)])), [variable], "{value}");
        }
    }
}
