//! The servers under measurement, as processes of their own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};

use crate::Failure;
use crate::connection::Connection;

/// How long a server may take to answer for the first time.
const START_LIMIT: Duration = Duration::from_secs(30);

/// A server; it is killed when this is dropped.
pub(crate) struct Subject {
    pub(crate) address: SocketAddr,
    /// From the start of the process to its first answer.
    pub(crate) started_in: Duration,
    child: Child,
}

/// Memory of a process, in mebibytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) now: f64,
    pub(crate) peak: f64,
}

impl Subject {
    /// Starts `program` on a free port, which `arrange` tells it, and waits until `path` answers 200.
    pub(crate) async fn start(
        program: &Path,
        path: &str,
        arrange: impl FnOnce(&mut Command, SocketAddr),
    ) -> Result<Self, Failure> {
        let address = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let mut command = Command::new(program);
        command
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true);
        arrange(&mut command, address);
        let began = Instant::now();
        let mut child = command
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", program.display()))?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n");
        loop {
            if let Ok(mut connection) = Connection::open(address).await
                && connection.exchange(request.as_bytes()).await? == 200
            {
                break;
            }
            if let Some(status) = child.try_wait()? {
                return Err(format!("{} ended with {status}", program.display()).into());
            }
            if began.elapsed() > START_LIMIT {
                return Err(format!("{} does not answer {path}", program.display()).into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(Self {
            address,
            started_in: began.elapsed(),
            child,
        })
    }

    /// Resident memory, as the system counts it.
    pub(crate) fn memory(&self) -> Result<Memory, Failure> {
        let id = self.child.id().ok_or("the server has ended")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let mebibytes = |name: &str| -> Result<f64, Failure> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kibibytes: f64 = line
                .and_then(|rest| {
                    rest.trim_start_matches(':')
                        .split_whitespace()
                        .next()?
                        .parse()
                        .ok()
                })
                .ok_or_else(|| format!("the system does not tell {name}"))?;
            Ok(kibibytes / 1024.0)
        };
        Ok(Memory {
            now: mebibytes("VmRSS")?,
            peak: mebibytes("VmHWM")?,
        })
    }
}
