//! From events to signed HTTP deliveries, in Svix's manner: one id a message, a fresh timestamp and signature an attempt.

mod answer;
mod log;
mod sender;
mod signature;
mod workers;

pub use log::{Attempt, Delivery, DeliveryStatus};
pub(crate) use sender::{Endpoint, Webhooks};
pub use signature::{SignError, sign};
pub(crate) use signature::{generate_secret, is_secret};
