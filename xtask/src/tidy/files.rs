//! Names that say nothing, and files that have grown too long to be about one thing.

use super::tree::Tree;

/// Names for what did not get a name.
const EMPTY_NAMES: &[&str] = &[
    "util", "utils", "common", "helper", "helpers", "misc", "types", "models", "services", "dto",
    "dtos",
];

/// Lines of Rust after which a file is asked why.
const LIMIT: usize = 400;

/// Files that answered: path and reason.
const LONG: &[(&str, &str)] = &[
    (
        "crates/persistence/tests/it/kinds.rs",
        "one behaviour suite that every kind of object passes, read as a whole",
    ),
    (
        "crates/persistence/tests/it/history.rs",
        "the generator of random histories, one strategy for each kind",
    ),
    (
        "crates/persistence/tests/it/tiers.rs",
        "one case for each way in which a plan gives and takes a tier",
    ),
    (
        "crates/persistence/tests/it/roles.rs",
        "one case for each way in which a role comes and goes, by the same policy",
    ),
];

pub(super) fn check(tree: &Tree) -> Vec<String> {
    [names(tree), lengths(tree, LONG)].concat()
}

fn names(tree: &Tree) -> Vec<String> {
    let sources = tree.paths().filter(|path| path.ends_with(".rs"));
    let mut wrong: Vec<_> = sources
        .flat_map(|path| {
            let words = path.trim_end_matches(".rs").split('/');
            words
                .filter(|word| EMPTY_NAMES.contains(word))
                .map(move |word| {
                    format!("{path}: `{word}` does not say what is inside; name it after that")
                })
        })
        .collect();
    wrong.dedup();
    wrong
}

fn lengths(tree: &Tree, long: &[(&str, &str)]) -> Vec<String> {
    let sources = tree.texts().filter(|(path, _)| path.ends_with(".rs"));
    let too_long: Vec<_> = sources
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > LIMIT)
        .collect();
    let unexplained = too_long
        .iter()
        .filter(|(path, _)| !long.iter().any(|(known, _)| known == path));
    let outdated = long
        .iter()
        .filter(|(known, _)| !too_long.iter().any(|(path, _)| path == known));
    unexplained
        .map(|(path, lines)| {
            format!("{path}: {lines} lines, {LIMIT} is the limit; split it, or give the reason in xtask/src/tidy/files.rs")
        })
        .chain(outdated.map(|(known, _)| {
            format!("xtask/src/tidy/files.rs: {known} is no long file any more; take it off the list")
        }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_names_are_refused_for_files_and_folders() {
        let tree = Tree::of(&[
            ("crates/api/src/common.rs", ""),
            ("crates/api/src/helpers/cookies.rs", ""),
            ("crates/api/src/commonplace.rs", ""),
            ("docs/common/read.md", ""),
        ]);
        let wrong = names(&tree);
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        assert!(wrong[0].starts_with("crates/api/src/common.rs: `common`"));
        assert!(wrong[1].starts_with("crates/api/src/helpers/cookies.rs: `helpers`"));
    }

    #[test]
    fn a_long_file_needs_a_reason_and_a_reason_needs_a_long_file() {
        let (fits, long) = ("\n".repeat(LIMIT), "\n".repeat(LIMIT + 1));
        let tree = Tree::of(&[
            ("a.rs", &fits),
            ("b.rs", &long),
            ("c.rs", &long),
            ("d.sql", &long),
        ]);
        let wrong = lengths(&tree, &[("a.rs", "was long"), ("c.rs", "one table")]);
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        assert!(wrong[0].starts_with("b.rs: 401 lines"));
        assert!(wrong[1].contains("a.rs is no long file any more"));
    }
}
