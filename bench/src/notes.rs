//! What people write about goals that were missed: `notes.md`, a heading for each key, `## me-hot`, and below it why, and what
//! was tried.

use std::collections::BTreeMap;
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
