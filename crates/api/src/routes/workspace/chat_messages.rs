//! The history of the chat. It is written by the chat alone.

use std::convert::Infallible;
use std::sync::Arc;

use domain::OwnedRows;
use domain::workspace::{ChatMessage, ChatRole, Whose};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::owned::{Exposed, alike};

/// What was said.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ChatMessage)]
pub(crate) struct ChatMessageFields {
    /// `user` or `assistant`.
    #[schema(value_type = String, example = "user")]
    role: ChatRole,
    content: String,
    /// Whether an answer was cut off before its end.
    is_partial: bool,
}

/// Nothing of it is ever changed.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) enum NoChanges {}

impl From<NoChanges> for Infallible {
    fn from(none: NoChanges) -> Self {
        match none {}
    }
}

alike! {
    ChatMessageFields => ChatMessage { role, content, is_partial }
    ChatMessage => ChatMessageFields { role, content, is_partial }
}

impl Exposed for ChatMessage {
    const PATH: &'static str = "/chat/messages";
    const ONE: &'static str = "message of the chat";
    const MANY: &'static str = "messages of the chat";
    const UNASKED: Whose = Whose::Mine;

    type Fields = ChatMessageFields;
    type Changes = NoChanges;

    fn rows(app: &App) -> &Arc<dyn OwnedRows<Self>> {
        &app.workspace.messages
    }
}
