//! Clerk's own browser components, for pages that work with the offline Clerk. Clerk serves them itself to real instances;
//! they are Clerk's, and no part of this program, so npm fetches them where it is installed.

use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use flate2::read::GzDecoder;
use tar::{Archive, Entry};
use tokio::process::Command;

/// Fetching takes seconds; a network that says nothing should not keep anybody waiting for longer.
const PATIENCE: Duration = Duration::from_secs(60);
/// More than both packages hold together, several times over.
const MOST_BYTES: u64 = 256 * 1024 * 1024;
/// What a package calls itself.
const MANIFEST: &str = "package.json";

/// Which versions of the two packages.
#[derive(Debug, Clone)]
pub(crate) struct Versions {
    /// Of `@clerk/clerk-js`.
    pub(crate) clerk_js: String,
    /// Of `@clerk/ui`, which `clerk-js` before version 6 has in itself.
    pub(crate) ui: Option<String>,
}

impl Default for Versions {
    /// Those that the pages are tested with.
    fn default() -> Self {
        Self {
            clerk_js: "6.40.0".to_owned(),
            ui: Some("1.36.0".to_owned()),
        }
    }
}

impl Versions {
    fn packages(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let ui = self.ui.as_deref().map(|version| ("ui", version));
        [("clerk-js", self.clerk_js.as_str())].into_iter().chain(ui)
    }

    /// Whether this folder holds them.
    pub(crate) fn are_in(&self, folder: &Path) -> bool {
        self.packages().all(|(package, version)| {
            let manifest = fs::read(folder.join(package).join(MANIFEST)).ok();
            let manifest = manifest.and_then(|text| serde_json::from_slice(&text).ok());
            manifest.is_some_and(|manifest: serde_json::Value| {
                manifest.get("version").is_some_and(|it| it == version)
            })
        })
    }
}

/// Why the components are not there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AssetsError {
    #[error("npm cannot be run, and it fetches Clerk's components: install Node.js with npm")]
    NoNpm(#[source] io::Error),
    #[error("npm has not fetched them within {} s", PATIENCE.as_secs())]
    Late,
    #[error("npm could not fetch them: {0}")]
    Npm(String),
    #[error("what npm fetched cannot be unpacked into {}", folder.display())]
    Unpack { folder: PathBuf, source: io::Error },
}

/// Puts the packages into `folder`, as `clerk-js/dist/…` and `ui/dist/…`: whole, or not at all.
///
/// # Errors
/// [`AssetsError`]; what was there before is there still.
pub(crate) async fn fetch(folder: &Path, versions: &Versions) -> Result<(), AssetsError> {
    let unpack = |source| AssetsError::Unpack {
        folder: folder.to_owned(),
        source,
    };
    fs::create_dir_all(folder).map_err(unpack)?;
    let scratch = tempfile::Builder::new()
        .prefix(".fetching")
        .tempdir_in(folder)
        .map_err(unpack)?;
    for (package, version) in versions.packages() {
        let archive = pack(scratch.path(), package, version).await?;
        let (fresh, place) = (scratch.path().join(package), folder.join(package));
        let made = tokio::task::spawn_blocking(move || {
            unpacked(&archive, &fresh)?;
            replace(&fresh, &place)
        });
        made.await
            .map_err(io::Error::other)
            .and_then(|done| done)
            .map_err(unpack)?;
    }
    Ok(())
}

/// Lets npm fetch one package; gives the archive's path.
async fn pack(folder: &Path, package: &str, version: &str) -> Result<PathBuf, AssetsError> {
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let running = Command::new(npm)
        .args(["pack", "--silent", "--ignore-scripts"])
        .arg(format!("@clerk/{package}@{version}"))
        .current_dir(folder)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PATIENCE, running)
        .await
        .map_err(|_| AssetsError::Late)?
        .map_err(AssetsError::NoNpm)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(AssetsError::Npm(said.trim().to_owned()));
    }
    let named = String::from_utf8_lossy(&output.stdout);
    let named = named.lines().last().unwrap_or_default().trim();
    match Path::new(named).file_name() {
        Some(name) => Ok(folder.join(name)),
        None => Err(AssetsError::Npm(
            "it does not say what it fetched".to_owned(),
        )),
    }
}

