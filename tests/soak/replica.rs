//! One process of the service, at an address that stays when the process does not.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use e2e::{Visitor, eventually};
use tokio::process::{Child, Command};

/// A replica; its process is killed when this is dropped.
pub(crate) struct Replica {
    program: PathBuf,
    settings: Vec<(String, String)>,
    address: SocketAddr,
    log: PathBuf,
    child: Option<Child>,
}

impl Replica {
    /// Starts one; answers once it takes requests.
    pub(crate) async fn start(program: &Path, settings: &[(String, String)], log: PathBuf) -> Self {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .expect("a free port");
        let mut settings = settings.to_vec();
        settings.retain(|(name, _)| name != "BIND_ADDR");
        settings.push(("BIND_ADDR".to_owned(), address.to_string()));
        let mut replica = Self {
            program: program.to_owned(),
            settings,
            address,
            log,
            child: None,
        };
        replica.start_again();
        replica.is_ready().await;
        replica
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same at the same place, on its way up.
    pub(crate) fn start_again(&mut self) {
        let log = File::options().create(true).append(true).open(&self.log);
        let log = log.unwrap_or_else(|error| panic!("{}: {error}", self.log.display()));
        let child = Command::new(&self.program)
            .arg("serve")
            .env_clear()
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn();
        let child = child
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", self.program.display()));
        self.child = Some(child);
    }

    /// Waits until it says that it is ready.
    pub(crate) async fn is_ready(&self) {
        let visitor = Visitor::of(self.address);
        eventually("a replica that is ready", async || {
            let answer = visitor.try_get("/health/ready").await.ok()?;
            (answer.status == 200).then_some(())
        })
        .await;
    }

    /// Ends the process as the kernel does, in the middle of whatever it does.
    pub(crate) async fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().await.expect("a process to kill");
        }
    }

    /// Resident memory in KiB, as Linux counts it; `None` elsewhere and when there is no process.
    pub(crate) fn resident(&self) -> Option<u64> {
        let id = self.child.as_ref()?.id()?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    }

    /// Whether the process has ended though nobody killed it.
    pub(crate) fn has_ended(&mut self) -> bool {
        let child = self.child.as_mut();
        child.is_some_and(|child| matches!(child.try_wait(), Ok(Some(_))))
    }
}
