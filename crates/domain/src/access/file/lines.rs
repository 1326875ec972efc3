//! Faults, and the lines that they are in.

use super::{PolicyErrors, PolicyFault};

/// What was found so far.
pub(super) struct Faults<'a> {
    text: &'a str,
    found: Vec<PolicyFault>,
}

impl<'a> Faults<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            found: Vec::new(),
        }
    }

    /// Notes a fault at this byte of the file.
    pub(super) fn add(&mut self, at: usize, message: impl Into<String>) {
        let before = self.text.bytes().take(at);
        let line = 1 + before.filter(|byte| *byte == b'\n').count();
        self.found.push(PolicyFault {
            line,
            message: message.into(),
        });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// In the file's order; faults of one line in the order in which they were found.
    pub(super) fn into_errors(mut self) -> PolicyErrors {
        self.found.sort_by_key(|fault| fault.line);
        PolicyErrors(self.found)
    }
}

/// Names in a sentence.
pub(super) fn listed<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    names.into_iter().collect::<Vec<_>>().join(", ")
}
