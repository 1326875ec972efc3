//! Where events go: standard error, as lines for people or as JSON for machines; and where spans go, if anywhere.

mod lines;

use std::io::IsTerminal as _;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::filter::{FilterExt as _, LevelFilter, filter_fn};
use tracing_subscriber::fmt::format;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry};

use api::REQUEST_SPAN;

use self::lines::{Ending, OfRequest};
use crate::build;

/// What is asked of a collector besides its address (OTLP over HTTP).
const TRACES_PATH: &str = "v1/traces";

/// How to tell of events and spans.
#[derive(Debug, Clone, Copy, Default)]
pub struct Logging<'a> {
    /// `RUST_LOG`.
    pub filter: Option<&'a str>,
    /// `LOG_FORMAT`: `pretty` or `json`.
    pub format: Option<&'a str>,
    /// In the place of a filter that is absent or cannot be read.
    pub default_filter: &'a str,
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`: where spans are sent, as OTLP over HTTP.
    pub collector: Option<&'a str>,
}

/// Spans cannot be sent to the collector.
#[derive(Debug, thiserror::Error)]
#[error("OTEL_EXPORTER_OTLP_ENDPOINT cannot be used: write a URL such as http://127.0.0.1:4318")]
pub struct TracesError(#[source] opentelemetry_otlp::ExporterBuildError);

/// What has to be said before the process ends.
#[must_use]
pub struct LastWords(Option<SdkTracerProvider>);

impl LastWords {
    /// Sends the spans that wait. Takes a few seconds at most; a collector that is away is no reason to stay.
    pub async fn say(self) {
        let Some(provider) = self.0 else {
            return;
        };
        // The exporter waits for its own thread.
        let sent = tokio::task::spawn_blocking(move || provider.shutdown()).await;
        if let Ok(Err(error)) = sent {
            tracing::warn!(%error, "the last spans could not be sent");
        }
    }
}

/// Starts logging. A second call does nothing: a subscriber that is there already belongs to a test or an embedding program.
///
/// # Errors
/// When the collector's address is none.
pub fn start(logging: Logging<'_>) -> Result<LastWords, TracesError> {
    let Logging {
        filter,
        format: wanted,
        default_filter,
        collector,
    } = logging;
    let filter = filter
        .and_then(|text| EnvFilter::try_new(text).ok())
        .unwrap_or_else(|| EnvFilter::new(default_filter));
    let lines = tracing_subscriber::fmt::layer::<Registry>().with_writer(std::io::stderr);
    let lines = match wanted {
        Some("json") => lines
            .json()
            .event_format(OfRequest {
                format: format::format().json().flatten_event(true),
                ending: Ending::Json,
            })
            .boxed(),
        _ => lines
            .event_format(OfRequest {
                format: format::format()
                    .with_ansi(std::io::stderr().is_terminal())
                    .compact(),
                ending: Ending::Fields,
            })
            .boxed(),
    };
    // What the span says is at the end of each line anyhow; where nobody else wants it, it is not made.
    let spans_of_requests = filter_fn(|data| !(data.is_span() && data.name() == REQUEST_SPAN));
    let lines =
        tracing_subscriber::registry().with(lines.with_filter(filter.and(spans_of_requests)));
    let collector = collector.map(str::trim).filter(|text| !text.is_empty());
    let Some(collector) = collector else {
        let _ = lines.try_init();
        return Ok(LastWords(None));
    };
    let provider = provider(collector)?;
    let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("clerk-sync"));
    // Whatever is left out of the lines.
    let _ = lines.with(spans.with_filter(LevelFilter::INFO)).try_init();
    Ok(LastWords(Some(provider)))
}

fn provider(collector: &str) -> Result<SdkTracerProvider, TracesError> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/{TRACES_PATH}", collector.trim_end_matches('/')))
        .build()
        .map_err(TracesError)?;
    let resource = Resource::builder()
        .with_service_name("clerk-sync")
        .with_attribute(opentelemetry::KeyValue::new(
            "service.version",
            build::VERSION,
        ));
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter);
    Ok(provider.with_resource(resource.build()).build())
}
