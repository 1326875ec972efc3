//! Turns HTTP headers and raw bytes from Clerk into a [`domain::Delivery`], or into a [`Refusal`].
//!
//! Two halves that never mix. [`Receiver`] proves who sent the bytes, before anything looks into them: Svix's
//! signature over the raw body, five minutes of tolerance, several secrets for rotation. [`read_event`] says what
//! proven bytes change: it never fails, as an authentic event is never refused for its content, and what cannot be
//! mapped is quarantined with the place in the body that stopped it. Replay calls the second half alone.
//!
//! It will never know databases, routes or HTTP statuses, keeps nothing between two calls, and reads no clock.

mod arrival;
mod content_digest;
mod effect;
mod envelope;
mod event;
mod event_types;
mod receiver;
mod redaction;
mod refusal;
mod secret;
mod session_event;
mod signature;

pub use arrival::Arrival;
pub use event::read_event;
pub use event_types::is_known_event;
pub use receiver::{Receiver, ReceiverConfig};
pub use refusal::Refusal;
pub use secret::SecretError;
