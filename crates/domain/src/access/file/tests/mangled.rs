//! Files that something happened to.

use proptest::prelude::*;

use super::super::read;

/// The guide's file has every kind of entry.
const GUIDE: &str = include_str!("../../../../../../docs/guides/roles-tiers-and-limits.md");

proptest! {
    /// Whatever is done to a file, the answer is a policy or faults in lines that there are.
    #[test]
    fn no_file_is_beyond_reading(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..12, prop::sample::select(PIECES)), 1..6)
    ) {
        let block = GUIDE.split("```toml\n").nth(1).unwrap();
        let mut text: Vec<char> = block.split("```").next().unwrap().chars().collect();
        for (index, length, piece) in edits {
            let from = index.index(text.len());
            let to = (from + length).min(text.len());
            text.splice(from..to, piece.chars());
        }
        let text: String = text.into_iter().collect();
        if let Err(errors) = read(&text) {
            let lines = 1 + text.matches('\n').count();
            prop_assert!(!errors.0.is_empty());
            for fault in errors.0 {
                prop_assert!((1..=lines).contains(&fault.line), "{fault:?}");
            }
        }
    }
}

/// What breaks files.
const PIECES: &[&str] = &[
    "",
    "\n",
    "\"",
    "'",
    "[",
    "]]",
    "{",
    "}",
    "=",
    ".",
    ",",
    "#",
    "-1",
    "99999999999",
    "0x",
    "true",
    "é",
    "\0",
    "\u{feff}",
    "\r\n",
    "[[tiers]]",
    "[roles]\n",
    "name",
    "\\u0000",
];
