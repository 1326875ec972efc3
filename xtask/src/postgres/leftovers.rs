//! Servers whose run was killed before it could stop them. A run holds a lock on a file in its server's folder, and the
//! system lets go of it when the run ends, however it ends: an unlocked folder belongs to nobody.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::{Control, PREFIX};

const LOCK: &str = "lock";

/// Marks the folder as in use for as long as the file lives. It gets its name once it is locked, so that no other run
/// sees it unlocked.
pub(super) fn lock(folder: &Path) -> Result<File, String> {
    let fail = |error: std::io::Error| format!("cannot lock {}: {error}", folder.display());
    let unnamed = folder.join("lock.new");
    let file = File::create_new(&unnamed).map_err(fail)?;
    file.try_lock().map_err(|error| fail(error.into()))?;
    fs::rename(unnamed, folder.join(LOCK)).map_err(fail)?;
    Ok(file)
}

/// Stops and removes the servers beside this one that nobody holds any more. Only what belongs to this user or to the
/// server's account is touched: the folder for temporary files is open to others.
pub(super) fn sweep(own: &Control) -> Result<(), String> {
    let Some(parent) = own.folder.parent() else {
        return Ok(());
    };
    let entries = fs::read_dir(parent)
        .map_err(|error| format!("cannot read {}: {error}", parent.display()))?;
    for entry in entries.flatten() {
        let folder = entry.path();
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX)
            && fs::symlink_metadata(&folder)
                .is_ok_and(|found| found.is_dir() && owned(own, found.uid()));
        if !is_ours || folder == own.folder || in_use(&folder) {
            continue;
        }
        let left = Control {
            binaries: own.binaries.clone(),
            account: own.account.clone(),
            folder: folder.clone(),
        };
        // Its server may be gone already; what counts is that the folder goes.
        let _ = left.stop();
        if fs::remove_dir_all(&folder).is_ok() {
            eprintln!("xtask: removed a PostgreSQL that a killed run had left");
        }
    }
    Ok(())
}

fn owned(own: &Control, user: u32) -> bool {
    user == rustix::process::geteuid().as_raw()
        || own
            .account
            .as_ref()
            .is_some_and(|account| account.user == user)
}

/// A folder without a lock file is one that its run has only just made.
fn in_use(folder: &Path) -> bool {
    match File::open(folder.join(LOCK)) {
        Ok(file) => file.try_lock().is_err(),
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_in_use_until_its_lock_goes() {
        let folder = tempfile::tempdir().unwrap();
        assert!(in_use(folder.path()), "not yet locked is not left over");
        let held = lock(folder.path()).unwrap();
        assert!(in_use(folder.path()));
        drop(held);
        assert!(!in_use(folder.path()));
    }

    #[test]
    fn what_nobody_holds_goes_and_what_somebody_holds_stays() {
        let parent = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let folder = parent.path().join(name);
            fs::create_dir(&folder).unwrap();
            folder
        };
        let own = folder("clerk-sync-postgres-own");
        let left = folder("clerk-sync-postgres-left");
        let held = folder("clerk-sync-postgres-held");
        let other = folder("something-else");
        let _own = lock(&own).unwrap();
        let _held = lock(&held).unwrap();
        drop(lock(&left).unwrap());
        drop(lock(&other).unwrap());
        let control = Control {
            binaries: parent.path().to_owned(),
            account: None,
            folder: own.clone(),
        };
        sweep(&control).unwrap();
        assert_eq!(
            [&own, &left, &held, &other].map(|folder| folder.exists()),
            [true, false, true, true]
        );
    }
}
