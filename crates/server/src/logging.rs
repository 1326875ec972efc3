//! Where events go: standard error, as lines for people or as JSON for machines.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Starts logging. `filter` is `RUST_LOG`, `format` is `LOG_FORMAT` (`pretty` or `json`). A second call does nothing.
pub fn start(filter: Option<&str>, format: Option<&str>, default_filter: &str) {
    let filter = filter
        .and_then(|text| EnvFilter::try_new(text).ok())
        .unwrap_or_else(|| EnvFilter::new(default_filter));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // A subscriber that is there already belongs to a test or an embedding program.
    let _ = match format {
        Some("json") => builder.json().flatten_event(true).try_init(),
        _ => builder
            .with_ansi(std::io::stderr().is_terminal())
            .compact()
            .try_init(),
    };
}
