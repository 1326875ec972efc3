//! Lines that say for which request they were written.

use std::fmt::{self, Write as _};

use api::CurrentRequest;
use serde_json::json;
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Where nothing has matched.
const NO_ROUTE: &str = "(none)";

/// How the request stands at the end of a line.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ending {
    /// As a member of the line's object.
    Json,
    /// As fields after the others.
    Fields,
}

/// A format, whose lines end with the request.
pub(super) struct OfRequest<F> {
    pub(super) format: F,
    pub(super) ending: Ending,
}

impl<S, N, F> FormatEvent<S, N> for OfRequest<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Some(ending) = CurrentRequest::read(|request| self.ending.of(request)) else {
            return self.format.format_event(context, writer, event);
        };
        let mut line = String::new();
        self.format
            .format_event(context, Writer::new(&mut line), event)?;
        let line = line.trim_end_matches('\n');
        match self.ending {
            Ending::Json => {
                let open = line.strip_suffix('}').unwrap_or(line);
                writeln!(writer, "{open},\"request\":{ending}}}")
            }
            Ending::Fields => writeln!(writer, "{line} {ending}"),
        }
    }
}

impl Ending {
    fn of(self, request: &CurrentRequest) -> String {
        let (id, method) = (request.id(), request.method().as_str());
        let route = request.route().unwrap_or(NO_ROUTE);
        match self {
            Self::Json => json!({ "id": id, "method": method, "route": route }).to_string(),
            Self::Fields => {
                let mut fields = String::new();
                // Writing into a text cannot fail.
                let _ = write!(fields, "id={id:?} method={method} route={route:?}");
                fields
            }
        }
    }
}
