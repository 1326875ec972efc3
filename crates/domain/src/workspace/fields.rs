//! What is wrong with a field, and the bounds that fields of every resource have in common.

use serde::Serialize;
use serde_json::Value;

use crate::administration::{depth, has_nul};

/// Names and titles: characters at most.
pub const MAX_TITLE_LENGTH: usize = 200;
/// Descriptions and notes: characters at most.
pub const MAX_TEXT_LENGTH: usize = 10_000;
/// JSON that a user keeps with us: bytes at most, written compactly.
pub const MAX_JSON_BYTES: usize = 64 * 1024;
/// JSON that a user keeps with us: levels at most.
pub const MAX_JSON_DEPTH: usize = 16;

/// Why a field is not kept as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldProblem {
    /// Which.
    pub field: &'static str,
    /// What is wrong, as the end of a sentence about it. Never what stands there.
    pub message: String,
}

/// Looks at fields one after the other, and collects what is wrong.
#[derive(Debug, Default)]
pub(super) struct Fields {
    problems: Vec<FieldProblem>,
}

impl Fields {
    pub(super) fn problems(self) -> Vec<FieldProblem> {
        self.problems
    }

    pub(super) fn problem(&mut self, field: &'static str, message: impl Into<String>) {
        self.problems.push(FieldProblem {
            field,
            message: message.into(),
        });
    }

    /// A name: there must be one.
    pub(super) fn title(&mut self, field: &'static str, text: &str) {
        if text.trim().is_empty() {
            self.problem(field, "is empty");
        }
        self.bounded(field, text, MAX_TITLE_LENGTH);
    }

    /// A text that may be missing.
    pub(super) fn text(&mut self, field: &'static str, text: Option<&str>) {
        self.bounded(field, text.unwrap_or_default(), MAX_TEXT_LENGTH);
    }

    pub(super) fn bounded(&mut self, field: &'static str, text: &str, most: usize) {
        if text.chars().count() > most {
            self.problem(field, format!("is longer than {most} characters"));
        }
        if text.contains('\0') {
            self.problem(field, "holds a NUL character");
        }
    }

    /// JSON of the user's own.
    pub(super) fn json(&mut self, field: &'static str, value: &Value) {
        if depth(value) > MAX_JSON_DEPTH {
            self.problem(field, format!("is deeper than {MAX_JSON_DEPTH} levels"));
        } else if value.to_string().len() > MAX_JSON_BYTES {
            self.problem(field, format!("is larger than {MAX_JSON_BYTES} bytes"));
        }
        if has_nul(value) {
            self.problem(field, "holds a NUL character");
        }
    }

    /// The same, and an object.
    pub(super) fn object(&mut self, field: &'static str, value: &Value) {
        if value.is_object() {
            self.json(field, value);
        } else {
            self.problem(field, "is not an object");
        }
    }
}
