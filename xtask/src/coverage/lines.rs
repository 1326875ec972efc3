//! Reads what was counted, in lcov's format, and keeps the lines that are ours.

use std::collections::BTreeMap;
use std::path::Path;

/// Tools of tests, which nobody runs but they.
const TESTS_OWN: [&str; 1] = ["testdb"];

/// The lines of one file: how many count, and the numbers of those that no test ran.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Lines {
    pub(super) all: usize,
    pub(super) missed: Vec<u32>,
}

/// By crate and by path within `crates/`.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Counted(pub(super) BTreeMap<String, BTreeMap<String, Lines>>);

impl Counted {
    /// Reads `SF:` (a file) and `DA:` (a line and how often it ran) and nothing else. `source` gives the text of a file.
    pub(super) fn of(lcov: &str, root: &Path, source: &dyn Fn(&Path) -> Option<String>) -> Self {
        let crates = root.join("crates");
        let mut counted = Self::default();
        // Where lines go that come now, and the first that is none of ours.
        let mut place: Option<(&mut Lines, u32)> = None;
        for line in lcov.lines() {
            if let Some(path) = line.strip_prefix("SF:") {
                let path = Path::new(path);
                place = None;
                let within = path.strip_prefix(&crates).ok().and_then(Path::to_str);
                let Some(within) = within.filter(|within| is_source(within)) else {
                    continue;
                };
                let name = within.split('/').next().unwrap_or_default();
                if TESTS_OWN.contains(&name) {
                    continue;
                }
                let foot = foot(&source(path).unwrap_or_default());
                let files = counted.0.entry(name.to_owned()).or_default();
                place = Some((files.entry(within.to_owned()).or_default(), foot));
            } else if let (Some(counts), Some((lines, foot))) =
                (line.strip_prefix("DA:"), place.as_mut())
                && let Some((number, times)) = counts.split_once(',')
                && let Ok(number) = number.parse::<u32>()
                && number < *foot
            {
                lines.all += 1;
                if times == "0" {
                    lines.missed.push(number);
                }
            }
        }
        for files in counted.0.values_mut() {
            files.retain(|_, lines| lines.all > 0);
        }
        counted
    }
}

/// Files below `src` that are no tests.
fn is_source(within: &str) -> bool {
    let mut parts = within.split('/').skip(1);
    parts.next() == Some("src") && parts.all(|part| part != "tests" && part != "tests.rs")
}

/// The number of the line at which the tests at the foot of a file begin; beyond the last one when it has none.
fn foot(source: &str) -> u32 {
    let mut lines = source.lines().zip(1_u32..).peekable();
    while let Some((line, number)) = lines.next() {
        if line == "#[cfg(test)]"
            && lines
                .peek()
                .is_some_and(|(next, _)| next.starts_with("mod ") && next.ends_with('{'))
        {
            return number;
        }
    }
    u32::MAX
}

/// Numbers as people write them: `3, 7-9`.
pub(super) fn ranges(numbers: &[u32]) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for &number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let words = ranges.into_iter().map(|(first, last)| {
        if first == last {
            first.to_string()
        } else {
            format!("{first}-{last}")
        }
    });
    words.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str =
        "fn one() {}\nfn two() {}\n#[cfg(test)]\nmod tests {\n    fn three() {}\n}\n";

    fn counted(lcov: &str) -> Counted {
        Counted::of(lcov, Path::new("/r"), &|_| Some(SOURCE.to_owned()))
    }

    #[test]
    fn lines_of_ours_are_counted_and_tests_are_not() {
        let lcov = "SF:/r/crates/a/src/x.rs\nFN:1,one\nDA:1,7\nDA:2,0\nDA:5,3\nend_of_record\n\
                    SF:/r/crates/a/src/x/tests.rs\nDA:1,1\nend_of_record\n\
                    SF:/r/crates/a/tests/it/main.rs\nDA:1,1\nend_of_record\n\
                    SF:/r/crates/testdb/src/lib.rs\nDA:1,1\nend_of_record\n\
                    SF:/elsewhere/src/lib.rs\nDA:1,0\nend_of_record\n";
        let Counted(crates) = counted(lcov);
        assert_eq!(crates.keys().collect::<Vec<_>>(), ["a"]);
        let files = &crates["a"];
        assert_eq!(files.keys().collect::<Vec<_>>(), ["a/src/x.rs"]);
        let expected = Lines {
            all: 2,
            missed: vec![2],
        };
        assert_eq!(files["a/src/x.rs"], expected);
    }

    #[test]
    fn a_module_that_is_compiled_for_tests_alone_is_no_foot() {
        assert_eq!(foot(SOURCE), 3);
        assert_eq!(foot("#[cfg(test)]\nmod tests;\nfn one() {}\n"), u32::MAX);
        assert_eq!(foot(""), u32::MAX);
    }

    #[test]
    fn neighbours_are_one_range() {
        assert_eq!(ranges(&[3, 7, 8, 9, 11]), "3, 7-9, 11");
        assert_eq!(ranges(&[]), "");
    }
}
