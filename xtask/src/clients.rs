//! What the tests with real clients of Clerk need: their libraries, by npm and pip, kept between runs.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::process::{self, variable};
use crate::programs::is_there;

/// Where the Python interpreter with the libraries is, below the target folder.
const PYTHON: &str = "clients/python";
/// And where cargo builds the Rust client, which is no member of the workspace.
const RUST: &str = "clients/rust";

/// What was prepared, and what was not.
#[derive(Default)]
pub(crate) struct Clients {
    /// Beginnings of the names of tests that cannot run here.
    left_out: Vec<&'static str>,
}

impl Clients {
    /// Installs the libraries. Tests whose interpreter is not installed are left out, which is said and never passed over
    /// in CI.
    pub(crate) fn prepare() -> Result<Self, String> {
        let folder = process::root().join("tests/clients");
        let mut clients = Self::default();
        if is_there("node") && is_there("npm") {
            let installed = folder.join("node_modules");
            once(&folder.join("package-lock.json"), &installed, || {
                println!("installing Clerk's JavaScript libraries");
                process::run(Command::new("npm").arg("ci").current_dir(&folder))
            })?;
        } else {
            clients.without("node", "Node.js with npm")?;
        }
        if is_there("python3") {
            let requirements = folder.join("requirements.txt");
            let place = process::target().join(PYTHON);
            once(&requirements, &place, || {
                println!("installing Clerk's Python library");
                let venv = ["-m", "venv", "--clear"];
                process::run(Command::new("python3").args(venv).arg(&place))?;
                let install = ["-m", "pip", "install", "--quiet", "--requirement"];
                let mut python = Command::new(place.join("bin/python"));
                process::run(python.args(install).arg(&requirements))
            })?;
        } else {
            clients.without("python", "Python 3")?;
        }
        if !is_there("go") {
            clients.without("go", "Go")?;
        }
        let mut build = process::cargo();
        build.args(["build", "--quiet", "--locked", "--manifest-path"]);
        build.arg(folder.join("rust/Cargo.toml"));
        build.arg("--target-dir").arg(process::target().join(RUST));
        process::run(&mut build)?;
        Ok(clients)
    }

    fn without(&mut self, tests: &'static str, missing: &str) -> Result<(), String> {
        if variable("CI").is_some() {
            return Err(format!(
                "{missing} is not installed, and CI runs every test: install it"
            ));
        }
        self.left_out.push(tests);
        println!("NOT TESTED: clients::{tests}_…, as {missing} is not installed");
        Ok(())
    }

    /// Tells the tests where things are, and leaves out those that cannot run.
    pub(crate) fn tell(&self, tests: &mut Command, by_nextest: bool) {
        tests.env(
            "TEST_PYTHON",
            process::target().join(PYTHON).join("bin/python"),
        );
        tests.env(
            "TEST_CLERK_RS",
            process::target().join(RUST).join("debug/clerk-rs-client"),
        );
        tests.env(
            "TEST_CLERK_ASSETS",
            process::target().join("clients/assets"),
        );
        if by_nextest && !self.left_out.is_empty() {
            let names = self.left_out.join("|");
            tests.args(["-E", &format!("not test(/^clients::({names})_/)")]);
        }
    }

    /// What `cargo test` takes after `--` to leave the same out.
    pub(crate) fn skipped(&self) -> Vec<String> {
        let names = self.left_out.iter();
        names
            .flat_map(|name| ["--skip".to_owned(), format!("clients::{name}_")])
            .collect()
    }
}

/// Does the work unless what it makes is there already, made from the same list.
pub(crate) fn once(
    list: &Path,
    made: &Path,
    work: impl FnOnce() -> Result<(), String>,
) -> Result<(), String> {
    let wanted =
        fs::read(list).map_err(|error| format!("cannot read {}: {error}", list.display()))?;
    let stamp = made.join(".made-from");
    if fs::read(&stamp).is_ok_and(|known| known == wanted) {
        return Ok(());
    }
    work()?;
    fs::write(&stamp, wanted).map_err(|error| format!("cannot write {}: {error}", stamp.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_done_again_when_its_list_changes() {
        let folder = tempfile::tempdir().unwrap();
        let (list, made) = (folder.path().join("list"), folder.path().join("made"));
        fs::create_dir(&made).unwrap();
        let mut times = 0;
        for (text, expected) in [("a", 1), ("a", 1), ("b", 2)] {
            fs::write(&list, text).unwrap();
            once(&list, &made, || {
                times += 1;
                Ok(())
            })
            .unwrap();
            assert_eq!(times, expected, "{text}");
        }
        fs::write(&list, "c").unwrap();
        let failed = once(&list, &made, || Err("no network".to_owned()));
        assert_eq!(failed.unwrap_err(), "no network");
        once(&list, &made, || {
            times += 1;
            Ok(())
        })
        .unwrap();
        assert_eq!(times, 3);
    }
}
