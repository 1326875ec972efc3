//! Server-sent events, as every stream of the caller's own sends them.

use std::convert::Infallible;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::Stream;
use http::HeaderName;
use serde::Serialize;

/// Tells nginx to hand each event on at once.
const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The answer that these events are.
pub(crate) fn answer(
    events: impl Stream<Item = Result<Event, Infallible>> + Send + 'static,
) -> Response {
    let events = Sse::new(events).keep_alive(KeepAlive::default());
    ([(UNBUFFERED, "no")], events).into_response()
}

/// An event of this name.
pub(crate) fn named(name: &str, data: &impl Serialize) -> Event {
    let event = Event::default().event(name);
    // Texts, numbers, times and truths: this cannot fail; an event without data would still carry its name.
    event.clone().json_data(data).unwrap_or(event)
}
