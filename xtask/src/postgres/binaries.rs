//! Where PostgreSQL's programs are.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::process::variable;

const NEEDED: [&str; 3] = ["initdb", "pg_ctl", "postgres"];

/// Debian and its children keep the server's programs here, by major version and off the PATH.
const BY_VERSION: &str = "/usr/lib/postgresql";

/// The folder with the server's programs: PGBIN, then PATH, then the highest installed version.
pub(super) fn find() -> Result<PathBuf, String> {
    choose(
        variable("PGBIN").as_deref(),
        variable("PATH").as_deref(),
        Path::new(BY_VERSION),
    )
}

fn choose(
    named: Option<&OsStr>,
    path: Option<&OsStr>,
    by_version: &Path,
) -> Result<PathBuf, String> {
    if let Some(named) = named.map(Path::new) {
        return complete(named).ok_or_else(|| {
            format!(
                "PGBIN is {}, where not all of {} are",
                named.display(),
                NEEDED.join(", ")
            )
        });
    }
    path.map(std::env::split_paths)
        .into_iter()
        .flatten()
        .find_map(|folder| complete(&folder))
        .or_else(|| highest(by_version))
        .ok_or_else(|| {
            "PostgreSQL's server programs are not installed; install them (`apt-get install postgresql`, \
             `brew install postgresql`) or name their folder in PGBIN"
                .to_owned()
        })
}

/// The real folder behind links: the programs look for each other beside themselves.
fn complete(folder: &Path) -> Option<PathBuf> {
    if !NEEDED.iter().all(|program| folder.join(program).is_file()) {
        return None;
    }
    let initdb = folder.join("initdb").canonicalize().ok()?;
    initdb.parent().map(Path::to_owned)
}

fn highest(by_version: &Path) -> Option<PathBuf> {
    let versions = fs::read_dir(by_version).ok()?.flatten();
    let versions = versions.filter_map(|entry| {
        let version: u32 = entry.file_name().to_str()?.parse().ok()?;
        Some((version, complete(&entry.path().join("bin"))?))
    });
    versions.max().map(|(_, folder)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn install(folder: &Path) -> PathBuf {
        fs::create_dir_all(folder).unwrap();
        for program in NEEDED {
            fs::write(folder.join(program), "").unwrap();
        }
        folder.canonicalize().unwrap()
    }

    #[test]
    fn the_highest_version_is_a_number_and_not_a_word() {
        let root = tempfile::tempdir().unwrap();
        install(&root.path().join("9/bin"));
        let newest = install(&root.path().join("16/bin"));
        fs::create_dir_all(root.path().join("17/bin")).unwrap();
        fs::create_dir_all(root.path().join("jit/bin")).unwrap();
        assert_eq!(choose(None, None, root.path()).unwrap(), newest);
    }

    #[test]
    fn a_link_on_the_path_leads_to_the_real_folder() {
        let root = tempfile::tempdir().unwrap();
        let real = install(&root.path().join("real"));
        let links = root.path().join("links");
        fs::create_dir(&links).unwrap();
        for program in NEEDED {
            std::os::unix::fs::symlink(real.join(program), links.join(program)).unwrap();
        }
        let found = choose(None, Some(links.as_os_str()), Path::new("/nowhere"));
        assert_eq!(found.unwrap(), real);
    }

    #[test]
    fn a_wrong_pgbin_is_not_passed_over() {
        let root = tempfile::tempdir().unwrap();
        let path = install(&root.path().join("path"));
        let error = choose(
            Some(OsStr::new("/nowhere")),
            Some(path.as_os_str()),
            root.path(),
        );
        assert!(error.unwrap_err().starts_with("PGBIN is /nowhere"));
    }

    #[test]
    fn nothing_installed_says_what_to_install() {
        let error = choose(None, None, Path::new("/nowhere")).unwrap_err();
        assert!(error.contains("apt-get install postgresql"), "{error}");
        assert_eq!(error.lines().count(), 1);
    }
}
