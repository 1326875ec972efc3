use std::time::Duration;

use async_trait::async_trait;

use crate::workspace::Utterance;

/// A language model that answers people.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Assistant: Send + Sync {
    /// Asks for the next thing to be said in a conversation, whose last utterance is the user's. The answer comes bit by
    /// bit; whoever drops it ends it, and the adapter asks for no more of it. Nothing is tried twice.
    ///
    /// # Errors
    /// When nothing will be said.
    async fn answer(&self, conversation: &[Utterance]) -> Result<Box<dyn Answer>, AssistantError>;
}

/// An answer that is being given.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Answer: Send {
    /// Waits for more, which is never empty. `None` is the proper end, before which at least something was said. May be
    /// abandoned at any time without losing a word.
    ///
    /// # Errors
    /// When the answer ends otherwise; it is over then.
    async fn next(&mut self) -> Result<Option<String>, AssistantError>;
}

/// Why there is no answer, or only a part of it. None of them is the user's doing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssistantError {
    /// There is no way there: the name, the address, the certificate.
    #[error("the assistant cannot be reached: {0}")]
    Unreachable(String),
    /// It took longer than it may.
    #[error("the assistant took too long: {0}")]
    TimedOut(AssistantWait),
    /// It has too much to do, or we have asked too often.
    #[error("the assistant has too much to do")]
    Busy {
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// It does not take the request: the key, the model or the URL are most likely not what it knows.
    #[error("the assistant refuses the request: status {status}, {}", code.as_deref().unwrap_or("without a code"))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Its own word for it.
        code: Option<String>,
    },
    /// Something is wrong on its side.
    #[error("the assistant has failed: {}", status.map_or("within its answer".to_owned(), |status| format!("status {status}")))]
    Failed {
        /// The HTTP status; none when it failed after it had begun.
        status: Option<u16>,
    },
    /// What it says is no answer.
    #[error("the assistant's answer cannot be read: {0}")]
    Unreadable(String),
    /// The connection ended before the answer did.
    #[error("the assistant's answer was cut off")]
    CutOff,
    /// It says more than anybody reads.
    #[error("the assistant's answer is too long")]
    TooLong,
}

/// What was waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AssistantWait {
    /// The connection.
    #[error("no connection")]
    Connection,
    /// The first word.
    #[error("no first word")]
    Beginning,
    /// The next words.
    #[error("no further word")]
    More,
    /// The end.
    #[error("no end")]
    End,
}
