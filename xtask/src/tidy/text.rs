//! Words that must not stand in any file: notes for later, which belong on the issue, and paths of one machine.

use super::tree::Tree;

// Written in two halves, so that this file passes its own rule.
const NOTES: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("db", "g!"),
];
const MACHINES: &[&str] = &[
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("/Us", "ers/"),
];

pub(super) fn check(tree: &Tree) -> Vec<String> {
    let mut wrong = Vec::new();
    for (path, text) in tree.texts() {
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            let notes = NOTES.iter().filter(|note| stands_alone(line, note));
            wrong.extend(notes.map(|note| {
                format!("{path}:{number}: `{note}` is for the issue, not for the file")
            }));
            let machines = MACHINES.iter().filter(|start| begins_a_path(line, start));
            wrong.extend(machines.map(|start| {
                format!("{path}:{number}: a path under `{start}` exists on one machine only")
            }));
        }
    }
    wrong
}

/// As a word of its own: a name that only contains it is fine.
fn stands_alone(line: &str, word: &str) -> bool {
    let is_letter = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(start, _)| {
        let before = line.get(..start).and_then(|text| text.chars().next_back());
        let after = line
            .get(start + word.len()..)
            .and_then(|text| text.chars().next());
        !before.is_some_and(is_letter) && (word.ends_with('!') || !after.is_some_and(is_letter))
    })
}

/// At the start of a path, not in the middle of a longer one or of a URL.
fn begins_a_path(line: &str, start: &str) -> bool {
    line.match_indices(start).any(|(position, _)| {
        let before = line
            .get(..position)
            .and_then(|text| text.chars().next_back());
        !before.is_some_and(|c| {
            c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '~' | '}' | ')' | '*')
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(line: &str) -> usize {
        check(&Tree::of(&[("docs/read.md", line)])).len()
    }

    #[test]
    fn notes_for_later_are_named_with_their_line() {
        let [later, broken, print] = NOTES else {
            panic!("three notes")
        };
        let text = format!("fine\n// {later}: more\n# {broken}\n{print}(x)\n");
        let wrong = check(&Tree::of(&[("src/a.rs", &text)]));
        assert_eq!(wrong.len(), 3, "{wrong:?}");
        assert!(wrong[0].starts_with("src/a.rs:2: "), "{wrong:?}");
        assert!(wrong[2].starts_with("src/a.rs:4: "), "{wrong:?}");
    }

    #[test]
    fn words_that_only_contain_one_are_fine() {
        assert_eq!(wrong(&format!("{}S and my_{}", NOTES[0], NOTES[1])), 0);
    }

    #[test]
    fn paths_of_a_machine_are_named_and_parts_of_others_are_not() {
        for start in MACHINES {
            assert_eq!(wrong(&format!("see {start}x")), 1);
            assert_eq!(wrong(&format!("file://{start}x")), 1);
            assert_eq!(wrong(&format!("https://example.org{start}x")), 0);
            assert_eq!(wrong(&format!("${{PWD}}{start}x")), 0);
        }
    }
}
