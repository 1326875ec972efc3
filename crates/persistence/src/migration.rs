//! Migrations: embedded, forward and backward.

use std::collections::BTreeSet;

use std::path::PathBuf;

use diesel::backend::Backend;
use diesel::migration::{Migration, MigrationSource, MigrationVersion};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};

use crate::SharedSessions;

/// A migration and whether it has run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Its stamp and name.
    pub name: String,
    /// Whether it has run here.
    pub applied: bool,
}

/// Why the schema could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The database cannot be reached.
    #[error("the database cannot be reached")]
    Connect(#[from] diesel::ConnectionError),
    /// The database refused a statement.
    #[error("the database refused a statement")]
    Query(#[from] diesel::result::Error),
    /// A migration failed; it and what came after it changed nothing.
    #[error("a migration failed")]
    Migration(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The folder of the SQLite file cannot be made.
    #[error("the folder {folder} cannot be made")]
    Folder {
        /// Where the file should be.
        folder: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A pooler stands between.
    #[error(transparent)]
    Shared(#[from] SharedSessions),
    /// The program is stopping.
    #[error("the migration was interrupted")]
    Interrupted,
}

/// diesel takes its source by value.
struct Borrowed<'a>(&'a EmbeddedMigrations);

impl<DB: Backend> MigrationSource<DB> for Borrowed<'_> {
    fn migrations(&self) -> diesel::migration::Result<Vec<Box<dyn Migration<DB>>>> {
        self.0.migrations()
    }
}

fn failed(error: Box<dyn std::error::Error + Send + Sync>) -> MigrationError {
    MigrationError::Migration(error)
}

/// Stamps, which is all that the harness answers, as stamp and name.
fn names<DB: Backend>(
    versions: &[MigrationVersion<'_>],
    migrations: &EmbeddedMigrations,
) -> Result<Vec<String>, MigrationError> {
    let known: Vec<Box<dyn Migration<DB>>> = migrations.migrations().map_err(failed)?;
    let name = |version: &MigrationVersion<'_>| {
        let mut known = known.iter().map(|migration| migration.name());
        let found = known.find(|name| name.version() == *version);
        found.map_or_else(|| version.to_string(), ToString::to_string)
    };
    Ok(versions.iter().map(name).collect())
}

pub(crate) fn up<DB: Backend>(
    harness: &mut impl MigrationHarness<DB>,
    migrations: &EmbeddedMigrations,
) -> Result<Vec<String>, MigrationError> {
    let ran = harness
        .run_pending_migrations(Borrowed(migrations))
        .map_err(failed)?;
    names::<DB>(&ran, migrations)
}

pub(crate) fn down<DB: Backend>(
    harness: &mut impl MigrationHarness<DB>,
    migrations: &EmbeddedMigrations,
    steps: usize,
) -> Result<Vec<String>, MigrationError> {
    let steps = steps.min(harness.applied_migrations().map_err(failed)?.len());
    let mut reverted = Vec::with_capacity(steps);
    for _ in 0..steps {
        let version = harness
            .revert_last_migration(Borrowed(migrations))
            .map_err(failed)?;
        reverted.push(version);
    }
    names::<DB>(&reverted, migrations)
}

/// The versions that have run.
pub(crate) fn applied<DB: Backend>(
    harness: &mut impl MigrationHarness<DB>,
) -> Result<BTreeSet<String>, MigrationError> {
    let applied = harness.applied_migrations().map_err(failed)?;
    Ok(applied.iter().map(ToString::to_string).collect())
}

/// What has run and what has not, by the versions that have.
pub(crate) fn status<DB: Backend>(
    applied: &BTreeSet<String>,
    migrations: &EmbeddedMigrations,
) -> Result<Vec<MigrationStatus>, MigrationError> {
    let all: Vec<Box<dyn Migration<DB>>> = migrations.migrations().map_err(failed)?;
    let mut list: Vec<MigrationStatus> = all
        .iter()
        .map(|migration| {
            let version = migration.name().version().to_string();
            MigrationStatus {
                name: migration.name().to_string(),
                applied: applied.contains(&version),
            }
        })
        .collect();
    list.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(list)
}

/// The names that migrations have in the database's own list.
pub(crate) fn known_versions<DB: Backend>(migrations: &EmbeddedMigrations) -> Vec<String> {
    let all: Vec<Box<dyn Migration<DB>>> = migrations.migrations().unwrap_or_default();
    all.iter()
        .map(|migration| migration.name().version().to_string())
        .collect()
}

#[cfg(test)]
mod tests {
    use diesel::{Connection as _, SqliteConnection};
    use diesel_migrations::embed_migrations;

    use super::*;

    const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

    #[test]
    fn every_answer_calls_a_migration_by_the_name_of_its_folder() {
        let mut conn = SqliteConnection::establish(":memory:").unwrap();
        let applied = applied(&mut conn).unwrap();
        let listed: Vec<String> = status::<diesel::sqlite::Sqlite>(&applied, &MIGRATIONS)
            .unwrap()
            .into_iter()
            .map(|migration| migration.name)
            .collect();
        assert_eq!(
            listed.first().map(String::as_str),
            Some("2026-11-21-090000_mirror")
        );
        assert_eq!(up(&mut conn, &MIGRATIONS).unwrap(), listed);
        let mut reverted = down(&mut conn, &MIGRATIONS, listed.len()).unwrap();
        reverted.reverse();
        assert_eq!(reverted, listed);
    }
}
