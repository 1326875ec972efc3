use std::path::Path;

use clap::Args;

use super::signals::{hangups, told_to_stop};
use super::{Failure, output};
use crate::config::{Config, environment};
use crate::{Logging, Server, start_logging};

#[derive(Debug, Args)]
pub(super) struct Serve {}

impl Serve {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let (lookup, trouble) = environment(Path::new("."));
        let last_words = start_logging(Logging {
            filter: lookup("RUST_LOG").as_deref(),
            format: lookup("LOG_FORMAT").as_deref(),
            default_filter: "info",
            collector: lookup("OTEL_EXPORTER_OTLP_ENDPOINT").as_deref(),
        })?;
        if let Some(trouble) = trouble {
            output::warning(trouble);
        }
        let config = Config::read(lookup)?;
        let (mut stop, mut hangups) = (told_to_stop(), hangups());
        let server = tokio::select! {
            // A task of its own: migrations block theirs, perhaps for long, behind another replica's.
            started = tokio::spawn(Server::start(config)) => started??,
            // Nothing is under way yet, and what is half done is rolled back.
            () = &mut stop => std::process::exit(0),
        };
        loop {
            tokio::select! {
                () = &mut stop => break,
                () = hangups.next() => reload(&server),
            }
        }
        tracing::info!("stopping");
        server.shutdown().await;
        last_words.say().await;
        Ok(())
    }
}

/// Reads the settings again, and puts the policy and the origins of pages in the place of those in force; with a fault
/// anywhere, nothing.
fn reload(server: &Server) {
    let (lookup, trouble) = environment(Path::new("."));
    if let Some(trouble) = trouble {
        tracing::warn!(trouble, "not every setting could be read");
    }
    match server.reload(Config::read(lookup)) {
        Ok(()) => tracing::info!("the policy and CORS_ORIGINS were read again"),
        Err(trouble) => tracing::error!(trouble, "not everything could be reloaded"),
    }
}
