use std::path::Path;

use clap::Args;

use super::{Failure, output, told_to_stop};
use crate::config::{Config, environment};
use crate::{Server, start_logging};

#[derive(Debug, Args)]
pub(super) struct Serve {}

impl Serve {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let (lookup, trouble) = environment(Path::new("."));
        start_logging(
            lookup("RUST_LOG").as_deref(),
            lookup("LOG_FORMAT").as_deref(),
            "info",
        );
        if let Some(trouble) = trouble {
            output::warning(trouble);
        }
        let config = Config::read(lookup)?;
        let mut stop = told_to_stop();
        let server = tokio::select! {
            // A task of its own: migrations block theirs, perhaps for long, behind another replica's.
            started = tokio::spawn(Server::start(config)) => started??,
            // Nothing is under way yet, and what is half done is rolled back.
            () = &mut stop => std::process::exit(0),
        };
        stop.await;
        tracing::info!("stopping");
        server.shutdown().await;
        Ok(())
    }
}
