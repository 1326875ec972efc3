//! Where the database is.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};

/// A database, named by its URL. The URL may hold a password and is never shown.
#[derive(Debug, Clone)]
pub enum DatabaseUrl {
    /// `postgres://…` or `postgresql://…`
    Postgres(SecretString),
    /// `sqlite://PATH`; the path may be relative.
    Sqlite(PathBuf),
}

/// Why a text is not the URL of a database. Shows nothing of the text, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseUrlError {
    /// Another scheme, or none.
    #[error("must begin with sqlite:// or postgres://")]
    Scheme,
    /// No path.
    #[error("names no file: write sqlite://PATH")]
    NoPath,
    /// A database in memory would lose what was acknowledged.
    #[error("a database in memory loses what was acknowledged: name a file")]
    InMemory,
    /// Not a URL that PostgreSQL's clients take.
    #[error("is no PostgreSQL URL: {0}")]
    Postgres(String),
}

impl DatabaseUrl {
    /// The text to connect with, for PostgreSQL.
    pub(crate) fn file(path: &Path) -> String {
        path.to_string_lossy().into_owned()
    }

    /// `PostgreSQL` or `SQLite`.
    #[must_use]
    pub fn product(&self) -> &'static str {
        match self {
            Self::Postgres(_) => "PostgreSQL",
            Self::Sqlite(_) => "SQLite",
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(path) = text.strip_prefix("sqlite://") {
            return match path {
                "" => Err(DatabaseUrlError::NoPath),
                path if path.contains(":memory:") || path.starts_with("file:") => {
                    Err(DatabaseUrlError::InMemory)
                }
                path => Ok(Self::Sqlite(PathBuf::from(path))),
            };
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            let url = SecretString::from(text.to_owned());
            crate::postgres_url::PostgresTarget::parse(url.expose_secret())?;
            return Ok(Self::Postgres(url));
        }
        Err(DatabaseUrlError::Scheme)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_databases_are_named_by_a_url() {
        assert!(
            matches!("sqlite://data/clerk.db".parse(), Ok(DatabaseUrl::Sqlite(path)) if path == Path::new("data/clerk.db"))
        );
        assert!(matches!(
            "postgres://u:p@localhost/db".parse(),
            Ok(DatabaseUrl::Postgres(_))
        ));
        assert!(matches!(
            "postgresql://localhost/db".parse(),
            Ok(DatabaseUrl::Postgres(_))
        ));
    }

    #[test]
    fn a_refusal_never_shows_the_password() {
        for text in [
            "mysql://u:hunter2@h/db",
            "sqlite://",
            "sqlite://:memory:",
            "postgres://u:hunter2@h:port/db",
        ] {
            let error = text.parse::<DatabaseUrl>().unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
