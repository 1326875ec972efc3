//! `cargo xtask migration <name>`: an empty up and down migration for both databases, under one stamp.

use std::fs;
use std::path::Path;

use crate::process;

/// The folders under `migrations`, with the name that people use for the database.
const DATABASES: [(&str, &str); 2] = [("postgres", "PostgreSQL"), ("sqlite", "SQLite")];

/// What the migration does.
#[derive(clap::Args)]
pub(crate) struct Migration {
    /// In small letters, digits and underscores: create_users
    #[arg(value_parser = name)]
    name: String,
}

impl Migration {
    /// Fails when a file cannot be made; never overwrites one.
    pub(crate) fn run(&self) -> Result<(), String> {
        let stamp = chrono::Utc::now().format("%Y-%m-%d-%H%M%S").to_string();
        for path in create(&process::root(), &stamp, &self.name)? {
            println!("{path}");
        }
        Ok(())
    }
}

fn name(text: &str) -> Result<String, String> {
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(letters) {
        return Ok(text.to_owned());
    }
    Err("use small letters, digits and underscores, a letter first".to_owned())
}

fn create(root: &Path, stamp: &str, name: &str) -> Result<Vec<String>, String> {
    let words = name.replace('_', " ");
    let mut made = Vec::new();
    for (folder, database) in DATABASES {
        let folder = format!("migrations/{folder}/{stamp}_{name}");
        let fail = |error: std::io::Error| format!("cannot make {folder}: {error}");
        fs::create_dir_all(root.join(&folder)).map_err(fail)?;
        for (file, heading) in [
            ("up.sql", format!("-- {database}: {words}.\n")),
            ("down.sql", format!("-- {database}: undo \"{words}\".\n")),
        ] {
            let path = format!("{folder}/{file}");
            let mut file = fs::File::create_new(root.join(&path)).map_err(fail)?;
            std::io::Write::write_all(&mut file, heading.as_bytes()).map_err(fail)?;
            made.push(path);
        }
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_databases_get_the_same_stamp() {
        let root = tempfile::tempdir().unwrap();
        let made = create(root.path(), "2026-01-02-030405", "create_users").unwrap();
        assert_eq!(
            made,
            [
                "migrations/postgres/2026-01-02-030405_create_users/up.sql",
                "migrations/postgres/2026-01-02-030405_create_users/down.sql",
                "migrations/sqlite/2026-01-02-030405_create_users/up.sql",
                "migrations/sqlite/2026-01-02-030405_create_users/down.sql",
            ]
        );
        let down = fs::read_to_string(root.path().join(&made[3])).unwrap();
        assert_eq!(down, "-- SQLite: undo \"create users\".\n");
        create(root.path(), "2026-01-02-030405", "create_users").unwrap_err();
    }

    #[test]
    fn names_are_plain() {
        name("create_users_2").unwrap();
        for bad in ["", "2users", "Create", "create users", "../up", "naïve"] {
            name(bad).unwrap_err();
        }
    }
}
