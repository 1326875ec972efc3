//! Child processes of the commands, and what happens to them when this process is asked to stop.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// How long the child has to follow a Ctrl-C that the terminal sent to it as well.
const GRACE: Duration = Duration::from_secs(2);

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static CHILD: Mutex<Option<Pid>> = Mutex::new(None);
static CHILD_ENDED: Condvar = Condvar::new();

/// The folder that holds the workspace's Cargo.toml.
pub(crate) fn root() -> PathBuf {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.pop();
    root
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    variable("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// An environment variable, `None` when it is unset or empty.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a build tool is steered by its environment"
    )]
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The cargo that runs this program, in the workspace's root.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(variable("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.current_dir(root());
    command
}

/// Runs to the end with this terminal as its own; an error unless it succeeds. Signals that reach this process while
/// it waits are passed on once [`stop_cleanly`] was called.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    refuse_when_interrupted()?;
    let mut child = command
        .spawn()
        .map_err(|error| cannot_start(command, &error))?;
    *child_slot() = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    // A signal may have come before the child was known.
    if interrupted() {
        signal_child(Signal::TERM);
    }
    let status = child.wait();
    *child_slot() = None;
    CHILD_ENDED.notify_all();
    refuse_when_interrupted()?;
    let status = status.map_err(|error| format!("lost `{}`: {error}", line(command)))?;
    if status.success() {
        return Ok(());
    }
    Err(format!("`{}` failed ({status})", line(command)))
}

/// Runs without a terminal and gives what it printed; an error with its last words unless it succeeds.
pub(crate) fn capture(command: &mut Command) -> Result<String, String> {
    refuse_when_interrupted()?;
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| cannot_start(command, &error))?;
    if output.status.success() {
        return String::from_utf8(output.stdout)
            .map_err(|_| format!("`{}` printed something that is not UTF-8", line(command)));
    }
    Err(format!(
        "`{}` failed ({}): {}",
        line(command),
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    ))
}

/// From here on SIGINT, SIGTERM and SIGHUP end the child and let this process clean up after itself, instead of
/// ending it on the spot. A second signal kills the child.
pub(crate) fn stop_cleanly() -> Result<(), String> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])
        .map_err(|error| format!("cannot listen for signals: {error}"))?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if INTERRUPTED.swap(true, Ordering::SeqCst) {
                signal_child(Signal::KILL);
                continue;
            }
            if signal == SIGINT {
                let _ = CHILD_ENDED
                    .wait_timeout_while(child_slot(), GRACE, |child| child.is_some())
                    .unwrap_or_else(PoisonError::into_inner);
            }
            signal_child(Signal::TERM);
        }
    });
    Ok(())
}

/// Whether a signal asked this process to stop.
pub(crate) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

fn refuse_when_interrupted() -> Result<(), String> {
    if interrupted() {
        return Err("interrupted".to_owned());
    }
    Ok(())
}

fn child_slot() -> MutexGuard<'static, Option<Pid>> {
    CHILD.lock().unwrap_or_else(PoisonError::into_inner)
}

fn signal_child(signal: Signal) {
    if let Some(child) = *child_slot() {
        // The child may have ended by itself; that is what was wanted.
        let _ = kill_process(child, signal);
    }
}

fn cannot_start(command: &Command, error: &std::io::Error) -> String {
    format!("cannot start `{}`: {error}", line(command))
}

/// The command as one would type it, with the bare name of the program.
fn line(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    std::iter::once(name)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_child_is_named_with_its_arguments() {
        let error = run(Command::new("false").arg("--at-all")).unwrap_err();
        assert!(error.starts_with("`false --at-all` failed"), "{error}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = capture(&mut Command::new("/nowhere/no-such-program")).unwrap_err();
        assert!(
            error.starts_with("cannot start `no-such-program`"),
            "{error}"
        );
    }

    #[test]
    fn the_root_holds_the_workspace() {
        let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
        assert!(manifest.starts_with("[workspace]"));
    }
}
