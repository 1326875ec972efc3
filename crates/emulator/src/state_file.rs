//! The state as a JSON file, replaced whole by rename so that a crash leaves the old one or the new one.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::EmulatorError;
use crate::state::State;

/// The form of the file. A file with another one is refused.
pub(crate) const VERSION: u64 = 1;

#[derive(Serialize)]
struct Written<'a> {
    version: u64,
    #[serde(flatten)]
    state: &'a State,
}

#[derive(Deserialize)]
struct Version {
    version: u64,
}

/// `None` when there is no file yet.
pub(crate) fn read(path: &Path) -> Result<Option<State>, EmulatorError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(EmulatorError::StateFile {
                path: path.to_owned(),
                source,
            });
        }
    };
    let corrupt = |source| EmulatorError::StateFileCorrupt {
        path: path.to_owned(),
        source,
    };
    let Version { version } = serde_json::from_slice(&bytes).map_err(corrupt)?;
    if version != VERSION {
        return Err(EmulatorError::StateFileVersion {
            path: path.to_owned(),
            found: version,
        });
    }
    serde_json::from_slice(&bytes).map(Some).map_err(corrupt)
}

pub(crate) fn encode(state: &State) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Written {
        version: VERSION,
        state,
    })
}

/// Replaces the file, whole or not at all. It is readable by its owner only, since such files hold secrets, metadata and
/// password digests.
///
/// # Errors
/// When the folder or the file cannot be written.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let beside = beside(path);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_ours_is_named_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        for text in [
            "",
            "{",
            "[]",
            r#"{"version":1}"#,
            r#"{"version":99}"#,
            r#"{"version":1,"users":[{}],"sessions":[]}"#,
        ] {
            fs::write(&path, text).unwrap();
            let error = read(&path).err().unwrap();
            assert!(error.to_string().contains("state.json"), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn absurd_times_in_a_file_do_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        let far = i64::MAX;
        let text = format!(
            r#"{{"version":1,"users":[],"sessions":[],"clock_ms":{far},"ids_issued":{}}}"#,
            u64::MAX
        );
        fs::write(&path, text).unwrap();
        for seed in [None, Some(1)] {
            let mut state = read(&path).unwrap().unwrap().resumed(seed);
            assert_eq!((state.now(), state.after(far)), (far, far));
            assert!(!state.issue_id("user_").is_empty());
        }
    }

    #[test]
    fn a_missing_file_is_an_empty_state() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(&folder.path().join("none.json")).unwrap().is_none());
    }
}
