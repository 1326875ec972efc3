//! A Redis of a test's own, which the test may kill, or stop in mid-word.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use uuid::Uuid;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(10);

/// A `redis-server` that keeps nothing; it goes with this value.
pub struct TestRedis {
    process: Child,
    address: SocketAddr,
    password: String,
    folder: TempDir,
}

impl TestRedis {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// When `redis-server` is not installed or does not start.
    pub async fn start() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("clerk-sync-redis-")
            .tempdir()
            .expect("a folder for Redis");
        let password = Uuid::now_v7().simple().to_string();
        // Between choosing the port and binding it another program may take it: then the next one is tried.
        for _ in 0..5 {
            let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
                .and_then(|listener| listener.local_addr())
                .expect("a free port");
            let mut process = spawn(&folder, address, &password);
            if answers(&mut process, address, &password).await {
                return Self {
                    process,
                    address,
                    password,
                    folder,
                };
            }
        }
        panic!("redis-server does not start");
    }

    /// `redis://:password@127.0.0.1:port`
    pub fn url(&self) -> String {
        format!("redis://:{}@{}", self.password, self.address)
    }

    /// Stops it as an administrator does.
    ///
    /// # Panics
    /// When it does not stop.
    pub fn stop(&mut self) {
        self.signal(Signal::TERM);
        self.process.wait().expect("its end");
    }

    /// Kills it: connections break, and new ones are refused.
    ///
    /// # Panics
    /// When it cannot be killed.
    pub fn kill(&mut self) {
        self.process.kill().expect("a process to kill");
        self.process.wait().expect("its end");
    }

    /// Starts it again at the same place, empty.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn restart(&mut self) {
        self.kill_quietly();
        self.process = spawn(&self.folder, self.address, &self.password);
        assert!(
            answers(&mut self.process, self.address, &self.password).await,
            "redis-server does not start again"
        );
    }

    /// Lets it hang: connections stay, and nothing is answered.
    ///
    /// # Panics
    /// When it has ended.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on after [`Self::freeze`].
    ///
    /// # Panics
    /// When it has ended.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Sends commands, each a line of words without blanks, and gives the answers as they stand on the wire.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn tell(&self, commands: &str) -> String {
        let told = tell(self.address, &self.password, commands);
        let told = tokio::time::timeout(PATIENCE, told).await;
        told.expect("an answer in time").expect("an answer")
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.process.id())
            .ok()
            .and_then(Pid::from_raw);
        kill_process(pid.expect("a process id"), signal).expect("a process to signal");
    }

    fn kill_quietly(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for TestRedis {
    fn drop(&mut self) {
        self.kill_quietly();
    }
}

fn spawn(folder: &TempDir, address: SocketAddr, password: &str) -> Child {
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    command.args(["--port", &address.port().to_string()]);
    command.args(["--requirepass", password]);
    command.arg("--dir").arg(folder.path());
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command.spawn().unwrap_or_else(|error| {
        panic!("redis-server cannot be run ({error}): install it (`apt-get install redis-server`)")
    })
}

/// Whether it answers at last; not when it has ended before.
async fn answers(process: &mut Child, address: SocketAddr, password: &str) -> bool {
    let answers = async {
        while matches!(process.try_wait(), Ok(None)) {
            if let Ok(answer) = tell(address, password, "PING\r\n").await
                && answer.contains("+PONG")
            {
                return true;
            }
            tokio::time::sleep(LOOK).await;
        }
        false
    };
    let in_time = tokio::time::timeout(PATIENCE, answers).await;
    in_time.unwrap_or(false)
}

async fn tell(address: SocketAddr, password: &str, commands: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let words = format!("AUTH {password}\r\n{commands}\r\nQUIT\r\n");
    stream.write_all(words.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
