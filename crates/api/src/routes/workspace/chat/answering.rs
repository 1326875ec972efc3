//! One answer: passed on, settled, and kept.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::workspace::{
    ChatEnd, ChatListener, ChatMessage, ChatOutcome, ChatRole, HeldMessage, MAX_MESSAGE_LENGTH,
    Scope, Utterance, Written, converse,
};
use domain::{Assistant, AssistantError, FeatureUsage, StoreError, UsageMeter, Workspace};
use serde::Serialize;
use tokio::sync::mpsc;
use utoipa::ToSchema;
use uuid::Uuid;

/// What whoever listens is told.
pub(super) enum Piece {
    /// The next words.
    Said(String),
    /// That was all.
    Done(ChatDone),
    /// That was all, before its time: a stable code.
    Failed(&'static str),
}

/// The answer is whole: the data of the event `done`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChatDone {
    /// The answer in the history.
    message_id: Uuid,
    /// Messages of this month (UTC), with this one.
    used: u64,
    limit: u64,
    remaining: u64,
    resets_at: DateTime<Utc>,
}

/// An answer to be given.
pub(super) struct Work {
    pub(super) workspace: Workspace,
    pub(super) scope: Scope,
    pub(super) question: ChatMessage,
    pub(super) limit: u64,
    pub(super) pieces: mpsc::Sender<Piece>,
}

/// Whoever reads at the other end of a channel.
struct Reader(mpsc::Sender<Piece>);

#[async_trait]
impl ChatListener for Reader {
    async fn hear(&mut self, piece: &str) -> bool {
        self.0.send(Piece::Said(piece.to_owned())).await.is_ok()
    }

    async fn gone(&mut self) {
        self.0.closed().await;
    }
}

impl Work {
    /// Asks, passes on, settles and keeps.
    pub(super) async fn go_on(
        self,
        assistant: &dyn Assistant,
        meter: &dyn UsageMeter,
        held: HeldMessage,
        conversation: &[Utterance],
    ) {
        let usage = held.usage.clone();
        let mut reader = Reader(self.pieces.clone());
        let outcome = converse(assistant, meter, held, conversation, &mut reader).await;
        let last = self.concluded(outcome, &usage).await;
        // Nobody may be there to hear it.
        let _ = self.pieces.send(last).await;
    }

    async fn concluded(&self, outcome: ChatOutcome, usage: &FeatureUsage) -> Piece {
        let ChatOutcome {
            end,
            answer,
            counted,
        } = outcome;
        if let Err(error) = counted {
            tracing::warn!(%error, "a message is settled only when its reservation ends");
        }
        let is_partial = match end {
            ChatEnd::Answered => false,
            ChatEnd::ReaderGone if !answer.is_empty() => true,
            ChatEnd::ReaderGone => return Piece::Failed("reader_gone"),
            ChatEnd::Failed(error) => return Piece::Failed(failure(&error)),
        };
        match self.keep(answer, is_partial).await {
            Ok(message_id) => Piece::Done(ChatDone {
                message_id,
                used: usage.used.saturating_add(usage.reserved),
                limit: self.limit,
                remaining: usage.remaining(self.limit),
                resets_at: usage.month.resets_at(),
            }),
            Err(error) => {
                tracing::warn!(%error, "an answer was given and could not be kept");
                Piece::Failed("store_unavailable")
            }
        }
    }

    /// Puts question and answer into the history, in this order.
    async fn keep(&self, answer: String, is_partial: bool) -> Result<Uuid, StoreError> {
        let is_long = answer.chars().count() > MAX_MESSAGE_LENGTH;
        let answer = ChatMessage {
            role: ChatRole::Assistant,
            // No text of PostgreSQL's holds this character.
            content: answer
                .chars()
                .filter(|letter| *letter != '\0')
                .take(MAX_MESSAGE_LENGTH)
                .collect(),
            is_partial: is_partial || is_long,
        };
        self.keep_one(self.question.clone()).await?;
        self.keep_one(answer).await
    }

    async fn keep_one(&self, message: ChatMessage) -> Result<Uuid, StoreError> {
        let mut scope = self.scope.clone();
        scope.by.at = Utc::now();
        match self
            .workspace
            .messages
            .create(&scope, message, None)
            .await?
        {
            Written::Done(row) => Ok(row.id),
            other => Err(StoreError::Refused(format!("{other:?}").into())),
        }
    }
}

/// A stable code for it; what it was stands in the log.
fn failure(error: &AssistantError) -> &'static str {
    tracing::warn!(%error, "the assistant gave no whole answer");
    match error {
        AssistantError::TimedOut(_) => "assistant_timed_out",
        AssistantError::Busy { .. } => "assistant_busy",
        AssistantError::Refused { .. } => "assistant_refused",
        AssistantError::Unreachable(_)
        | AssistantError::Failed { .. }
        | AssistantError::Unreadable(_)
        | AssistantError::CutOff
        | AssistantError::TooLong => "assistant_unavailable",
    }
}
