//! What people write about goals that were missed: `notes.md`, a heading for each key, `## me-hot`, and below it why, and what
//! was tried.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::Failure;

/// The notes by key; none without a file.
pub(crate) fn read(file: Option<&Path>) -> Result<BTreeMap<String, String>, Failure> {
    let Some(file) = file else {
        return Ok(BTreeMap::new());
    };
    let text = std::fs::read_to_string(file)
        .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    Ok(parsed(&text))
}

/// A section on goals that were missed: key and name of each, with what is written on it.
pub(crate) fn section(
    missed: &[(&'static str, String)],
    notes: &BTreeMap<String, String>,
) -> String {
    if missed.is_empty() {
        return String::new();
    }
    let mut section = "## What is missed, why, and what was tried\n\n".to_owned();
    for (key, name) in missed {
        let note = notes.get(*key).map_or("Not explained yet.", String::as_str);
        let _ = writeln!(section, "**{name}** (`{key}`). {note}\n");
    }
    section
}

fn parsed(text: &str) -> BTreeMap<String, String> {
    text.split("\n## ")
        .skip(1)
        .map(|section| {
            let (key, note) = section.split_once('\n').unwrap_or((section, ""));
            (key.trim().to_owned(), note.trim().to_owned())
        })
        .filter(|(_, note)| !note.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missed_is_named_with_its_note_or_without() {
        let notes = parsed("\n## one\n\nBecause.\n");
        let missed = [
            ("one", "The first".to_owned()),
            ("two", "The second".to_owned()),
        ];
        let text = section(&missed, &notes);
        assert!(text.contains("**The first** (`one`). Because."));
        assert!(text.contains("**The second** (`two`). Not explained yet."));
        assert_eq!(section(&[], &notes), "");
    }

    #[test]
    fn each_heading_is_a_key_and_what_is_empty_is_no_note() {
        let notes =
            parsed("# Title\n\nWords.\n\n## one\n\nBecause.\n\n## two\n\n## three\nOf it.\n");
        let expected = [("one", "Because."), ("three", "Of it.")];
        assert_eq!(notes.len(), 2);
        for (key, note) in expected {
            assert_eq!(notes.get(key).map(String::as_str), Some(note));
        }
    }
}
