//! The table of faults names a test for each, and these tests exist.

use super::tree::Tree;

const TABLE: &str = "docs/operating/faults.md";
/// The last column's name in every table of that file.
const COLUMN: &str = "test";

pub(super) fn check(tree: &Tree) -> Vec<String> {
    let Some(table) = tree.text(TABLE) else {
        return vec![format!("{TABLE}: is missing")];
    };
    let mut wrong = Vec::new();
    let mut rows = 0_usize;
    for (index, line) in table.lines().enumerate() {
        let number = index + 1;
        let Some(cells) = line
            .trim()
            .strip_prefix('|')
            .map(|row| row.trim_end_matches('|'))
        else {
            continue;
        };
        let last = cells.rsplit('|').next().unwrap_or_default().trim();
        if last == COLUMN || last.chars().all(|c| matches!(c, '-' | ':')) {
            continue;
        }
        rows += 1;
        let named: Vec<&str> = last.split('`').skip(1).step_by(2).collect();
        if named.is_empty() {
            wrong.push(format!("{TABLE}:{number}: names no test"));
        }
        for test in named {
            if !exists(tree, test) {
                wrong.push(format!("{TABLE}:{number}: there is no test `{test}`"));
            }
        }
    }
    if rows == 0 {
        wrong.push(format!("{TABLE}: has no rows"));
    }
    wrong
}

/// `path/of/the/file.rs::name_of_the_test`
fn exists(tree: &Tree, test: &str) -> bool {
    let Some((path, name)) = test.rsplit_once("::") else {
        return false;
    };
    tree.text(path).is_some_and(|text| is_test(text, name))
}

/// Whether the function stands in the file, and is run: it carries an attribute that ends in `test`, or is listed in a macro
/// that makes tests of functions.
fn is_test(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let heads = [format!("fn {name}("), format!("async fn {name}(")];
    let place = lines
        .iter()
        .position(|line| heads.iter().any(|head| line.starts_with(head)));
    let Some(place) = place else {
        return false;
    };
    let above = lines.get(..place).unwrap_or_default().iter().rev();
    let mut attributes = above.take_while(|line| line.starts_with("#[") || line.starts_with("//"));
    attributes.any(|line| line.starts_with("#[test") || line.contains("::test"))
        || is_listed(&lines, name)
}

/// In `on_both! { … }` and the like.
fn is_listed(lines: &[&str], name: &str) -> bool {
    let mut inside = false;
    for line in lines {
        inside |= line.contains("! {");
        let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
        if inside && !line.contains("fn ") && words.any(|word| word == name) {
            return true;
        }
        inside &= !line.contains('}');
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "on_both! { both_ways }\non_both! {\n    one,\n    other,\n}\n\n#[tokio::test(flavor = \"multi_thread\")]\n\
        async fn alone() {\n    let x = vec! {1};\n}\n\n#[test]\n// Why.\nfn quick() {}\n\nasync fn one(it: It) {}\nasync fn other() {}\n\
        async fn both_ways() {}\nfn helper() {\n    alone();\n}\n";

    fn wrong(cell: &str) -> usize {
        let table = format!("# Faults\n\n| fault | test |\n|---|:---|\n| a | {cell} |\n");
        check(&Tree::of(&[(TABLE, &table), ("tests/a.rs", SOURCE)])).len()
    }

    #[test]
    fn tests_that_exist_are_found() {
        for name in ["alone", "quick", "one", "other", "both_ways"] {
            assert_eq!(wrong(&format!("`tests/a.rs::{name}`")), 0, "{name}");
        }
        assert_eq!(wrong("`tests/a.rs::alone`, `tests/a.rs::one`"), 0);
    }

    #[test]
    fn whatever_is_no_test_is_named() {
        for cell in [
            "`tests/a.rs::helper`",
            "`tests/a.rs::gone`",
            "`tests/a.rs::alon`",
            "`tests/b.rs::alone`",
            "`alone`",
            "alone",
            "",
        ] {
            assert_eq!(wrong(cell), 1, "{cell}");
        }
        assert_eq!(wrong("`tests/a.rs::gone` and `tests/a.rs::alone`"), 1);
    }

    #[test]
    fn the_table_is_there_and_has_rows() {
        assert_eq!(check(&Tree::of(&[])).len(), 1);
        assert_eq!(check(&Tree::of(&[(TABLE, "# Faults\n")])).len(), 1);
    }
}
