//! A message to the assistant and its answer: reserved before it is asked, used when it has answered, given back when it
//! has not.
//!
//! What decides is whether anything was said. An answer whose reader left in the middle is used, since its cost arose; one
//! that failed is given back, however much of it came.

use std::future::{Future, poll_fn};
use std::num::NonZeroU32;
use std::pin::pin;
use std::task::Poll;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::ChatRole;
use crate::{
    Assistant, AssistantError, FeatureUsage, ReserveOutcome, StoreError, UsageMeter, UsageRequest,
};

/// Something said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Utterance {
    /// By whom.
    pub role: ChatRole,
    /// What.
    pub text: String,
}

/// The last utterances of a conversation, oldest first, that together have at most so many bytes. The last one is always
/// among them, and the first one is always the user's.
#[must_use]
pub fn within_budget(mut conversation: Vec<Utterance>, max_bytes: usize) -> Vec<Utterance> {
    let mut left = max_bytes;
    let fitting = conversation
        .iter()
        .rev()
        .enumerate()
        .take_while(|(behind, said)| {
            let fits = *behind == 0 || said.text.len() <= left;
            left = left.saturating_sub(said.text.len());
            fits
        });
    let kept = fitting.count();
    conversation.drain(..conversation.len().saturating_sub(kept));
    let answers = conversation
        .iter()
        .take_while(|said| said.role == ChatRole::Assistant)
        .count();
    // An answer whose question is gone says nothing, unless it is all there is.
    if answers < conversation.len() {
        conversation.drain(..answers);
    }
    conversation
}

/// What became of the wish to send a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatReservation {
    /// It may be sent.
    Held(HeldMessage),
    /// The month's messages are used up, and nothing was counted.
    LimitReached(FeatureUsage),
}

/// A message that is counted as long as it is being answered. Whoever loses it (a crash, a shutdown) gives it back by
/// its expiry.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "it is counted until it is settled or expires"]
pub struct HeldMessage {
    reservation: Uuid,
    /// The count with it.
    pub usage: FeatureUsage,
}

/// Holds one message of a user's month. `expires_at` has to be later than any answer may end.
///
/// # Errors
/// When the meter cannot be reached: nothing is held.
pub async fn reserve_message(
    meter: &dyn UsageMeter,
    user_id: Uuid,
    feature: &str,
    limit: u64,
    at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<ChatReservation, StoreError> {
    let request = UsageRequest {
        user_id,
        feature: feature.to_owned(),
        amount: NonZeroU32::MIN,
        limit,
        at,
    };
    Ok(match meter.reserve(request, expires_at).await? {
        ReserveOutcome::Reserved { reservation, usage } => {
            ChatReservation::Held(HeldMessage { reservation, usage })
        }
        ReserveOutcome::LimitReached(usage) => ChatReservation::LimitReached(usage),
    })
}

/// Whoever reads an answer while it is given.
#[async_trait]
pub trait ChatListener: Send {
    /// Takes a piece of the answer; `false` when nobody reads any more.
    async fn hear(&mut self, piece: &str) -> bool;

    /// Waits until nobody reads any more, for ever if need be. May be abandoned and asked again.
    async fn gone(&mut self);
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatEnd {
    /// The assistant has said everything.
    Answered,
    /// The reader left.
    ReaderGone,
    /// The assistant failed.
    Failed(AssistantError),
}

/// A message that has been settled.
#[derive(Debug)]
pub struct ChatOutcome {
    /// How it ended.
    pub end: ChatEnd,
    /// What was said, whole or not.
    pub answer: String,
    /// Whether the message counts. When the meter could not be told, it counts until the reservation expires.
    pub counted: Result<bool, StoreError>,
}

/// Asks, passes the answer on piece by piece, and settles the message. Run it in a task of its own: it has to go on when
/// the reader leaves.
pub async fn converse(
    assistant: &dyn Assistant,
    meter: &dyn UsageMeter,
    message: HeldMessage,
    conversation: &[Utterance],
    listener: &mut dyn ChatListener,
) -> ChatOutcome {
    let mut answer = String::new();
    let end = listen(assistant, conversation, listener, &mut answer).await;
    let is_used = match &end {
        ChatEnd::Answered => true,
        ChatEnd::ReaderGone => !answer.is_empty(),
        ChatEnd::Failed(_) => false,
    };
    let reservation = message.reservation;
    let counted = if is_used {
        // When it had expired, nothing counts.
        meter.commit(reservation).await
    } else {
        meter.refund(reservation).await.map(|_| false)
    };
    ChatOutcome {
        end,
        answer,
        counted,
    }
}

async fn listen(
    assistant: &dyn Assistant,
    conversation: &[Utterance],
    listener: &mut dyn ChatListener,
    answer: &mut String,
) -> ChatEnd {
    let begun = match unless(assistant.answer(conversation), listener.gone()).await {
        Some(begun) => begun,
        None => return ChatEnd::ReaderGone,
    };
    let mut given = match begun {
        Ok(given) => given,
        Err(error) => return ChatEnd::Failed(error),
    };
    loop {
        let piece = match unless(given.next(), listener.gone()).await {
            Some(Ok(Some(piece))) => piece,
            Some(Ok(None)) => return ChatEnd::Answered,
            Some(Err(error)) => return ChatEnd::Failed(error),
            None => return ChatEnd::ReaderGone,
        };
        // What nobody heard was not said.
        if !listener.hear(&piece).await {
            return ChatEnd::ReaderGone;
        }
        answer.push_str(&piece);
    }
}

/// What the first future gives, unless the second one ends before.
async fn unless<T>(wanted: impl Future<Output = T>, end: impl Future<Output = ()>) -> Option<T> {
    let (mut wanted, mut end) = (pin!(wanted), pin!(end));
    poll_fn(|context| {
        if let Poll::Ready(value) = wanted.as_mut().poll(context) {
            return Poll::Ready(Some(value));
        }
        end.as_mut().poll(context).map(|()| None)
    })
    .await
}
