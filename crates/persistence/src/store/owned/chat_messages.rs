//! Messages of the chat.

use domain::StoreError;
use domain::workspace::{ChatMessage, ChatRole, Owned};

use super::pieces::Bind;
use super::table::Table;
use super::{Keep, keep_row, owned_row, unreadable};
use crate::schema::chat_messages;

owned_row! {
    MessageRow of chat_messages as ChatMessage {
        role: String,
        content: String,
        is_partial: bool,
    }
}

impl Keep for ChatMessage {
    keep_row!(MessageRow);

    const TABLE: Table = Table::named("chat_messages");

    fn columns(&self) -> Vec<(&'static str, Bind)> {
        let Self {
            role,
            content,
            is_partial,
        } = self;
        vec![
            ("role", role.as_str().into()),
            ("content", content.as_str().into()),
            ("is_partial", Bind::Flag(*is_partial)),
        ]
    }

    fn read(row: MessageRow) -> Result<Owned<Self>, StoreError> {
        let (head, (role, content, is_partial)) = row.split();
        Ok(head.with(Self {
            role: ChatRole::parse(&role).ok_or_else(|| unreadable("chat_messages.role", &role))?,
            content,
            is_partial,
        }))
    }
}
