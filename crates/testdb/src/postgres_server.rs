//! A PostgreSQL server of a test's own, which the test may stop, kill and start again: with the promises to the disk that
//! production has.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio_postgres::NoTls;
use uuid::Uuid;

/// How long it may take to start, with the recovery after a kill.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(20);

/// Whoever runs it: PostgreSQL refuses to run as root. The first is made by its package, the second is everywhere.
const ACCOUNTS: [&str; 2] = ["postgres", "nobody"];

/// Where Debian and its children keep the programs, by major version.
const BY_VERSION: &str = "/usr/lib/postgresql";

/// A `postgres` with `fsync` on; it goes with this value.
pub struct TestPostgres {
    binaries: PathBuf,
    account: Option<(u32, u32)>,
    folder: TempDir,
    port: u16,
    password: String,
    process: Option<Child>,
}

impl TestPostgres {
    /// Starts one on a free port, with these lines at the end of its `postgresql.conf`.
    ///
    /// # Panics
    /// When PostgreSQL's server programs are not installed, or it does not start.
    pub async fn start(settings: &str) -> Self {
        let account = account();
        let folder = tempfile::Builder::new()
            .prefix("clerk-sync-own-postgres-")
            .tempdir()
            .expect("a folder for PostgreSQL");
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let mut server = Self {
            binaries: binaries(),
            account,
            folder,
            port,
            password: Uuid::now_v7().simple().to_string(),
            process: None,
        };
        server.initialise(settings);
        server.start_again().await;
        server
    }

    /// The superuser's URL of the database `postgres`.
    pub fn url(&self) -> String {
        let Self { password, port, .. } = self;
        format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres")
    }

    /// Stops it as an administrator does: clients are told, and everything is written.
    ///
    /// # Panics
    /// When it does not stop.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            kill_process(pid(&process), Signal::INT).expect("a process to signal");
            process.wait().expect("its end");
        }
    }

    /// Kills it with everything that works for it, as a machine that loses its power does to programs: nobody is told, and
    /// nothing more is written.
    ///
    /// # Panics
    /// When it cannot be killed.
    pub fn kill(&mut self) {
        let Some(mut process) = self.process.take() else {
            return;
        };
        let workers = children(&process);
        process.kill().expect("a process to kill");
        for worker in workers {
            // It may have followed by itself.
            let _ = kill_process(worker, Signal::KILL);
        }
        process.wait().expect("its end");
    }

    /// Starts it again at the same place, with what it has on its disk. Answers once it takes connections.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_again(&mut self) {
        let starting = async {
            while !self.spawn_and_wait().await {
                // Those whom the killed one left have to be gone first.
                tokio::time::sleep(LOOK).await;
            }
        };
        let started = tokio::time::timeout(PATIENCE, starting).await;
        assert!(
            started.is_ok(),
            "PostgreSQL does not start: {}",
            fs::read_to_string(self.log()).unwrap_or_default()
        );
    }

    fn initialise(&self, settings: &str) {
        let password_file = self.folder.path().join("password");
        fs::write(&password_file, &self.password).expect("a file for the password");
        if let Some((user, group)) = self.account {
            for path in [self.folder.path(), &password_file] {
                chown(path, Some(user), Some(group)).expect("a folder to give away");
            }
        }
        let mut initdb = self.tool("initdb");
        initdb.args(["--username=postgres", "--encoding=UTF8", "--no-locale"]);
        initdb.args([
            "--no-sync",
            "--auth-host=password",
            "--auth-local=reject",
            "--pwfile",
        ]);
        initdb.arg(&password_file);
        let output = initdb.output().expect("initdb");
        assert!(output.status.success(), "initdb: {output:?}");
        let file = self.data().join("postgresql.conf");
        let defaults = fs::read_to_string(&file).expect("PostgreSQL's defaults");
        let port = self.port;
        let own = format!(
            "\nlisten_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = ''\n{settings}\n"
        );
        fs::write(&file, defaults + &own).expect("PostgreSQL's settings");
    }

    /// Whether it came up; else it ended.
    async fn spawn_and_wait(&mut self) -> bool {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log())
            .expect("PostgreSQL's log");
        let mut command = self.tool("postgres");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let mut process = command.spawn().expect("postgres");
        let url = self.url();
        while matches!(process.try_wait(), Ok(None)) {
            if let Ok((client, connection)) = tokio_postgres::connect(&url, NoTls).await {
                tokio::spawn(connection);
                drop(client);
                self.process = Some(process);
                return true;
            }
            tokio::time::sleep(LOOK).await;
        }
        false
    }

    fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(self.binaries.join(name));
        command.arg("-D").arg(self.data());
        command.current_dir(self.folder.path()).env("LC_ALL", "C");
        if let Some((user, group)) = self.account {
            command.uid(user).gid(group);
        }
        command
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

impl Drop for TestPostgres {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It ends at once, with its workers, and leaves its shared memory to nobody.
            let _ = kill_process(pid(&process), Signal::QUIT);
            let _ = process.wait();
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "what `cargo xtask test` found, and where programs are"
)]
fn variable(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The folder with the server's programs: `PGBIN`, which `cargo xtask test` sets, then `PATH`, then the newest installed.
fn binaries() -> PathBuf {
    let named = variable("PGBIN").map(PathBuf::from);
    let path = variable("PATH").unwrap_or_default();
    let installed = fs::read_dir(BY_VERSION).into_iter().flatten().flatten();
    let mut installed: Vec<PathBuf> = installed.map(|entry| entry.path().join("bin")).collect();
    installed.sort();
    named
        .into_iter()
        .chain(std::env::split_paths(&path))
        .chain(installed.into_iter().rev())
        .find_map(|folder| complete(&folder))
        .expect("PostgreSQL's server programs: install them (`apt-get install postgresql`), or name their folder in PGBIN")
}

/// The real folder behind links.
fn complete(folder: &Path) -> Option<PathBuf> {
    if !["initdb", "postgres"]
        .iter()
        .all(|program| folder.join(program).is_file())
    {
        return None;
    }
    let initdb = folder.join("initdb").canonicalize().ok()?;
    initdb.parent().map(Path::to_owned)
}

/// The numbers of the account that runs it, when this process is root.
fn account() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let number = |which: &str, name: &str| -> Option<u32> {
        let output = Command::new("id").args([which, name]).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    let found = ACCOUNTS
        .into_iter()
        .find_map(|name| Some((number("-u", name)?, number("-g", name)?)));
    assert!(
        found.is_some(),
        "PostgreSQL does not run as root, and there is none of the accounts {ACCOUNTS:?}"
    );
    found
}

fn pid(process: &Child) -> Pid {
    let id = i32::try_from(process.id()).ok().and_then(Pid::from_raw);
    id.expect("a process id")
}

/// Where Linux says who they are; elsewhere they end by themselves when they see that they were left.
fn children(process: &Child) -> Vec<Pid> {
    let id = process.id();
    let listed = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    let ids = listed.split_whitespace();
    ids.filter_map(|id| Pid::from_raw(id.parse().ok()?))
        .collect()
}
