//! What a PostgreSQL URL asks for, above all of TLS.
//!
//! `sslmode` means: `disable` plain text; `require`, `verify-ca` and `verify-full` all mean TLS with the server's chain
//! and name verified, as rustls knows nothing weaker. `prefer` and `allow` fall back to plain text without a word and
//! are refused. Without `sslmode` a server on this machine is reached in plain text and any other through verified TLS.

use std::path::PathBuf;

use tokio_postgres::config::{Host, SslMode};
use url::Url;

use crate::DatabaseUrlError;

/// A server, and how to reach it.
#[derive(Debug, Clone)]
pub(crate) struct PostgresTarget {
    /// Everything but TLS.
    pub(crate) config: tokio_postgres::Config,
    /// TLS, or `None` for plain text.
    pub(crate) tls: Option<TlsRoots>,
}

/// Whom to trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TlsRoots {
    /// The system's certificate authorities.
    System,
    /// `sslrootcert=PATH`: the authorities in that PEM file alone.
    File(PathBuf),
}

impl PostgresTarget {
    /// Reads a URL.
    pub(crate) fn parse(text: &str) -> Result<Self, DatabaseUrlError> {
        let mut url =
            Url::parse(text).map_err(|error| DatabaseUrlError::Postgres(error.to_string()))?;
        let (mut mode, mut roots, mut rest) = (None, TlsRoots::System, Vec::new());
        for (name, value) in url.query_pairs() {
            match name.as_ref() {
                "sslmode" => mode = Some(value.into_owned()),
                "sslrootcert" => roots = TlsRoots::File(PathBuf::from(value.as_ref())),
                _ => rest.push((name.into_owned(), value.into_owned())),
            }
        }
        url.set_query(None);
        if !rest.is_empty() {
            url.query_pairs_mut().extend_pairs(&rest);
        }
        // The driver's message names the parameter, never its value.
        let mut config: tokio_postgres::Config =
            url.as_str()
                .parse()
                .map_err(|error: tokio_postgres::Error| {
                    DatabaseUrlError::Postgres(described(&error))
                })?;
        let tls = match mode.as_deref() {
            None if is_local(&config) => None,
            Some("disable") => None,
            None | Some("require" | "verify-ca" | "verify-full") => Some(roots),
            Some("prefer" | "allow") => {
                return Err(DatabaseUrlError::Postgres(
                    "sslmode prefer and allow fall back to plain text: write require or disable"
                        .to_owned(),
                ));
            }
            Some(_) => {
                return Err(DatabaseUrlError::Postgres(
                    "sslmode is unknown: write require or disable".to_owned(),
                ));
            }
        };
        config.ssl_mode(if tls.is_some() {
            SslMode::Require
        } else {
            SslMode::Disable
        });
        Ok(Self { config, tls })
    }
}

fn described(error: &tokio_postgres::Error) -> String {
    std::error::Error::source(error)
        .map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

fn is_local(config: &tokio_postgres::Config) -> bool {
    let mut addresses = config.get_hostaddrs().iter();
    let mut hosts = config.get_hosts().iter();
    // Where both are given, the address is what the driver connects to.
    addresses.all(std::net::IpAddr::is_loopback)
        && hosts.all(|host| match host {
            Host::Tcp(name) => {
                name == "localhost"
                    || name
                        .parse::<std::net::IpAddr>()
                        .is_ok_and(|address| address.is_loopback())
            }
            #[cfg(unix)]
            Host::Unix(_) => true,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tls(url: &str) -> Option<TlsRoots> {
        PostgresTarget::parse(url).unwrap().tls
    }

    #[test]
    fn a_server_elsewhere_is_reached_through_tls_unless_told_otherwise() {
        assert_eq!(
            tls("postgres://u@db.example.com/app"),
            Some(TlsRoots::System)
        );
        assert_eq!(tls("postgres://u@db.example.com/app?sslmode=disable"), None);
        assert_eq!(tls("postgres://u@127.0.0.1/app"), None);
        assert_eq!(
            tls("postgres://u@localhost/app?sslmode=verify-full"),
            Some(TlsRoots::System)
        );
        assert_eq!(
            tls("postgres://u@h/app?sslmode=verify-full&sslrootcert=/etc/ca.pem"),
            Some(TlsRoots::File("/etc/ca.pem".into()))
        );
        assert_eq!(tls("postgres:///app?host=/var/run/postgresql"), None);
        // The address is what is connected to; the name beside it is only for show and for the certificate.
        for elsewhere in [
            "postgres://u@localhost/app?hostaddr=192.0.2.1",
            "postgres:///app?hostaddr=192.0.2.1",
            "postgres://u@localhost,db.example.com/app",
        ] {
            assert_ne!(
                PostgresTarget::parse(elsewhere)
                    .map(|target| target.tls)
                    .ok(),
                Some(None),
                "{elsewhere}"
            );
        }
    }

    #[test]
    fn a_mode_that_falls_back_is_refused() {
        for mode in ["prefer", "allow", "sometimes"] {
            assert!(
                PostgresTarget::parse(&format!("postgres://u@h/app?sslmode={mode}")).is_err(),
                "{mode}"
            );
        }
    }

    #[test]
    fn other_parameters_pass_through() {
        let target =
            PostgresTarget::parse("postgres://u@localhost/app?application_name=x&sslmode=disable")
                .unwrap();
        assert_eq!(target.config.get_application_name(), Some("x"));
        assert!(PostgresTarget::parse("postgres://u@localhost/app?colour=blue").is_err());
    }
}
