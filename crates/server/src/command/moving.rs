use std::path::Path;

use clap::Args;
use persistence::{DatabaseUrl, Moved};

use super::job::Shown;
use super::{Failure, output};
use crate::config::{DatabaseConfig, environment};
use crate::service;

#[derive(Debug, Args)]
pub(super) struct Move {
    /// The SQLite file. Stop the service that uses it first; the file stays as it is
    #[arg(long, value_name = "sqlite://PATH")]
    from: String,
    /// The PostgreSQL database, instead of DATABASE_URL; where it has an owner, DATABASE_MIGRATION_URL names him. A password
    /// is better set there than written here, where others on this machine may read it
    #[arg(long, value_name = "postgres://…")]
    to: Option<String>,
}

impl Move {
    pub(super) async fn run(self) -> Result<(), Failure> {
        // Nothing of a URL is shown.
        let url = |name: &str, text: &str| -> Result<DatabaseUrl, Failure> {
            let parsed = text.trim().parse::<DatabaseUrl>();
            parsed.map_err(|error| format!("{name} {error}").into())
        };
        let from = url("--from", &self.from)?;
        if !matches!(from, DatabaseUrl::Sqlite(_)) {
            return Err("--from has to be sqlite://PATH".into());
        }
        if let Some(to) = &self.to {
            url("--to", to)?;
        }
        let (lookup, trouble) = environment(Path::new("."));
        if let Some(trouble) = trouble {
            output::warning(trouble);
        }
        let database = DatabaseConfig::read(|name| match (name, &self.to) {
            ("DATABASE_URL", Some(to)) => Some(to.clone()),
            ("DATABASE_URL_FILE", Some(_)) => None,
            _ => lookup(name),
        })?;
        if !matches!(database.url, DatabaseUrl::Postgres(_)) {
            return Err("there is nowhere to move to: name a PostgreSQL database in DATABASE_URL, or with --to".into());
        }
        let owner = database.migration_url.as_ref().unwrap_or(&database.url);

        service::check_sessions(&database).await?;
        let ready = persistence::Move::prepare(&from, owner).await?;
        for name in service::migrate(&database).await? {
            output::note(format!("ran {name}"));
        }
        let shown = Shown::new();
        let tables = ready
            .run(&|progress| shown.show(progress.table, progress.done, Some(progress.total), ""))
            .await?;
        for line in table(&tables) {
            output::line(line);
        }
        if let Some(problem) = persistence::row_security_problem(&database.url).await? {
            output::warning(problem.to_string());
        }
        output::note(
            "everything was moved: start the service with this database in DATABASE_URL, and keep the file as a backup",
        );
        Ok(())
    }
}

/// What was moved, as columns.
fn table(tables: &[Moved]) -> Vec<String> {
    let line = |table: &str, rows: &str, sqlite: &str, postgres: &str| {
        format!("{table:<26}{rows:>10}  {sqlite:<16}  {postgres}")
    };
    let rows = tables.iter().map(|moved| {
        let Moved {
            table,
            source,
            target,
        } = moved;
        line(
            table,
            &source.rows.to_string(),
            &source.to_string(),
            &target.to_string(),
        )
    });
    std::iter::once(line("table", "rows", "SQLite", "PostgreSQL"))
        .chain(rows)
        .collect()
}

#[cfg(test)]
mod tests {
    use clap::{Parser as _, error::ErrorKind};

    use super::super::Cli;

    #[test]
    fn a_file_to_move_from_has_to_be_named() {
        let missing = Cli::try_parse_from(["clerk-sync", "move"]).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::MissingRequiredArgument);
    }
}
