//! What a chat completion says, in one of its chunks or as a whole. Only the first choice is asked for and read.

use domain::AssistantError;
use serde::Deserialize;
use serde_json::Value;

/// What one document says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// The words, if there are any.
    pub(crate) words: String,
    /// Whether nothing more comes after it.
    pub(crate) is_end: bool,
}

#[derive(Deserialize)]
struct Completion {
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    /// In a chunk.
    #[serde(default)]
    delta: Option<Message>,
    /// In a whole completion.
    #[serde(default)]
    message: Option<Message>,
    #[serde(default)]
    finish_reason: Option<Value>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<Value>,
    /// Why the model does not want to answer, which is an answer.
    #[serde(default)]
    refusal: Option<Value>,
}

impl Message {
    fn words(self) -> String {
        let content = self.content.map(words).unwrap_or_default();
        if content.is_empty() {
            self.refusal.map(words).unwrap_or_default()
        } else {
            content
        }
    }
}

/// A text, or the texts of a list of parts.
fn words(content: Value) -> String {
    match content {
        Value::String(text) => text,
        Value::Array(parts) => parts
            .iter()
            .filter_map(|part| part.get("text").and_then(Value::as_str))
            .collect(),
        _ => String::new(),
    }
}

/// Reads a chunk or a completion.
pub(crate) fn read(json: &[u8]) -> Result<Said, AssistantError> {
    let unreadable = || AssistantError::Unreadable("it is no chat completion".to_owned());
    // A list would be taken for the fields in their order.
    if !json.trim_ascii_start().starts_with(b"{") {
        return Err(unreadable());
    }
    let Completion { choices, error } = serde_json::from_slice(json).map_err(|_| unreadable())?;
    if error.is_some_and(|error| !error.is_null()) {
        return Err(AssistantError::Failed { status: None });
    }
    // The chunk with the token counts has none.
    let Some(choice) = choices.into_iter().flatten().next() else {
        return Ok(Said::default());
    };
    let is_end = choice.finish_reason.is_some_and(|reason| !reason.is_null());
    let message = choice.delta.or(choice.message);
    Ok(Said {
        words: message.map(Message::words).unwrap_or_default(),
        is_end,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(json: &str) -> (String, bool) {
        let Said { words, is_end } = read(json.as_bytes()).unwrap();
        (words, is_end)
    }

    #[test]
    fn chunks_and_whole_completions() {
        for (json, words, is_end) in [
            (
                r#"{"choices":[{"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#,
                "",
                false,
            ),
            (
                r#"{"choices":[{"index":0,"delta":{"content":"Hi"}}],"usage":null}"#,
                "Hi",
                false,
            ),
            (
                r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#,
                "",
                true,
            ),
            (
                r#"{"choices":[{"delta":null,"finish_reason":"length"}]}"#,
                "",
                true,
            ),
            (r#"{"choices":[],"usage":{"total_tokens":9}}"#, "", false),
            (r#"{"choices":null}"#, "", false),
            ("{}", "", false),
            (
                r#"{"choices":[{"message":{"content":"All"},"finish_reason":"stop"}]}"#,
                "All",
                true,
            ),
            (
                r#"{"choices":[{"message":{"content":null,"refusal":"No"},"finish_reason":"stop"}]}"#,
                "No",
                true,
            ),
            (
                r#"{"choices":[{"delta":{"content":[{"type":"text","text":"a"},{"type":"x"},{"text":"b"}]}}]}"#,
                "ab",
                false,
            ),
            (r#"{"choices":[{"delta":{"content":42}}]}"#, "", false),
        ] {
            assert_eq!(said(json), (words.to_owned(), is_end), "{json}");
        }
    }

    #[test]
    fn errors_and_garbage() {
        let failed = AssistantError::Failed { status: None };
        for error in [
            r#"{"error":{"message":"overloaded"}}"#,
            r#"{"error":"x","choices":[]}"#,
        ] {
            assert_eq!(read(error.as_bytes()), Err(failed.clone()));
        }
        for garbage in [
            "",
            "[]",
            "nonsense",
            r#"{"choices":7}"#,
            r#"{"choices":["a"]}"#,
            "\"text\"",
            "\u{feff}{}",
        ] {
            let read = read(garbage.as_bytes());
            assert!(
                matches!(read, Err(AssistantError::Unreadable(_))),
                "{garbage}: {read:?}"
            );
        }
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(read(format!("{{\"error\":{deep}}}").as_bytes()).is_err());
    }
}
