//! Both databases have the same migrations, each with a way up and a way down, and every table is told of.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::Tree;

const DATABASES: [&str; 2] = ["postgres", "sqlite"];
const FILES: [&str; 2] = ["up.sql", "down.sql"];
/// Where the tables are listed, for who reads them.
const TABLES: &str = "docs/operating/database.md";

pub(super) fn check(tree: &Tree) -> Vec<String> {
    let mut wrong = unguarded_json(tree);
    wrong.extend(untold_tables(tree));
    // Stamp and name, with the files that are there.
    let mut found: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for path in tree.paths().filter(|path| path.starts_with("migrations/")) {
        let parts: Vec<_> = path.split('/').skip(1).collect();
        match parts.as_slice() {
            [database, migration, file] if DATABASES.contains(database) && FILES.contains(file) => {
                if tree.text(path).is_none_or(|text| !has_statement(text)) {
                    wrong.push(format!("{path}: holds no statement"));
                }
                found.entry(migration).or_default().push((database, file));
            }
            _ => wrong.push(format!(
                "{path}: is not migrations/{{postgres,sqlite}}/<stamp>_<name>/{{up,down}}.sql"
            )),
        }
    }
    for (migration, files) in &found {
        if !is_named_well(migration) {
            wrong.push(format!(
                "migrations/*/{migration}: is not named YYYY-MM-DD-HHMMSS_small_letters"
            ));
        }
        for database in DATABASES {
            for file in FILES {
                if !files.contains(&(database, file)) {
                    wrong.push(format!(
                        "migrations/{database}/{migration}/{file}: is missing"
                    ));
                }
            }
        }
    }
    wrong
}

/// JSON columns of SQLite that may be null and do not say so in their check: what `json_valid(null)` is depends on the
/// SQLite that opens the file.
fn unguarded_json(tree: &Tree) -> Vec<String> {
    let files = tree
        .texts()
        .filter(|(path, _)| path.starts_with("migrations/sqlite/"));
    files
        .flat_map(|(path, text)| text.lines().enumerate().map(move |line| (path, line)))
        .filter(|(_, (_, line))| line.contains("check (json_valid(") && !line.contains("not null"))
        .map(|(path, (index, _))| {
            format!(
                "{path}:{}: may be null, so the check has to begin with `<column> is null or`",
                index + 1
            )
        })
        .collect()
}

/// Tables that the list does not tell of.
fn untold_tables(tree: &Tree) -> Vec<String> {
    let list = tree.text(TABLES).unwrap_or_default();
    // The first cell of each line names one table or several.
    let told: BTreeSet<&str> = list
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split(" |").next())
        .flat_map(|cell| cell.split(['`', ',', ' ']))
        .collect();
    let made: BTreeSet<&str> = tree
        .texts()
        .filter(|(path, _)| path.starts_with("migrations/") && path.ends_with("/up.sql"))
        .flat_map(|(_, text)| text.lines())
        .filter_map(|line| line.strip_prefix("create table ")?.split([' ', '(']).next())
        .collect();
    made.difference(&told)
        .map(|table| format!("{TABLES}: does not tell what a row of `{table}` is"))
        .collect()
}

fn has_statement(sql: &str) -> bool {
    let mut lines = sql.lines().map(str::trim);
    lines.any(|line| !line.is_empty() && !line.starts_with("--"))
}

fn is_named_well(migration: &str) -> bool {
    let Some((stamp, name)) = migration.split_once('_') else {
        return false;
    };
    let shape: String = stamp
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    shape == "0000-00-00-000000" && !name.is_empty() && name.chars().all(letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQL: &str = "-- Why.\nSELECT 1;\n";

    fn pair(up: &'static str) -> Vec<(&'static str, &'static str)> {
        vec![
            ("migrations/postgres/2026-01-02-030405_users/down.sql", SQL),
            ("migrations/postgres/2026-01-02-030405_users/up.sql", SQL),
            ("migrations/sqlite/2026-01-02-030405_users/down.sql", SQL),
            ("migrations/sqlite/2026-01-02-030405_users/up.sql", up),
        ]
    }

    #[test]
    fn a_full_set_is_fine() {
        assert_eq!(check(&Tree::of(&pair(SQL))), Vec::<String>::new());
    }

    #[test]
    fn one_that_only_one_database_has_is_named() {
        let mut files = pair(SQL);
        files.truncate(3);
        files.push(("migrations/sqlite/2026-01-02-030406_users/up.sql", SQL));
        assert_eq!(
            check(&Tree::of(&files)),
            [
                "migrations/sqlite/2026-01-02-030405_users/up.sql: is missing",
                "migrations/postgres/2026-01-02-030406_users/up.sql: is missing",
                "migrations/postgres/2026-01-02-030406_users/down.sql: is missing",
                "migrations/sqlite/2026-01-02-030406_users/down.sql: is missing",
            ]
        );
    }

    #[test]
    fn a_table_that_is_not_told_of_is_named() {
        let sql = "create table a (b text);\ncreate table c(d text);\ncreate table e (f text);\n";
        let mut files = pair(sql);
        files.push((TABLES, "| table | a row is |\n| `a`, `e` | told |\n"));
        assert_eq!(
            check(&Tree::of(&files)),
            ["docs/operating/database.md: does not tell what a row of `c` is"]
        );
    }

    #[test]
    fn json_that_may_be_null_says_so_in_its_check() {
        let sql = "create table a (\n  b text not null check (json_valid(b)),\n  \
                   c text check (c is null or json_valid(c)),\n  d text check (json_valid(d))\n);\n";
        let mut files = pair(sql);
        files.push((TABLES, "| `a` | told |\n"));
        assert_eq!(
            check(&Tree::of(&files)),
            [
                "migrations/sqlite/2026-01-02-030405_users/up.sql:4: may be null, so the check has to begin with \
                 `<column> is null or`"
            ]
        );
    }

    #[test]
    fn empty_and_stray_files_and_odd_names_are_named() {
        let wrong = check(&Tree::of(&pair("-- Why.\n")));
        assert_eq!(
            wrong,
            ["migrations/sqlite/2026-01-02-030405_users/up.sql: holds no statement"]
        );
        let wrong = check(&Tree::of(&[(
            "migrations/mysql/2026-01-02-030405_users/up.sql",
            SQL,
        )]));
        assert!(wrong[0].contains("is not migrations/"), "{wrong:?}");
        for bad in [
            "users",
            "20260102_users",
            "2026-01-02-030405_Users",
            "2026-01-02-030405_",
        ] {
            assert!(!is_named_well(bad), "{bad}");
        }
    }
}
