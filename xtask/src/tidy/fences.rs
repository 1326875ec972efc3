//! Which packages may use which crates of others, so that each of them can be replaced in one place.

use super::workspace::{Kind, Workspace};

/// One crate of others behind a fence.
struct Fence {
    name: &'static str,
    inside: &'static [&'static str],
    /// Whether the tests of every package may use it.
    free_in_tests: bool,
}

const fn fence(name: &'static str, inside: &'static [&'static str]) -> Fence {
    Fence {
        name,
        inside,
        free_in_tests: false,
    }
}

const fn free_in_tests(name: &'static str, inside: &'static [&'static str]) -> Fence {
    Fence {
        name,
        inside,
        free_in_tests: true,
    }
}

const FENCES: &[Fence] = &[
    fence("diesel", &["persistence"]),
    fence("diesel-async", &["persistence"]),
    fence("diesel_migrations", &["persistence"]),
    fence("deadpool", &["persistence", "bench"]),
    fence("libsqlite3-sys", &["persistence"]),
    fence("tokio-postgres-rustls", &["persistence"]),
    fence("tokio-postgres", &["persistence", "testdb", "e2e", "bench"]),
    fence("redis", &["cache"]),
    fence("csv", &["imports"]),
    fence("maud", &["console", "emulator"]),
    fence("jsonwebtoken", &["auth", "emulator"]),
    free_in_tests("svix", &["webhooks", "emulator", "e2e"]),
    // In `auth` only behind its feature of that name, which nothing of ours switches on.
    free_in_tests(
        "axum",
        &[
            "auth",
            "api",
            "console",
            "emulator",
            "clerk-sync",
            "e2e",
            "bench",
        ],
    ),
    free_in_tests(
        "reqwest",
        &[
            "auth",
            "clerk",
            "assistant",
            "emulator",
            "clerk-sync",
            "e2e",
        ],
    ),
];

pub(super) fn check(workspace: &Workspace) -> Vec<String> {
    let mut wrong = Vec::new();
    for package in &workspace.packages {
        for dependency in &package.dependencies {
            let Some(fence) = FENCES.iter().find(|fence| fence.name == dependency.name) else {
                continue;
            };
            let for_tests = fence.free_in_tests && dependency.kind == Kind::Dev;
            if !fence.inside.contains(&package.name.as_str()) && !for_tests {
                wrong.push(format!(
                    "{}: `{}` may not use `{}`, which belongs to {}",
                    package.manifest,
                    package.name,
                    fence.name,
                    fence.inside.join(", ")
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
    fn inside_the_fence_and_in_tests_is_fine() {
        let workspace = Workspace::of(&[
            ("persistence", &[("diesel", Kind::Normal)]),
            (
                "auth",
                &[("jsonwebtoken", Kind::Normal), ("axum", Kind::Normal)],
            ),
            ("domain", &[("serde", Kind::Normal)]),
        ]);
        assert_eq!(check(&workspace), Vec::<String>::new());
    }

    #[test]
    fn every_fence_holds_for_the_domain() {
        for fence in FENCES {
            let wrong = check(&Workspace::of(&[("domain", &[(fence.name, Kind::Normal)])]));
            assert_eq!(wrong.len(), 1, "{}", fence.name);
            assert!(wrong[0].contains("`domain` may not use"), "{wrong:?}");
        }
    }

    #[test]
    fn tests_and_build_scripts_have_no_way_round() {
        let workspace = Workspace::of(&[
            ("api", &[("diesel", Kind::Dev)]),
            ("webhooks", &[("axum", Kind::Build)]),
        ]);
        assert_eq!(
            check(&workspace),
            [
                "crates/api/Cargo.toml: `api` may not use `diesel`, which belongs to persistence",
                "crates/webhooks/Cargo.toml: `webhooks` may not use `axum`, which belongs to auth, api, console, emulator, clerk-sync, e2e, bench",
            ]
        );
    }
}
