//! The servers under measurement, as processes of their own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

use crate::Failure;
use crate::connection::Connection;

/// How long a server may take to answer for the first time, and to end when it is asked to.
const START_LIMIT: Duration = Duration::from_secs(30);
const STOP_LIMIT: Duration = Duration::from_secs(15);

/// A server with all its processes; they are killed when this is dropped.
pub(crate) struct Subject {
    pub(crate) address: SocketAddr,
    /// From the start of the process to its first answer.
    pub(crate) started_in: Duration,
    child: Child,
}

/// Memory of a process, in megabytes (a million bytes).
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
        let mut command = Command::new(std::path::absolute(program)?);
        command
            .env_clear()
            // Where nobody keeps settings in a file.
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            // Workers are children of the child: as a group they can be ended together.
            .process_group(0)
            .kill_on_drop(true);
        arrange(&mut command, address);
        let began = Instant::now();
        let child = command
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", program.display()))?;
        let mut subject = Self {
            address,
            started_in: Duration::ZERO,
            child,
        };
        let request = format!("GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n");
        loop {
            if let Ok(mut connection) = Connection::open(address).await
                && connection.exchange(request.as_bytes()).await? == 200
            {
                break;
            }
            if let Some(status) = subject.child.try_wait()? {
                return Err(format!("{} ended with {status}", program.display()).into());
            }
            if began.elapsed() > START_LIMIT {
                return Err(format!("{} does not answer {path}", program.display()).into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        subject.started_in = began.elapsed();
        Ok(subject)
    }

    /// Asks it to end, and waits until it has.
    pub(crate) async fn stop(mut self) -> Result<(), Failure> {
        self.signal(Signal::TERM);
        tokio::time::timeout(STOP_LIMIT, self.child.wait())
            .await
            .map_err(|_| "a server does not end when it is asked to")??;
        Ok(())
    }

    fn group(&self) -> Option<Pid> {
        i32::try_from(self.child.id()?).ok().and_then(Pid::from_raw)
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group() {
            // It may have ended by itself; that is what is wanted.
            let _ = kill_process_group(group, signal);
        }
    }

    /// Resident memory of the one process, as the system counts it.
    pub(crate) fn memory(&self) -> Result<Memory, Failure> {
        memory_of(self.child.id().ok_or("the server has ended")?)
    }

    /// Memory of all its processes, in megabytes. What several share is counted once.
    pub(crate) fn memory_of_all(&self) -> Result<f64, Failure> {
        let group = self.child.id().ok_or("the server has ended")?.to_string();
        let mut kibibytes = 0.0;
        for entry in std::fs::read_dir("/proc")? {
            let folder = entry?.path();
            // After the name, which stands in brackets: state, parent, group.
            let is_ours = std::fs::read_to_string(folder.join("stat")).is_ok_and(|stat| {
                stat.rsplit_once(')')
                    .and_then(|(_, rest)| rest.split_whitespace().nth(2))
                    .is_some_and(|found| found == group)
            });
            if is_ours {
                let share = std::fs::read_to_string(folder.join("smaps_rollup"))?;
                kibibytes += figure(&share, "Pss")?;
            }
        }
        Ok(megabytes(kibibytes))
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// What the system says of the process with this id.
pub(crate) fn memory_of(id: u32) -> Result<Memory, Failure> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    Ok(Memory {
        now: megabytes(figure(&status, "VmRSS")?),
        peak: megabytes(figure(&status, "VmHWM")?),
    })
}

fn megabytes(kibibytes: f64) -> f64 {
    kibibytes * 1024.0 / 1e6
}

/// The figure of this name, in the kibibytes that the system counts in.
fn figure(status: &str, name: &str) -> Result<f64, Failure> {
    let rest = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    rest.and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .ok_or_else(|| format!("the system does not tell {name}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_found_by_its_whole_name() {
        let status = "VmHWMX:\t1 kB\nVmHWM:\t  2048 kB\n";
        assert_eq!(figure(status, "VmHWM").unwrap(), 2048.0);
        figure(status, "VmRSS").unwrap_err();
    }

    #[tokio::test]
    async fn a_server_that_ends_is_an_error() {
        let started = Subject::start(Path::new("/bin/false"), "/", |_, _| {}).await;
        assert!(started.is_err());
    }
}
