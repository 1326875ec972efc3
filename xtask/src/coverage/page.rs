//! The table of what was counted, as Markdown.

use std::collections::BTreeMap;

use super::lines::{Counted, Lines, ranges};

/// Crates and files below this are named with their lines.
const GOAL: f64 = 90.0;

/// `date` is of the run.
pub(super) fn page(counted: &Counted, date: &str) -> String {
    let mut page = format!(
        "# Coverage\n\n\
         Written by `cargo xtask coverage` on {date}: lines of `crates/` that `cargo xtask test` runs, counted by `cargo llvm-cov`. Tests,\n\
         those at the foot of a file too, and the crate `testdb` are no part of it; examples in the documentation are not counted\n\
         either. Processes that a test kills say nothing of what they ran. The goal is {GOAL:.0} %.\n\n\
         | crate | lines | not run | covered |\n|---|--:|--:|--:|\n"
    );
    let mut all = Sum::default();
    for (name, files) in &counted.0 {
        let sum = Sum::of(files.values());
        page.push_str(&sum.row(name));
        all.add(&sum);
    }
    page.push_str(&all.row("**all**"));
    page.push_str("\n## Files below the goal, and their lines\n\n| file | covered | lines that no test runs |\n|---|--:|---|\n");
    for (path, lines) in counted.0.values().flat_map(BTreeMap::iter) {
        let sum = Sum::of([lines]);
        if sum.percent() < GOAL {
            let missed = ranges(&lines.missed);
            page.push_str(&format!(
                "| `{path}` | {:.0} % | {missed} |\n",
                sum.percent()
            ));
        }
    }
    page
}

#[derive(Default)]
struct Sum {
    lines: usize,
    missed: usize,
}

impl Sum {
    fn of<'a>(files: impl IntoIterator<Item = &'a Lines>) -> Self {
        let mut sum = Self::default();
        for file in files {
            sum.add(&Self {
                lines: file.all,
                missed: file.missed.len(),
            });
        }
        sum
    }

    fn add(&mut self, other: &Self) {
        self.lines += other.lines;
        self.missed += other.missed;
    }

    fn percent(&self) -> f64 {
        if self.lines == 0 {
            return 100.0;
        }
        (self.lines - self.missed) as f64 * 100.0 / self.lines as f64
    }

    fn row(&self, name: &str) -> String {
        let Self { lines, missed } = self;
        format!(
            "| {name} | {lines} | {missed} | {:.1} % |\n",
            self.percent()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_summed_and_bare_files_named() {
        let lines = |all, missed: &[u32]| Lines {
            all,
            missed: missed.to_vec(),
        };
        let files = BTreeMap::from([
            ("a/src/good.rs".to_owned(), lines(9, &[])),
            ("a/src/poor.rs".to_owned(), lines(1, &[4])),
        ]);
        let page = page(
            &Counted(BTreeMap::from([("a".to_owned(), files)])),
            "2026-05-28",
        );
        assert!(page.contains("| a | 10 | 1 | 90.0 % |"), "{page}");
        assert!(page.contains("| **all** | 10 | 1 | 90.0 % |"), "{page}");
        assert!(page.contains("| `a/src/poor.rs` | 0 % | 4 |"), "{page}");
        assert!(!page.contains("good.rs"), "{page}");
    }
}
