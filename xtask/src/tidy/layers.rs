//! Who may import whom, floor by floor. An arrow that is not here is a change of the architecture.

use super::workspace::{Kind, Workspace};

/// A package, and the packages of ours that it may depend on.
const FLOORS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    // Clerk's JSON, which comes in by two doors and is read by one reader.
    ("mapping", &["domain"]),
    // Translators around the language: they never know each other.
    ("auth", &["domain"]),
    ("clerk", &["domain", "mapping"]),
    ("webhooks", &["domain", "mapping"]),
    ("persistence", &["domain"]),
    ("cache", &["domain"]),
    ("imports", &["domain"]),
    ("assistant", &["domain"]),
    // They speak HTTP.
    ("api", &["domain", "auth", "webhooks"]),
    ("console", &["domain", "auth", "api"]),
    // Stands alone, so that it can serve any project.
    ("emulator", &[]),
    // Only the server knows everything.
    (
        "clerk-sync",
        &[
            "domain",
            "auth",
            "clerk",
            "webhooks",
            "persistence",
            "cache",
            "imports",
            "assistant",
            "api",
            "console",
            "emulator",
        ],
    ),
    // Beside the house: tests and tools.
    ("testdb", &[]),
    ("xtask", &[]),
    ("bench", &[]),
    (
        "e2e",
        &[
            "domain",
            "auth",
            "clerk",
            "webhooks",
            "persistence",
            "cache",
            "imports",
            "assistant",
            "api",
            "console",
            "emulator",
            "clerk-sync",
            "testdb",
        ],
    ),
];

/// What the tests of any package may use besides.
const TESTS: &[&str] = &["testdb", "emulator"];

pub(super) fn check(workspace: &Workspace) -> Vec<String> {
    let ours = |name: &str| {
        workspace
            .packages
            .iter()
            .any(|package| package.name == name)
    };
    let mut wrong = Vec::new();
    for package in &workspace.packages {
        let Some((_, allowed)) = FLOORS.iter().find(|(name, _)| *name == package.name) else {
            wrong.push(format!(
                "{}: package `{}` has no floor; give it one in xtask/src/tidy/layers.rs",
                package.manifest, package.name
            ));
            continue;
        };
        for dependency in package
            .dependencies
            .iter()
            .filter(|dependency| ours(&dependency.name))
        {
            let name = dependency.name.as_str();
            // A package may name itself, to switch its own features on for its tests.
            let for_tests =
                dependency.kind == Kind::Dev && (TESTS.contains(&name) || name == package.name);
            if !allowed.contains(&name) && !for_tests {
                let may = if allowed.is_empty() {
                    "nothing of ours".to_owned()
                } else {
                    allowed.join(", ")
                };
                wrong.push(format!(
                    "{}: `{}` may not import `{name}`; it may import {may}",
                    package.manifest, package.name
                ));
            }
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_go_down() {
        let workspace = Workspace::of(&[
            ("domain", &[]),
            ("mapping", &[("domain", Kind::Normal)]),
            ("auth", &[("domain", Kind::Normal), ("serde", Kind::Normal)]),
            (
                "webhooks",
                &[("domain", Kind::Normal), ("mapping", Kind::Normal)],
            ),
            (
                "clerk",
                &[
                    ("domain", Kind::Normal),
                    ("mapping", Kind::Normal),
                    ("reqwest", Kind::Normal),
                ],
            ),
            (
                "api",
                &[
                    ("domain", Kind::Normal),
                    ("auth", Kind::Normal),
                    ("emulator", Kind::Dev),
                ],
            ),
            (
                "persistence",
                &[("testdb", Kind::Dev), ("persistence", Kind::Dev)],
            ),
            ("emulator", &[]),
            ("testdb", &[]),
        ]);
        assert_eq!(check(&workspace), Vec::<String>::new());
    }

    #[test]
    fn arrows_up_and_sideways_are_named() {
        let workspace = Workspace::of(&[
            ("domain", &[("auth", Kind::Normal)]),
            ("auth", &[("webhooks", Kind::Dev)]),
            ("mapping", &[("webhooks", Kind::Normal)]),
            ("clerk", &[("webhooks", Kind::Normal)]),
            ("webhooks", &[("testdb", Kind::Normal)]),
            ("emulator", &[("domain", Kind::Build)]),
            ("testdb", &[]),
        ]);
        assert_eq!(
            check(&workspace),
            [
                "crates/domain/Cargo.toml: `domain` may not import `auth`; it may import nothing of ours",
                "crates/auth/Cargo.toml: `auth` may not import `webhooks`; it may import domain",
                "crates/mapping/Cargo.toml: `mapping` may not import `webhooks`; it may import domain",
                "crates/clerk/Cargo.toml: `clerk` may not import `webhooks`; it may import domain, mapping",
                "crates/webhooks/Cargo.toml: `webhooks` may not import `testdb`; it may import domain, mapping",
                "crates/emulator/Cargo.toml: `emulator` may not import `domain`; it may import nothing of ours",
            ]
        );
    }

    #[test]
    fn a_new_package_needs_a_floor() {
        let wrong = check(&Workspace::of(&[("attic", &[])]));
        assert!(wrong[0].contains("`attic` has no floor"), "{wrong:?}");
    }

    #[test]
    fn the_table_has_no_circle() {
        // Every floor only names floors whose own arrows lead to the ground: take away what stands on nothing until
        // nothing is left.
        let mut left: Vec<_> = FLOORS.to_vec();
        while !left.is_empty() {
            let names: Vec<_> = left.iter().map(|(name, _)| *name).collect();
            let before = left.len();
            left.retain(|(_, allowed)| allowed.iter().any(|name| names.contains(name)));
            assert!(left.len() < before, "a circle among {names:?}");
        }
    }
}
