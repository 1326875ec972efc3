//! The history of a user's chat with the assistant.

use std::convert::Infallible;

use serde::{Deserialize, Serialize};

use super::fields::Fields;
use super::listing::words;
use super::{FieldProblem, Resource};

/// Characters of a message at most.
pub const MAX_MESSAGE_LENGTH: usize = 100_000;

words! {
    /// Who said it.
    ChatRole {
        /// The user.
        User = "user",
        /// The assistant.
        Assistant = "assistant",
    }
}

/// What was said. It is never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChatMessage {
    /// Who said it.
    pub role: ChatRole,
    /// What.
    pub content: String,
    /// Whether an answer was cut off before its end.
    pub is_partial: bool,
}

impl Resource for ChatMessage {
    type Patch = Infallible;
    const KIND: &'static str = "chat_message";

    fn patched(self, patch: Infallible) -> Self {
        match patch {}
    }

    fn problems(&self) -> Vec<FieldProblem> {
        let mut fields = Fields::default();
        fields.bounded("content", &self.content, MAX_MESSAGE_LENGTH);
        fields.problems()
    }
}
