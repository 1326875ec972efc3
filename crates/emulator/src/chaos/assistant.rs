//! What may happen to the assistant's answers.

use serde::{Deserialize, Serialize};

use crate::params::invalid;
use crate::refusal::Refusal;

/// How the assistant's answers go wrong. Several can be set; the first that an answer comes upon strikes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AssistantFaults {
    /// Requests are answered with this status, 300 to 599, and an error body.
    pub status: Option<u16>,
    /// Requests are answered 200 with a web page.
    pub garbage: bool,
    /// Nothing is said: of a stream the head comes, of a whole answer not even that.
    pub hang: bool,
    /// Streams say nothing more after so many pieces, and stay open.
    pub hang_after: Option<u32>,
    /// Streams break off after so many pieces.
    pub cut_after: Option<u32>,
    /// Streams hold something that is no JSON after so many pieces.
    pub garbage_after: Option<u32>,
    /// Milliseconds before each piece of a stream.
    pub pace_ms: u64,
    /// Whole answers come even when a stream was asked for.
    pub never_stream: bool,
}

impl AssistantFaults {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        match self.status {
            Some(status) if !(300..600).contains(&status) => {
                Err(invalid("assistant.status", "between 300 and 599"))
            }
            _ => Ok(()),
        }
    }
}
