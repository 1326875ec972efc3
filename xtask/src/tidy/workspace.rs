//! The workspace as `cargo metadata` tells it.

use serde_json::Value;

use crate::process::{self, cargo};

/// All packages of this workspace.
pub(crate) struct Workspace {
    pub(crate) packages: Vec<Package>,
}

/// One package and what its manifest declares.
pub(crate) struct Package {
    pub(crate) name: String,
    /// Relative to the root.
    pub(crate) manifest: String,
    /// Whether it has a library with examples that can be tested.
    pub(crate) library: bool,
    pub(crate) dependencies: Vec<Dependency>,
}

/// One declared dependency.
pub(crate) struct Dependency {
    /// The package's real name, whatever it is renamed to.
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// Which section of the manifest a dependency stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Normal,
    Dev,
    Build,
}

impl Workspace {
    /// Asks cargo; nothing is resolved or fetched.
    pub(crate) fn load() -> Result<Self, String> {
        let printed =
            process::capture(cargo().args(["metadata", "--no-deps", "--format-version=1"]))?;
        let value: Value = serde_json::from_str(&printed)
            .map_err(|error| format!("`cargo metadata` printed no JSON: {error}"))?;
        Self::read(&value)
            .ok_or_else(|| "`cargo metadata` has another shape than expected".to_owned())
    }

    fn read(metadata: &Value) -> Option<Self> {
        let root = metadata.get("workspace_root")?.as_str()?;
        let packages = metadata.get("packages")?.as_array()?;
        let packages = packages.iter().map(|package| Package::read(package, root));
        Some(Self {
            packages: packages.collect::<Option<_>>()?,
        })
    }
}

impl Package {
    fn read(package: &Value, root: &str) -> Option<Self> {
        let manifest = package.get("manifest_path")?.as_str()?;
        let dependencies = package.get("dependencies")?.as_array()?;
        let documented =
            |target: &Value| target.get("doctest").and_then(Value::as_bool) == Some(true);
        Some(Self {
            name: package.get("name")?.as_str()?.to_owned(),
            manifest: manifest
                .strip_prefix(root)?
                .trim_start_matches('/')
                .to_owned(),
            library: package.get("targets")?.as_array()?.iter().any(documented),
            dependencies: dependencies
                .iter()
                .map(Dependency::read)
                .collect::<Option<_>>()?,
        })
    }
}

impl Dependency {
    fn read(dependency: &Value) -> Option<Self> {
        let kind = match dependency.get("kind")?.as_str() {
            None => Kind::Normal,
            Some("dev") => Kind::Dev,
            Some("build") => Kind::Build,
            Some(_) => return None,
        };
        let name = dependency.get("name")?.as_str()?.to_owned();
        Some(Self { name, kind })
    }
}

/// Workspaces for tests of the rules.
#[cfg(test)]
impl Workspace {
    /// Packages by name, each with dependencies by name and kind.
    pub(crate) fn of(packages: &[(&str, &[(&str, Kind)])]) -> Self {
        let packages = packages.iter().map(|(name, dependencies)| Package {
            name: (*name).to_owned(),
            manifest: format!("crates/{name}/Cargo.toml"),
            library: true,
            dependencies: dependencies
                .iter()
                .map(|(name, kind)| Dependency {
                    name: (*name).to_owned(),
                    kind: *kind,
                })
                .collect(),
        });
        Self {
            packages: packages.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_workspace_is_read_with_its_kinds() {
        let workspace = Workspace::load().unwrap();
        let package = |name: &str| {
            workspace
                .packages
                .iter()
                .find(|package| package.name == name)
                .unwrap()
        };
        assert_eq!(package("xtask").manifest, "xtask/Cargo.toml");
        assert!(!package("xtask").library);
        assert!(package("domain").library);
        let persistence = &package("persistence").dependencies;
        assert!(
            persistence
                .iter()
                .any(|found| found.name == "diesel" && found.kind == Kind::Normal)
        );
        assert!(
            persistence
                .iter()
                .any(|found| found.name == "testdb" && found.kind == Kind::Dev)
        );
    }
}
