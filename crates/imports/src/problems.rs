//! The problems that were found, as many as are told.

use domain::workspace::{ImportProblem, ImportRefusal};

pub(crate) struct Problems {
    found: Vec<ImportProblem>,
    most: usize,
    more: bool,
}

impl Problems {
    pub(crate) fn up_to(most: usize) -> Self {
        Self {
            found: Vec::new(),
            most,
            more: false,
        }
    }

    /// A problem of one cell, or of a column of the header.
    pub(crate) fn cell(&mut self, line: u64, column: &str, message: impl ToString) {
        self.push(line, Some(column.to_owned()), message.to_string());
    }

    /// A problem of a whole line.
    pub(crate) fn line(&mut self, line: u64, message: impl ToString) {
        self.push(line, None, message.to_string());
    }

    fn push(&mut self, line: u64, column: Option<String>, message: String) {
        if self.found.len() < self.most {
            self.found.push(ImportProblem {
                line,
                column,
                message,
            });
        } else {
            self.more = true;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Whether nothing that is found further on will be told.
    pub(crate) fn is_full(&self) -> bool {
        self.more
    }

    pub(crate) fn refusal(self) -> ImportRefusal {
        ImportRefusal {
            problems: self.found,
            more: self.more,
        }
    }
}
