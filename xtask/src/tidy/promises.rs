//! The table of promises: each row names tests that exist, or none, and commands that run every one of them again.

use super::named_tests::{exists, quoted, rows};
use super::tree::Tree;
use super::workspace::Workspace;

const TABLE: &str = "docs/PROMISES.md";
/// The last column's name in every table of that file; the one before it names the tests.
const COLUMN: &str = "command";
/// How a command that runs tests begins; a package and a filter follow.
const TEST: &str = "cargo xtask test -p ";

pub(super) fn check(workspace: &Workspace, tree: &Tree) -> Vec<String> {
    let packages: Vec<(&str, &str)> = workspace
        .packages
        .iter()
        .map(|package| {
            let folder = package.manifest.trim_end_matches("Cargo.toml");
            (package.name.as_str(), folder)
        })
        .collect();
    judge(&packages, tree)
}

/// `packages` are names and folders, the latter with a slash at the end.
fn judge(packages: &[(&str, &str)], tree: &Tree) -> Vec<String> {
    let rows = match rows(tree, TABLE, COLUMN) {
        Ok(rows) => rows,
        Err(fault) => return vec![fault],
    };
    let mut wrong = Vec::new();
    for row in rows {
        let mut complain = |what: String| wrong.push(format!("{TABLE}:{}: {what}", row.number));
        let commands = quoted(row.cell_from_end(0));
        let runs: Vec<(&str, &str)> = commands.iter().filter_map(|it| run(it)).collect();
        if !commands.iter().any(|command| command.starts_with("cargo ")) {
            complain("has no command".to_owned());
        }
        let tests = quoted(row.cell_from_end(1));
        for test in &tests {
            if !exists(tree, test) {
                complain(format!("there is no test `{test}`"));
            } else if !runs.iter().any(|run| covers(*run, packages, test)) {
                complain(format!("no command of the row runs `{test}`"));
            }
        }
        for (package, filter) in runs {
            if !tests
                .iter()
                .any(|test| covers((package, filter), packages, test))
            {
                complain(format!(
                    "`{TEST}{package} {filter}` runs no test of the row"
                ));
            }
        }
    }
    wrong
}

/// Package and filter of a command that runs tests.
fn run(command: &str) -> Option<(&str, &str)> {
    command.strip_prefix(TEST)?.split_once(' ')
}

/// Whether the filter stands in the module's path or the name of the test. The whole name holds more, such as the database
/// that a test runs on.
fn covers((package, filter): (&str, &str), packages: &[(&str, &str)], test: &str) -> bool {
    let folder = packages.iter().find(|(name, _)| *name == package);
    let Some(inner) = folder.and_then(|(_, folder)| test.strip_prefix(folder)) else {
        return false;
    };
    let Some((file, name)) = inner.rsplit_once(".rs::") else {
        return false;
    };
    // `src/` or `tests/BINARY/`; the file of the root itself is no module.
    let skipped = if file.starts_with("src/") { 1 } else { 2 };
    let module: Vec<&str> = file.split('/').skip(skipped).collect();
    name.contains(filter) || module.join("::").contains(filter.trim_end_matches("::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKAGES: [(&str, &str); 2] = [("e2e", "tests/"), ("clerk-sync", "crates/server/")];

    fn wrong(tests: &str, command: &str) -> Vec<String> {
        let heading = "| promise | tests | command |\n|---|---|---|\n";
        let table = format!("# Promises\n\n{heading}| it holds | {tests} | {command} |\n");
        let source = "#[test]\nfn it_holds() {}\n";
        let files = [
            (TABLE, table.as_str()),
            ("tests/tests/e2e/faults/disk.rs", source),
            ("crates/server/src/http/pace/tests.rs", source),
        ];
        judge(&PACKAGES, &Tree::of(&files))
    }

    const DISK: &str = "`tests/tests/e2e/faults/disk.rs::it_holds`";
    const PACE: &str = "`crates/server/src/http/pace/tests.rs::it_holds`";

    #[test]
    fn a_filter_is_a_module_or_a_name() {
        for filter in ["faults::disk", "faults", "disk::", "it_holds"] {
            let found = wrong(DISK, &format!("`cargo xtask test -p e2e {filter}`"));
            assert_eq!(found, Vec::<String>::new(), "{filter}");
        }
        let two = "`cargo xtask test -p e2e disk` `cargo xtask test -p clerk-sync http::pace`";
        assert_eq!(wrong(&format!("{DISK} {PACE}"), two), Vec::<String>::new());
    }

    #[test]
    fn what_no_test_proves_has_a_command_all_the_same() {
        assert_eq!(
            wrong("a check", "`cargo xtask bench`"),
            Vec::<String>::new()
        );
        assert_eq!(wrong("a check", "see there").len(), 1);
        assert_eq!(wrong("", "").len(), 1);
    }

    #[test]
    fn a_row_that_has_rotted_is_named_with_its_line() {
        let gone = wrong(
            "`tests/tests/e2e/faults/disk.rs::it_held`",
            "`cargo xtask tidy`",
        );
        assert_eq!(gone.len(), 1);
        assert!(gone[0].starts_with("docs/PROMISES.md:5: there is no test"));
        // Another package, another filter, and a test that no command runs.
        assert_eq!(
            wrong(DISK, "`cargo xtask test -p clerk-sync disk`").len(),
            2
        );
        assert_eq!(wrong(DISK, "`cargo xtask test -p e2e clock`").len(), 2);
        assert_eq!(wrong(DISK, "`cargo xtask tidy`").len(), 1);
        let one = "`cargo xtask test -p e2e disk`";
        assert_eq!(wrong(&format!("{DISK} {PACE}"), one).len(), 1);
    }

    #[test]
    fn the_table_is_there_and_has_rows() {
        assert_eq!(judge(&PACKAGES, &Tree::of(&[])).len(), 1);
        assert_eq!(
            judge(&PACKAGES, &Tree::of(&[(TABLE, "# Promises\n")])).len(),
            1
        );
    }
}
