//! The policy: from the file that `POLICY_FILE` names, else the built-in one.

use std::fs::File;
use std::io::Read as _;

use domain::{ClerkId, Policy};

use super::variables::Variables;

const NAME: &str = "POLICY_FILE";
/// More than the longest policy, in bytes: a path to something endless is not read to its end.
const MOST_BYTES: u64 = 1024 * 1024;

/// Reads the policy; users who are always admin included.
pub(super) fn read(vars: &mut Variables<'_>) -> Policy {
    let policy = match vars.text(NAME) {
        None => Policy::built_in(),
        Some(path) => from_file(vars, &path).unwrap_or_else(Policy::built_in),
    };
    policy.with_admins(admins(vars))
}

fn from_file(vars: &mut Variables<'_>, path: &str) -> Option<Policy> {
    let mut text = String::new();
    let outcome = File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text));
    if let Err(error) = outcome {
        vars.fault(NAME, format!("the file cannot be read: {}", error.kind()));
        return None;
    }
    match Policy::parse(&text) {
        Ok(policy) => Some(policy),
        Err(errors) => {
            let lines: String = errors
                .0
                .iter()
                .map(|fault| format!("\n    {path}:{}: {}", fault.line, fault.message))
                .collect();
            vars.fault(NAME, format!("the policy has faults:{lines}"));
            None
        }
    }
}

fn admins(vars: &mut Variables<'_>) -> Vec<ClerkId> {
    const NAME: &str = "ADMIN_USER_IDS";
    let mut admins = Vec::new();
    for text in vars.list(NAME) {
        match ClerkId::parse(text) {
            Ok(id) if id.as_str().starts_with("user_") => admins.push(id),
            Ok(_) | Err(_) => {
                vars.fault(NAME, "wants Clerk user ids (user_…), separated by commas")
            }
        }
    }
    admins
}

#[cfg(test)]
mod tests {
    use super::super::tests::{faulty, good, read, with};

    #[test]
    fn a_policy_comes_from_its_file_or_is_built_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.toml");
        std::fs::write(
            &path,
            "[roles]\nnames = [\"user\", \"boss\"]\ndefault = \"user\"\nadmin = \"boss\"\n\
             [[tiers]]\nname = \"all\"\nmax_portfolios = 1\n",
        )
        .unwrap();
        let settings = with(&[
            ("POLICY_FILE", path.to_str().unwrap()),
            ("ADMIN_USER_IDS", "user_1"),
        ]);
        let policy = read(&settings).unwrap().policy;
        assert_eq!(policy.admin_role().as_str(), "boss");
        assert_eq!(policy.admins().len(), 1);
        let built_in = read(&good()).unwrap().policy;
        assert_eq!(built_in.admin_role().as_str(), "admin");
    }

    #[test]
    fn every_fault_of_the_file_is_told_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.toml");
        std::fs::write(&path, "[roles]\nnames = [\"a\"]\n\ncolour = 1\n").unwrap();
        let path = path.to_str().unwrap();
        let settings = with(&[("POLICY_FILE", path), ("CLERK_SYNC_ENV", "staging")]);
        let shown = read(&settings).unwrap_err().to_string();
        assert!(shown.starts_with("2 settings to mend"), "{shown}");
        for line in [1, 4] {
            assert!(shown.contains(&format!("\n    {path}:{line}: ")), "{shown}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_a_fault() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = folder.path().join("bytes");
        std::fs::write(&bytes, [0xff, 0xfe]).unwrap();
        for path in [
            "/no/such/file",
            folder.path().to_str().unwrap(),
            bytes.to_str().unwrap(),
        ] {
            assert_eq!(
                faulty(&with(&[("POLICY_FILE", path)])),
                ["POLICY_FILE"],
                "{path}"
            );
        }
    }
}
