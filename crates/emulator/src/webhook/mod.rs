//! From events to signed HTTP deliveries, in Svix's manner: one id a message, a fresh timestamp and signature an attempt.

mod answer;
mod endpoint;
mod log;
mod sender;
mod signature;
mod workers;

pub(crate) use endpoint::Endpoint;
pub use log::{Attempt, Delivery, DeliveryStatus};
pub(crate) use sender::Webhooks;
pub(crate) use signature::is_secret;
pub use signature::{SignError, generate_secret, sign};
