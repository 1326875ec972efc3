//! The program itself, as a process.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use e2e::{PATIENCE, within};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

/// Settings as pairs of name and value.
pub(crate) type Settings = [(String, String)];

/// Where a program says which of its lines ran, when `cargo xtask coverage` counts them.
const PROFILE: &str = "LLVM_PROFILE_FILE";

#[expect(
    clippy::disallowed_methods,
    reason = "for who counts, not for the product"
)]
fn profile() -> Option<std::ffi::OsString> {
    std::env::var_os(PROFILE)
}

/// What a finished process leaves.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) errors: String,
}

impl Finished {
    /// Expects success, and answers what was printed.
    pub(crate) fn printed(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    /// Expects failure, and answers what was said about it.
    pub(crate) fn complained(self) -> String {
        assert!(self.code.is_some_and(|code| code != 0), "{self:?}");
        self.errors
    }
}

/// The program with no environment but these settings, in this folder. Started by the launcher, if there is one: a command
/// that becomes the one that stands at its end.
fn command(folder: &Path, launcher: &[&str], arguments: &[&str], settings: &Settings) -> Command {
    let mut words = launcher
        .iter()
        .chain(&[env!("CARGO_BIN_EXE_clerk-sync-under-test")]);
    let mut command = Command::new(words.next().unwrap());
    command
        .args(words)
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .envs(profile().map(|file| (PROFILE, file)))
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs a command to its end.
pub(crate) async fn run(folder: &Path, arguments: &[&str], settings: &Settings) -> Finished {
    let what = arguments.join(" ");
    let output = command(folder, &[], arguments, settings).output();
    let output = within(PATIENCE, &what, output).await.unwrap();
    Finished {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        errors: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A command that runs until it is ended.
pub(crate) struct Running {
    child: Child,
    said: Arc<Mutex<String>>,
    hearing: JoinHandle<()>,
}

impl Running {
    /// Starts a command; when this returns it is on its way up.
    pub(crate) fn start(folder: &Path, arguments: &[&str], settings: &Settings) -> Self {
        Self::of(command(folder, &[], arguments, settings))
    }

    fn of(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (mut out, errors) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        tokio::spawn(async move {
            let mut rest = Vec::new();
            let _ = out.read_to_end(&mut rest).await;
        });
        let heard = Arc::clone(&said);
        let hearing = tokio::spawn(async move {
            let mut lines = BufReader::new(errors).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let mut said = heard.lock().unwrap();
                said.push_str(&line);
                said.push('\n');
            }
        });
        Self {
            child,
            said,
            hearing,
        }
    }

    /// Starts `serve` on a free port, and answers where it listens once it takes requests.
    pub(crate) async fn serve(folder: &Path, settings: &Settings) -> (Self, SocketAddr) {
        Self::serve_through(&[], folder, settings).await
    }

    /// The same, started by another command.
    pub(crate) async fn serve_through(
        launcher: &[&str],
        folder: &Path,
        settings: &Settings,
    ) -> (Self, SocketAddr) {
        let mut settings = settings.to_vec();
        settings.push(("LOG_FORMAT".to_owned(), "json".to_owned()));
        let mut server = Self::of(command(folder, launcher, &["serve"], &settings));
        let address = e2e::eventually("a server that listens", async || {
            if let Some(status) = server.child.try_wait().unwrap() {
                panic!("{status}: {}", server.said());
            }
            server.address()
        })
        .await;
        (server, address)
    }

    fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    fn address(&self) -> Option<SocketAddr> {
        self.told("address")
    }

    /// Where its metrics are, once it serves.
    pub(crate) fn metrics_address(&self) -> SocketAddr {
        self.told("metrics").unwrap()
    }

    /// An address that it has told of.
    fn told(&self, name: &str) -> Option<SocketAddr> {
        let said = self.said();
        let mut events = said
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        events.find_map(|event| event[name].as_str()?.parse().ok())
    }

    /// Ends the process as the kernel does, in the middle of whatever it does.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks the process to end.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Asks the process to read its settings again.
    pub(crate) fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.id(), signal).unwrap();
    }

    /// The process's id.
    pub(crate) fn id(&self) -> Pid {
        let id = i32::try_from(self.child.id().unwrap()).unwrap();
        Pid::from_raw(id).unwrap()
    }

    /// Asks the process to end, expects success, and answers all that it said on standard error.
    pub(crate) async fn stop(self) -> String {
        self.terminate();
        self.ended().await
    }

    /// Waits for the end, expects success, and answers all that was said on standard error.
    pub(crate) async fn ended(mut self) -> String {
        let status = within(PATIENCE, "the end of the process", self.child.wait()).await;
        within(PATIENCE, "its last words", &mut self.hearing)
            .await
            .unwrap();
        assert_eq!(status.unwrap().code(), Some(0), "{}", self.said());
        self.said()
    }
}
