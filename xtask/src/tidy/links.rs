//! Links between the texts of this repository: the file is there, and so is the heading.

use std::collections::BTreeSet;

use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<String> {
    let paths: BTreeSet<&str> = tree.paths().collect();
    let mut wrong = Vec::new();
    for (path, text) in tree.texts().filter(|(path, _)| path.ends_with(".md")) {
        for (number, target) in links(text) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() {
                Some(path.to_owned())
            } else {
                beside(path, file)
            };
            let is_there = |file: &String| {
                let folder = format!("{file}/");
                paths.contains(file.as_str()) || paths.iter().any(|path| path.starts_with(&folder))
            };
            let Some(file) = file.filter(is_there) else {
                wrong.push(format!("{path}:{number}: `{target}` is not here"));
                continue;
            };
            let headings = || anchors(tree.text(&file).unwrap_or_default());
            if !anchor.is_empty() && file.ends_with(".md") && !headings().contains(anchor) {
                wrong.push(format!(
                    "{path}:{number}: {file} has no heading `#{anchor}`"
                ));
            }
        }
    }
    wrong
}

/// Where links lead, with their lines; those to other places than this repository are left out.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for (_, rest) in line
            .match_indices("](")
            .map(|(at, open)| line.split_at(at + open.len()))
        {
            let target = rest.split([')', ' ']).next().unwrap_or_default();
            if !target.is_empty() && !target.contains(':') {
                found.push((index + 1, target));
            }
        }
    }
    found
}

/// The path that a link of `path` means; none when it leads out of the repository.
fn beside(path: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in link.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// The anchors that a text's headings have where it is shown: small letters, digits, and `-` for spaces.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut is_code = false;
    let mut found = BTreeSet::new();
    for line in text.lines() {
        is_code ^= line.starts_with("```");
        let title = line.trim_start_matches('#');
        if is_code || title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let mut anchor = String::new();
        for letter in title.trim().to_lowercase().chars() {
            match letter {
                ' ' => anchor.push('-'),
                '-' | '_' => anchor.push(letter),
                letter if letter.is_alphanumeric() => anchor.push(letter),
                _ => {}
            }
        }
        found.insert(anchor);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> Vec<String> {
        let other = "# Other\n## What it's `for`, in short\n```\n# no heading\n```\n";
        check(&Tree::of(&[
            ("docs/here.md", text),
            ("docs/sub/other.md", other),
            ("README.md", "# Read"),
        ]))
    }

    #[test]
    fn links_that_hold_are_fine() {
        let text = "# Here\n[a](sub/other.md) [b](sub/other.md#what-its-for-in-short)\n[c](../README.md#read) \
                    [d](#here) [e](https://example.org/x.md#y) [f](sub) [g](sub/)\n";
        assert_eq!(wrong(text), Vec::<String>::new());
    }

    #[test]
    fn links_that_lead_nowhere_are_named_with_their_line() {
        let text = "\n[a](other.md) [b](../../out.md)\n[c](sub/other.md#no-heading) [d](#there)\n";
        let wrong = wrong(text);
        assert_eq!(wrong.len(), 4, "{wrong:?}");
        assert_eq!(wrong[0], "docs/here.md:2: `other.md` is not here");
        assert!(wrong[1].starts_with("docs/here.md:2: `../../out.md`"));
        assert_eq!(
            wrong[2],
            "docs/here.md:3: docs/sub/other.md has no heading `#no-heading`"
        );
        assert!(wrong[3].starts_with("docs/here.md:3: docs/here.md has no heading"));
    }
}
