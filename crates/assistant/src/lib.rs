//! Any OpenAI-compatible endpoint behind [`domain::Assistant`].
//!
//! Translates a conversation to a request for a chat completion, and what comes back, as a stream of events or at once, to
//! the pieces of an answer. [`ChatCompletions`] is the adapter. Everything that it waits for has a limit, and so has
//! everything that it reads.
//!
//! It will never know who asks, what a question costs or what becomes of the answer; it tries nothing twice, follows no
//! redirect, and sends its key to no host but the configured one.

mod answer;
mod chunk;
mod client;
mod config;
mod event_stream;
mod refusal;

pub use client::ChatCompletions;
pub use config::{AssistantConfig, AssistantConfigError, Waits};