/// Takes the scripts, the manifest and the licence out of an archive, and nothing else.
fn unpacked(archive: &Path, folder: &Path) -> io::Result<()> {
    let mut archive = Archive::new(GzDecoder::new(fs::File::open(archive)?).take(MOST_BYTES));
    fs::create_dir_all(folder.join("dist"))?;
    for entry in archive.entries()? {
        let mut entry = entry?;
        if let Some(path) = wanted(&entry) {
            io::copy(&mut entry, &mut fs::File::create_new(folder.join(path))?)?;
        }
    }
    if folder.join(MANIFEST).is_file() {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidData,
        "the archive has no package.json",
    ))
}

/// Where to put an entry of the archive: never outside of the folder.
fn wanted<R: Read>(entry: &Entry<'_, R>) -> Option<PathBuf> {
    if !entry.header().entry_type().is_file() {
        return None;
    }
    let path = entry.path().ok()?;
    let parts: Option<Vec<&str>> = path
        .components()
        .map(|part| match part {
            Component::Normal(name) => name.to_str(),
            _ => None,
        })
        .collect();
    match parts?.as_slice() {
        ["package", name @ (MANIFEST | "LICENSE")] => Some(PathBuf::from(name)),
        ["package", "dist", name] if name.ends_with(".js") => Some(Path::new("dist").join(name)),
        _ => None,
    }
}

fn replace(fresh: &Path, place: &Path) -> io::Result<()> {
    match fs::remove_dir_all(place) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::rename(fresh, place)
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tar::{Builder, EntryType, Header};

    use super::*;

    /// An archive of these files, each of which holds its own name.
    fn archive(folder: &Path, names: &[&str]) -> PathBuf {
        let path = folder.join("packed.tgz");
        let file = fs::File::create(&path).unwrap();
        let mut builder = Builder::new(GzEncoder::new(file, Compression::fast()));
        for name in names {
            let mut header = Header::new_old();
            // The builder itself refuses names that lead out.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(EntryType::Regular);
            header.set_size(name.len() as u64);
            header.set_cksum();
            builder.append(&header, name.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap();
        path
    }

    #[test]
    fn only_scripts_are_taken_and_nothing_leads_out() {
        let folder = tempfile::tempdir().unwrap();
        let names = [
            "package/package.json",
            "package/LICENSE",
            "package/dist/clerk.browser.js",
            "package/dist/types/index.d.ts",
            "package/dist/../../../out.js",
            "/package/dist/out.js",
            "package/README.md",
        ];
        let (packed, place) = (
            archive(folder.path(), &names),
            folder.path().join("deep/in"),
        );
        unpacked(&packed, &place).unwrap();
        let names_in = |folder: &Path| {
            let entries = fs::read_dir(folder).unwrap();
            let mut names: Vec<String> = entries
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        };
        assert_eq!(names_in(&place), ["LICENSE", "dist", "package.json"]);
        assert_eq!(names_in(&place.join("dist")), ["clerk.browser.js"]);
        assert_eq!(names_in(folder.path()), ["deep", "packed.tgz"]);
    }

    #[test]
    fn another_archive_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let packed = archive(folder.path(), &["package/dist/clerk.browser.js"]);
        let error = unpacked(&packed, &folder.path().join("in")).unwrap_err();
        assert_eq!(error.to_string(), "the archive has no package.json");
        fs::write(&packed, "no archive").unwrap();
        unpacked(&packed, &folder.path().join("other")).unwrap_err();
    }

    #[test]
    fn what_is_there_is_known_by_its_manifest() {
        let folder = tempfile::tempdir().unwrap();
        let versions = Versions {
            ui: None,
            ..Versions::default()
        };
        assert!(!versions.are_in(folder.path()));
        fs::create_dir(folder.path().join("clerk-js")).unwrap();
        let manifest = folder.path().join("clerk-js/package.json");
        for (text, expected) in [
            ("{\"version\":\"6.40.0\"}", true),
            ("{\"version\":\"5.0.0\"}", false),
            ("{", false),
        ] {
            fs::write(&manifest, text).unwrap();
            assert_eq!(versions.are_in(folder.path()), expected, "{text}");
        }
        assert!(!Versions::default().are_in(folder.path()));
    }
}
