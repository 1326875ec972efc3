//! Ids that Clerk gave.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

/// The id of an object at Clerk: `user_…`, `sess_…`, `org_…`.
///
/// Clerk promises neither a prefix nor a length, so only what a database index and a log line need is demanded:
/// 1 to 255 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClerkId(String);

/// Why a text is not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClerkIdError {
    /// The text has no character.
    #[error("the id is empty")]
    Empty,
    /// The text has more than 255 bytes.
    #[error("the id is longer than 255 characters")]
    TooLong,
    /// The text holds white space, a control character or a character outside ASCII.
    #[error("the id holds a character that is not visible ASCII")]
    NotVisibleAscii,
}

impl ClerkId {
    /// The longest id that is taken, in bytes: what every index of both databases can hold.
    pub const MAX_LENGTH: usize = 255;

    /// Checks a text.
    ///
    /// # Errors
    /// When the text is empty, too long or not visible ASCII.
    pub fn parse(text: impl Into<String>) -> Result<Self, ClerkIdError> {
        let text = text.into();
        Self::check(&text)?;
        Ok(Self(text))
    }

    /// Checks a text that nobody wants to own.
    ///
    /// # Errors
    /// As [`ClerkId::parse`].
    pub fn check(text: &str) -> Result<(), ClerkIdError> {
        if text.is_empty() {
            return Err(ClerkIdError::Empty);
        }
        if text.len() > Self::MAX_LENGTH {
            return Err(ClerkIdError::TooLong);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ClerkIdError::NotVisibleAscii);
        }
        Ok(())
    }

    /// The id as Clerk wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, without a copy.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for ClerkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Deref for ClerkId {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// Hashes and compares as the text does.
impl Borrow<str> for ClerkId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for ClerkId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ClerkId {
    type Error = ClerkIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(text)
    }
}

impl From<ClerkId> for String {
    fn from(id: ClerkId) -> Self {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_clerk_sends() {
        assert_eq!(
            ClerkId::parse("user_2g7np7Hrk0SN6kj5EDMLDaKNL0S")
                .unwrap()
                .as_str(),
            "user_2g7np7Hrk0SN6kj5EDMLDaKNL0S"
        );
        assert!(ClerkId::parse("x".repeat(255)).is_ok());
    }

    #[test]
    fn refuses_what_an_index_or_a_log_cannot_hold() {
        assert_eq!(ClerkId::parse(""), Err(ClerkIdError::Empty));
        assert_eq!(ClerkId::parse("x".repeat(256)), Err(ClerkIdError::TooLong));
        for text in ["user 1", "user_\0", "user_\n", "user_é", "\u{7f}"] {
            assert_eq!(
                ClerkId::parse(text),
                Err(ClerkIdError::NotVisibleAscii),
                "{text:?}"
            );
        }
    }
}
