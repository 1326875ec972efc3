//! No pre-release is locked: a version without promises, which a bare version query may well offer.

use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<String> {
    let Some(lock) = tree.text("Cargo.lock") else {
        return vec!["Cargo.lock: is missing, and belongs under version control".to_owned()];
    };
    let mut name = "";
    let mut wrong = Vec::new();
    for line in lock.lines() {
        if let Some(found) = value(line, "name") {
            name = found;
        }
        // After a plus stand remarks on the build, which may hold a hyphen.
        if let Some(version) = value(line, "version")
            && version
                .split('+')
                .next()
                .is_some_and(|version| version.contains('-'))
        {
            wrong.push(format!("Cargo.lock: {name} {version} is a pre-release"));
        }
    }
    wrong
}

fn value<'line>(line: &'line str, key: &str) -> Option<&'line str> {
    line.strip_prefix(key)?
        .strip_prefix(" = \"")?
        .strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pre_releases_are_named_and_build_remarks_are_not() {
        let lock = "version = 4\n\n[[package]]\nname = \"redis\"\nversion = \"2.0.0-rc.2\"\n\n[[package]]\n\
                    name = \"wasi\"\nversion = \"0.11.1+wasi-snapshot-preview1\"\n";
        let wrong = check(&Tree::of(&[("Cargo.lock", lock)]));
        assert_eq!(wrong, ["Cargo.lock: redis 2.0.0-rc.2 is a pre-release"]);
    }

    #[test]
    fn a_missing_lock_file_is_named() {
        assert_eq!(check(&Tree::of(&[])).len(), 1);
    }
}
