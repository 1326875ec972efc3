//! Every package takes the workspace's lints.

use super::tree::Tree;
use super::workspace::Workspace;

pub(super) fn check(workspace: &Workspace, tree: &Tree) -> Vec<String> {
    let manifests = workspace
        .packages
        .iter()
        .map(|package| package.manifest.as_str());
    manifests
        .filter(|path| !tree.text(path).is_some_and(takes_lints))
        .map(|path| format!("{path}: add `[lints]` with `workspace = true`"))
        .collect()
}

fn takes_lints(manifest: &str) -> bool {
    let mut section = "";
    manifest.lines().map(str::trim).any(|line| {
        if line.starts_with('[') {
            section = line;
        }
        let plain: String = line
            .split('#')
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        section == "[lints]" && plain == "workspace=true"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lints_of_the_workspace_are_asked_for() {
        let workspace = Workspace::of(&[("kept", &[]), ("left", &[]), ("other", &[])]);
        let tree = Tree::of(&[
            (
                "crates/kept/Cargo.toml",
                "[package]\nname = \"kept\"\n\n[lints]\nworkspace = true\n",
            ),
            ("crates/left/Cargo.toml", "[package]\nworkspace = true\n"),
            (
                "crates/other/Cargo.toml",
                "[lints]\n# workspace = true\n\n[lints.rust]\nworkspace = true\n",
            ),
        ]);
        assert_eq!(
            check(&workspace, &tree),
            [
                "crates/left/Cargo.toml: add `[lints]` with `workspace = true`",
                "crates/other/Cargo.toml: add `[lints]` with `workspace = true`",
            ]
        );
    }
}
