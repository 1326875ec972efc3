//! The pieces of an answer, as they come.

use async_trait::async_trait;
use domain::{Answer, AssistantError, AssistantWait};
use tokio::time::{Instant, timeout_at};

use crate::Waits;
use crate::chunk;
use crate::event_stream::EventStream;

/// The longest answer, in bytes.
const ANSWER_LIMIT: usize = 512 * 1024;
/// What comes after the last chunk.
const DONE: &str = "[DONE]";

/// An answer that came at once.
pub(crate) struct Given(Option<String>);

impl Given {
    pub(crate) fn new(words: String) -> Self {
        Self(Some(words))
    }
}

#[async_trait]
impl Answer for Given {
    async fn next(&mut self) -> Result<Option<String>, AssistantError> {
        Ok(self.0.take())
    }
}

/// The words of a whole completion.
pub(crate) fn whole(body: &[u8]) -> Result<String, AssistantError> {
    let said = chunk::read(body)?;
    if said.words.is_empty() {
        return Err(wordless());
    }
    if said.words.len() > ANSWER_LIMIT {
        return Err(AssistantError::TooLong);
    }
    Ok(said.words)
}

/// An answer that is being streamed.
pub(crate) struct Streamed {
    response: reqwest::Response,
    events: EventStream,
    waits: Waits,
    /// When the next piece has to be there.
    piece_by: Instant,
    end_by: Instant,
    /// Bytes of the pieces so far.
    said: usize,
    /// The last chunk has come; what may follow it says nothing more.
    is_complete: bool,
    /// Nothing will be read any more.
    is_over: bool,
}

impl Streamed {
    pub(crate) fn new(
        response: reqwest::Response,
        waits: Waits,
        asked_at: Instant,
        first_by: Instant,
    ) -> Self {
        Self {
            response,
            events: EventStream::default(),
            waits,
            piece_by: first_by,
            end_by: asked_at + waits.end,
            said: 0,
            is_complete: false,
            is_over: false,
        }
    }

    async fn piece(&mut self) -> Result<Option<String>, AssistantError> {
        loop {
            while let Some(data) = self.events.next() {
                if data.trim() == DONE {
                    return self.end();
                }
                if data.trim().is_empty() {
                    continue;
                }
                let said = chunk::read(data.as_bytes())?;
                self.is_complete |= said.is_end;
                if !said.words.is_empty() {
                    return self.say(said.words).map(Some);
                }
            }
            if self.is_over {
                // Some servers leave the last word out. But without it and without a reason to end there, the rest is
                // missing.
                return if self.is_complete {
                    self.end()
                } else {
                    Err(AssistantError::CutOff)
                };
            }
            self.read_on().await?;
        }
    }

    /// Reads what comes next; gives up when no piece was whole in time, whatever else came meanwhile.
    async fn read_on(&mut self) -> Result<(), AssistantError> {
        let by = self.piece_by.min(self.end_by);
        let chunk = timeout_at(by, self.response.chunk())
            .await
            .map_err(|_| AssistantError::TimedOut(self.overdue()))?;
        let fed = match chunk {
            Ok(Some(bytes)) => self.events.feed(&bytes),
            Ok(None) => {
                self.is_over = true;
                self.events.finish()
            }
            // After the last chunk nobody minds how the connection ends.
            Err(_) if self.is_complete => {
                self.is_over = true;
                Ok(())
            }
            Err(_) => return Err(AssistantError::CutOff),
        };
        fed.map_err(|_| AssistantError::Unreadable("an event has no end".to_owned()))
    }

    fn overdue(&self) -> AssistantWait {
        if self.end_by <= self.piece_by {
            AssistantWait::End
        } else if self.said == 0 {
            AssistantWait::Beginning
        } else {
            AssistantWait::More
        }
    }

    fn say(&mut self, words: String) -> Result<String, AssistantError> {
        self.said = self.said.saturating_add(words.len());
        if self.said > ANSWER_LIMIT {
            return Err(AssistantError::TooLong);
        }
        self.piece_by = Instant::now() + self.waits.more;
        Ok(words)
    }

    fn end(&mut self) -> Result<Option<String>, AssistantError> {
        self.is_over = true;
        self.is_complete = true;
        if self.said == 0 {
            return Err(wordless());
        }
        Ok(None)
    }
}

#[async_trait]
impl Answer for Streamed {
    async fn next(&mut self) -> Result<Option<String>, AssistantError> {
        self.piece().await
    }
}

fn wordless() -> AssistantError {
    AssistantError::Unreadable("it has no words".to_owned())
}
