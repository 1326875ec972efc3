//! `cargo xtask tidy`: the rules of the house that no compiler checks. Each rule group is a pure function from what was
//! read to what is wrong.

mod faults;
mod fences;
mod files;
mod layers;
mod links;
mod lockfile;
mod manifests;
mod migrations;
mod named_tests;
mod promises;
mod text;
mod tree;
pub(crate) mod workspace;

use std::path::Path;

use tree::Tree;
use workspace::Workspace;

use crate::process;

/// Prints everything that is wrong, one line each; fails when there is anything.
pub(crate) fn run() -> Result<(), String> {
    let wrong = check(&process::root())?;
    for line in &wrong {
        eprintln!("tidy: {line}");
    }
    match wrong.len() {
        0 => {
            println!("tidy: nothing to say");
            Ok(())
        }
        1 => Err("tidy found 1 thing to put right".to_owned()),
        count => Err(format!("tidy found {count} things to put right")),
    }
}

fn check(root: &Path) -> Result<Vec<String>, String> {
    let workspace = Workspace::load()?;
    let tree = Tree::read(root)?;
    Ok([
        layers::check(&workspace),
        fences::check(&workspace),
        manifests::check(&workspace, &tree),
        lockfile::check(&tree),
        files::check(&tree),
        migrations::check(&tree),
        text::check(&tree),
        links::check(&tree),
        faults::check(&tree),
        promises::check(&workspace, &tree),
    ]
    .concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_tree_is_tidy() {
        let wrong = check(&process::root()).unwrap();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
