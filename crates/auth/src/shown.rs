//! Values from outside, made fit to print.

use std::fmt;

/// The most characters of a foreign value that any message or log line carries.
const LIMIT: usize = 128;

/// A value from a token, a header or a key set, safe to print: every character that is not visible ASCII is a `?`, and
/// the text ends after 128 characters, so that nobody writes lines of ours or fills a disk with a kid.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shown(String);

impl Shown {
    /// Cuts and cleans `value`.
    pub fn new(value: &str) -> Self {
        let visible = |c: char| if c.is_ascii_graphic() { c } else { '?' };
        Self(value.chars().take(LIMIT).map(visible).collect())
    }

    /// The cleaned text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::Shown;

    #[test]
    fn control_characters_and_other_alphabets_become_question_marks() {
        assert_eq!(Shown::new("a\r\n\u{1b}[31m é").as_str(), "a???[31m??");
    }

    #[test]
    fn long_values_end_after_128_characters() {
        assert_eq!(Shown::new(&"x".repeat(10_000)).as_str().len(), 128);
    }
}
