//! The files of the working tree that are, or are about to be, under version control.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::process::capture;

/// Files by path relative to the root, in order.
pub(super) struct Tree {
    files: Vec<(String, Contents)>,
}

enum Contents {
    Text(String),
    /// Not UTF-8: images and the like.
    Binary,
}

impl Tree {
    /// Tracked files and new ones that are not ignored.
    pub(super) fn read(root: &Path) -> Result<Self, String> {
        let mut list = Command::new("git");
        // A container's checkout often belongs to another user than the one that runs this.
        list.current_dir(root)
            .args(["-c", "safe.directory=*", "ls-files", "-z"]);
        list.args(["--cached", "--others", "--exclude-standard"]);
        let mut paths: Vec<_> = capture(&mut list)?
            .split_terminator('\0')
            .map(str::to_owned)
            .collect();
        paths.sort_unstable();
        paths.dedup();
        let mut files = Vec::new();
        for path in paths {
            // A tracked file that is deleted, or a link to nowhere, has nothing to check.
            match fs::read(root.join(&path)) {
                Ok(bytes) => files.push((
                    path,
                    String::from_utf8(bytes).map_or(Contents::Binary, Contents::Text),
                )),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) if error.kind() == std::io::ErrorKind::IsADirectory => {}
                Err(error) => return Err(format!("cannot read {path}: {error}")),
            }
        }
        Ok(Self { files })
    }

    /// Every path, also of files that are no text.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|(path, _)| path.as_str())
    }

    /// Every text file with its path.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .filter_map(|(path, contents)| match contents {
                Contents::Text(text) => Some((path.as_str(), text.as_str())),
                Contents::Binary => None,
            })
    }

    /// One text file.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.texts()
            .find_map(|(found, text)| (found == path).then_some(text))
    }
}

/// Trees for tests of the rules.
#[cfg(test)]
impl Tree {
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let files = files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), Contents::Text((*text).to_owned())));
        Self {
            files: files.collect(),
        }
    }
}
