//! A PgBouncer of a test's own, before the server that the tests were given.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio_postgres::NoTls;
use url::Url;

/// How long it may take to let somebody in.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(20);

/// Where Debian keeps it, which is not on every account's PATH.
const DEBIAN: &str = "/usr/sbin/pgbouncer";

/// Like PostgreSQL it does not run as root; Linux knows nobody by this number.
const NOBODY: u32 = 65534;

/// A running `pgbouncer`; it goes with this value.
pub struct TestPgBouncer {
    process: Child,
    address: SocketAddr,
    _folder: TempDir,
}

impl TestPgBouncer {
    /// Starts one with this `pool_mode` before the server of these URLs, whose roles it lets in by their passwords.
    ///
    /// # Panics
    /// When `pgbouncer` is not installed or does not start.
    pub async fn start(pool_mode: &str, urls: &[&str]) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("clerk-sync-pgbouncer-")
            .tempdir()
            .expect("a folder for PgBouncer");
        let urls: Vec<Url> = urls
            .iter()
            .map(|url| Url::parse(url).expect("a database URL"))
            .collect();
        let first = urls.first().expect("a database URL");
        // Between choosing the port and binding it another program may take it: then the next one is tried.
        for _ in 0..5 {
            let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
                .and_then(|listener| listener.local_addr())
                .expect("a free port");
            write(folder.path(), pool_mode, address, &urls);
            let mut process = spawn(folder.path());
            if answers(&mut process, at(first, address).as_str()).await {
                return Self {
                    process,
                    address,
                    _folder: folder,
                };
            }
            let _ = process.kill();
            let _ = process.wait();
        }
        panic!("pgbouncer does not start");
    }

    /// The URL that leads through it to where this one leads.
    ///
    /// # Panics
    /// When it is no URL.
    pub fn through(&self, url: &str) -> String {
        at(&Url::parse(url).expect("a database URL"), self.address).into()
    }
}

impl Drop for TestPgBouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn at(url: &Url, address: SocketAddr) -> Url {
    let mut url = url.clone();
    url.set_ip_host(address.ip()).expect("a URL with a host");
    url.set_port(Some(address.port()))
        .expect("a URL with a host");
    url
}

fn write(folder: &Path, pool_mode: &str, address: SocketAddr, urls: &[Url]) {
    let mut users = String::new();
    for url in urls {
        let (name, password) = (url.username(), url.password().unwrap_or_default());
        writeln!(users, "\"{name}\" \"{password}\"").expect("memory");
    }
    let server = urls.first().expect("a database URL");
    let settings = format!(
        "[databases]\n* = host={} port={}\n[pgbouncer]\nlisten_addr = {}\nlisten_port = {}\nunix_socket_dir =\n\
         auth_type = plain\nauth_file = {}\npool_mode = {pool_mode}\ndefault_pool_size = 50\nmax_client_conn = 200\n",
        server.host_str().expect("a URL with a host"),
        server.port().unwrap_or(5432),
        address.ip(),
        address.port(),
        folder.join("users").display(),
    );
    std::fs::write(folder.join("users"), users).expect("a file for PgBouncer");
    std::fs::write(folder.join("settings"), settings).expect("a file for PgBouncer");
    if rustix::process::geteuid().is_root() {
        for path in [
            folder.to_owned(),
            folder.join("users"),
            folder.join("settings"),
        ] {
            chown(path, Some(NOBODY), Some(NOBODY)).expect("a folder for nobody");
        }
    }
}

fn spawn(folder: &Path) -> Child {
    let there = Path::new(DEBIAN);
    let mut command = Command::new(if there.is_file() {
        there
    } else {
        Path::new("pgbouncer")
    });
    command.arg("-q").arg(folder.join("settings"));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.spawn().unwrap_or_else(|error| {
        panic!("pgbouncer cannot be run ({error}): install it (`apt-get install pgbouncer`)")
    })
}

/// Whether it lets somebody in at last; not when it has ended before.
async fn answers(process: &mut Child, url: &str) -> bool {
    let answers = async {
        while matches!(process.try_wait(), Ok(None)) {
            if let Ok((client, connection)) = tokio_postgres::connect(url, NoTls).await {
                tokio::spawn(connection);
                return client.simple_query("select 1").await.is_ok();
            }
            tokio::time::sleep(LOOK).await;
        }
        false
    };
    let in_time = tokio::time::timeout(PATIENCE, answers).await;
    in_time.unwrap_or(false)
}
