//! A PostgreSQL server for one run of the tests: its own folder, its own port, gone afterwards.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::process::interrupted;

mod account;
mod binaries;
mod leftovers;

use account::Account;

/// The name of every server's folder begins like this.
const PREFIX: &str = "clerk-sync-postgres-";

const SETTINGS: &str = "
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 300
";

/// Without the promises to the disk that tests do not need: the server is thrown away, whatever happens.
const FORGETFUL: &str = "
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
";

/// A running server; it stops and its folder goes when this is dropped.
pub(crate) struct Server {
    control: Control,
    url: String,
    /// Held as long as this process lives: it tells other runs that the folder is in use.
    _lock: File,
    _folder: TempDir,
}

impl Server {
    /// Starts a server for tests, which accepts connections when this returns. First removes what a killed run may have
    /// left.
    pub(crate) fn start() -> Result<Self, String> {
        Self::start_with(FORGETFUL)
    }

    /// The same with PostgreSQL's own defaults: a commit waits for the disk.
    pub(crate) fn start_durable() -> Result<Self, String> {
        Self::start_with("")
    }

    fn start_with(settings: &str) -> Result<Self, String> {
        let binaries = binaries::find()?;
        let account = Account::for_server()?;
        let folder = tempfile::Builder::new()
            .prefix(PREFIX)
            .tempdir()
            .map_err(|error| format!("cannot make a folder for PostgreSQL: {error}"))?;
        let lock = leftovers::lock(folder.path())?;
        let control = Control {
            binaries,
            account,
            folder: folder.path().to_owned(),
        };
        leftovers::sweep(&control)?;

        let password = control.initialise(settings)?;
        let port = control.start()?;
        let server = Self {
            control,
            url: format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres"),
            _lock: lock,
            _folder: folder,
        };
        if interrupted() {
            return Err("interrupted".to_owned());
        }
        Ok(server)
    }

    /// The superuser's URL of the database `postgres`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The folder with its programs.
    pub(crate) fn binaries(&self) -> &Path {
        &self.control.binaries
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.control.stop() {
            eprintln!("xtask: PostgreSQL did not stop: {error}");
        }
    }
}

/// PostgreSQL's own tools, run on one folder by the right account.
struct Control {
    binaries: PathBuf,
    account: Option<Account>,
    folder: PathBuf,
}

impl Control {
    /// Makes the cluster and gives its superuser's password. Other users of this machine can reach the port, so there
    /// is one; it crosses the loopback in plain text, which costs the tests less than SCRAM.
    fn initialise(&self, settings: &str) -> Result<String, String> {
        let fail =
            |error: std::io::Error| format!("cannot prepare {}: {error}", self.folder.display());
        let password = random_password().map_err(fail)?;
        let password_file = self.folder.join("password");
        fs::write(&password_file, &password).map_err(fail)?;
        if let Some(account) = &self.account {
            chown(&password_file, Some(account.user), Some(account.group)).map_err(fail)?;
            chown(&self.folder, Some(account.user), Some(account.group)).map_err(fail)?;
        }
        let mut initdb = self.tool("initdb");
        initdb.args([
            "--username=postgres",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
        ]);
        initdb.args(["--auth-host=password", "--auth-local=reject"]);
        initdb.arg("--pwfile").arg(&password_file);
        self.complete(&mut initdb)?;
        fs::remove_file(&password_file).map_err(fail)?;

        let configuration = self.data().join("postgresql.conf");
        let defaults = fs::read_to_string(&configuration).map_err(fail)?;
        fs::write(&configuration, defaults + SETTINGS + settings).map_err(fail)?;
        Ok(password)
    }

    /// Starts on a free port and gives it. Between choosing the port and binding it, another program may take it:
    /// then the next one is tried.
    fn start(&self) -> Result<u16, String> {
        let log = self.folder.join("log");
        for _ in 0..5 {
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
                .and_then(|listener| listener.local_addr())
                .map_err(|error| format!("no free port on 127.0.0.1: {error}"))?
                .port();
            let mut start = self.tool("pg_ctl");
            start.args(["start", "--silent", "--wait", "--timeout=60"]);
            start.arg("--log").arg(&log);
            start.arg("--options").arg(format!("-p {port}"));
            match self.complete(&mut start) {
                Ok(()) => return Ok(port),
                Err(error) => {
                    // One that is only slow must not come up later.
                    let _ = self.stop();
                    let log = fs::read_to_string(&log).unwrap_or_default();
                    if !log.contains("could not bind") {
                        return Err(format!(
                            "PostgreSQL does not start: {error}\n{}",
                            log.trim()
                        ));
                    }
                }
            }
            fs::remove_file(&log).unwrap_or_default();
        }
        Err("PostgreSQL found every chosen port taken, five times".to_owned())
    }

    fn stop(&self) -> Result<(), String> {
        let mut stop = self.tool("pg_ctl");
        stop.args([
            "stop",
            "--silent",
            "--wait",
            "--timeout=30",
            "--mode=immediate",
        ]);
        self.complete(&mut stop)
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// A tool on this folder's cluster. It gets a process group of its own, so that a Ctrl-C does not end it half-way,
    /// and C messages, because one of them is read.
    fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(self.binaries.join(name));
        command.arg("--pgdata").arg(self.data());
        command.current_dir(&self.folder).process_group(0);
        command.env("LC_ALL", "C");
        for variable in [
            "PGPORT",
            "PGHOST",
            "PGOPTIONS",
            "PGUSER",
            "PGDATABASE",
            "PGSERVICE",
        ] {
            command.env_remove(variable);
        }
        if let Some(account) = &self.account {
            command.uid(account.user).gid(account.group);
        }
        command
    }

    /// Runs to the end, also when this process was asked to stop: stopping is what these tools are for then.
    fn complete(&self, command: &mut Command) -> Result<(), String> {
        let output = command
            .stdin(Stdio::null())
            .output()
            .map_err(|error| self.explain(&error))?;
        if output.status.success() {
            return Ok(());
        }
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        let tool = Path::new(command.get_program());
        let tool = tool.file_name().unwrap_or_default().to_string_lossy();
        Err(format!(
            "{tool} ended with {}: {} {}",
            output.status,
            out.trim(),
            err.trim()
        ))
    }

    fn explain(&self, error: &std::io::Error) -> String {
        let folder = self.folder.display();
        let binaries = self.binaries.display();
        match &self.account {
            Some(Account { name, .. }) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                format!(
                    "the account `{name}` may not use {folder} or {binaries}: {error} (TMPDIR and PGBIN choose others)"
                )
            }
            _ => format!("cannot run PostgreSQL's tools in {binaries}: {error}"),
        }
    }
}

/// 128 random bits as hexadecimal digits.
fn random_password() -> std::io::Result<String> {
    let mut bytes = [0_u8; 16];
    std::io::Read::read_exact(&mut File::open("/dev/urandom")?, &mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn a_server_accepts_connections_and_goes_with_its_folder() {
        let server = Server::start().unwrap();
        let folder = server.control.folder.clone();
        let address = server.url().split(['@', '/']).nth(3).unwrap().to_owned();
        TcpStream::connect(&address).unwrap();
        assert!(folder.join("data/postmaster.pid").exists());
        drop(server);
        TcpStream::connect(&address).unwrap_err();
        assert!(!folder.exists());
    }

    #[test]
    fn passwords_are_long_and_never_the_same() {
        let (one, two) = (random_password().unwrap(), random_password().unwrap());
        assert_eq!(one.len(), 32);
        assert_ne!(one, two);
    }
}
