//! The table of faults names a test for each, and these tests exist.

use super::named_tests::{exists, quoted, rows};
use super::tree::Tree;

const TABLE: &str = "docs/operating/faults.md";
/// The last column's name in every table of that file.
const COLUMN: &str = "test";

pub(super) fn check(tree: &Tree) -> Vec<String> {
    let rows = match rows(tree, TABLE, COLUMN) {
        Ok(rows) => rows,
        Err(fault) => return vec![fault],
    };
    let mut wrong = Vec::new();
    for row in rows {
        let number = row.number;
        let named = quoted(row.cell_from_end(0));
        if named.is_empty() {
            wrong.push(format!("{TABLE}:{number}: names no test"));
        }
        for test in named {
            if !exists(tree, test) {
                wrong.push(format!("{TABLE}:{number}: there is no test `{test}`"));
            }
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(cell: &str) -> usize {
        let table = format!("# Faults\n\n| fault | test |\n|---|:---|\n| a | {cell} |\n");
        let source = "#[test]\nfn alone() {}\n";
        check(&Tree::of(&[(TABLE, &table), ("tests/a.rs", source)])).len()
    }

    #[test]
    fn each_row_names_tests_that_exist() {
        assert_eq!(wrong("`tests/a.rs::alone`"), 0);
        assert_eq!(wrong("`tests/a.rs::gone` and `tests/a.rs::alone`"), 1);
        assert_eq!(wrong("alone"), 1);
        assert_eq!(wrong(""), 1);
    }

    #[test]
    fn the_table_is_there_and_has_rows() {
        assert_eq!(check(&Tree::of(&[])).len(), 1);
        assert_eq!(check(&Tree::of(&[(TABLE, "# Faults\n")])).len(), 1);
    }
}
