//! Tables that name tests as their proof: their rows, and whether a test so named exists.

use super::tree::Tree;

/// One row below a table's heading: the line's number in the text, and its cells.
pub(super) struct Row<'a> {
    pub(super) number: usize,
    pub(super) cells: Vec<&'a str>,
}

impl<'a> Row<'a> {
    /// The cell that is the `back`-th from the end, counted from 0.
    pub(super) fn cell_from_end(&self, back: usize) -> &'a str {
        self.cells.iter().rev().nth(back).copied().unwrap_or("")
    }
}

/// The rows of all tables of a file whose last column is called so, of which there has to be one.
pub(super) fn rows<'a>(
    tree: &'a Tree,
    path: &str,
    last_column: &str,
) -> Result<Vec<Row<'a>>, String> {
    let text = tree
        .text(path)
        .ok_or_else(|| format!("{path}: is missing"))?;
    let rows = rows_of(text, last_column);
    if rows.is_empty() {
        return Err(format!("{path}: has no rows"));
    }
    Ok(rows)
}

fn rows_of<'a>(text: &'a str, last_column: &str) -> Vec<Row<'a>> {
    let mut found = Vec::new();
    let mut inside = false;
    for (index, line) in text.lines().enumerate() {
        let Some(row) = line.trim().strip_prefix('|') else {
            inside = false;
            continue;
        };
        let cells: Vec<&str> = row
            .trim_end_matches('|')
            .split('|')
            .map(str::trim)
            .collect();
        let last = cells.last().copied().unwrap_or("");
        let is_rule = last.chars().all(|c| matches!(c, '-' | ':')) && !last.is_empty();
        if inside && !is_rule {
            found.push(Row {
                number: index + 1,
                cells,
            });
        }
        inside |= last == last_column;
    }
    found
}

/// What stands between back quotes.
pub(super) fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// `path/of/the/file.rs::name_of_the_test`
pub(super) fn exists(tree: &Tree, test: &str) -> bool {
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

    fn is_there(test: &str) -> bool {
        exists(&Tree::of(&[("tests/a.rs", SOURCE)]), test)
    }

    #[test]
    fn tests_that_exist_are_found() {
        for name in ["alone", "quick", "one", "other", "both_ways"] {
            assert!(is_there(&format!("tests/a.rs::{name}")), "{name}");
        }
    }

    #[test]
    fn whatever_is_no_test_is_not_found() {
        let others = [
            "tests/a.rs::helper",
            "tests/a.rs::gone",
            "tests/a.rs::alon",
            "tests/b.rs::alone",
            "alone",
            "",
        ];
        for test in others {
            assert!(!is_there(test), "{test}");
        }
    }

    #[test]
    fn rows_of_other_tables_are_left_alone() {
        let text = "| a | test |\n|---|:---|\n| 1 | `x` |\n| 2 |  |\n\n| a | other |\n|---|---|\n| 3 | y |\n";
        let found = rows_of(text, "test");
        let numbers: Vec<_> = found
            .iter()
            .map(|row| (row.number, row.cell_from_end(1)))
            .collect();
        assert_eq!(numbers, [(3, "1"), (4, "2")]);
        assert_eq!(quoted("`a` and `b c`, d"), ["a", "b c"]);
    }
}
