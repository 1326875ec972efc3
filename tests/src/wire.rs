//! The socket itself, for what no HTTP client would send.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::patience::{PATIENCE, within};

/// A connection to the service.
pub struct Wire(TcpStream);

impl Wire {
    /// Connects.
    ///
    /// # Panics
    /// When nobody listens.
    pub async fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("a socket option");
        Self(stream)
    }

    /// Sends bytes; what the other side does to the connection shows when it is read.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes).await;
    }

    /// Reads until this text has come.
    ///
    /// # Panics
    /// When the connection ends before, or after [`PATIENCE`].
    pub async fn until(&mut self, text: &str) -> String {
        let mut read = String::new();
        within(PATIENCE, text, async {
            while !read.contains(text) {
                let mut bytes = [0; 1024];
                let count = self.0.read(&mut bytes).await.expect("bytes");
                assert!(count > 0, "the connection ended after {read:?}");
                read.push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        })
        .await;
        read
    }

    /// Reads until the other side closes or breaks the connection.
    ///
    /// # Panics
    /// When it does not within [`PATIENCE`].
    pub async fn rest(&mut self) -> String {
        let mut read = Vec::new();
        within(PATIENCE, "the end of the connection", async {
            // A reset ends a connection too.
            let _ = self.0.read_to_end(&mut read).await;
        })
        .await;
        String::from_utf8_lossy(&read).into_owned()
    }

    /// Sends a request that asks for the connection's end after it, and reads the status of the answer; `None` when
    /// there is none.
    pub async fn status_of(mut self, bytes: &[u8]) -> Option<u16> {
        self.send(bytes).await;
        status(&self.rest().await)
    }

    /// Sends, says that nothing more comes, and reads the status of the answer; `None` when there is none, since
    /// whoever says so may as well be gone.
    pub async fn status_after_end_of(mut self, bytes: &[u8]) -> Option<u16> {
        self.send(bytes).await;
        let _ = self.0.shutdown().await;
        status(&self.rest().await)
    }
}

/// The status in the first line of an answer.
fn status(answer: &str) -> Option<u16> {
    let line = answer.strip_prefix("HTTP/1.1 ")?;
    line.get(..3)?.parse().ok()
}
