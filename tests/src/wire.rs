//! The socket itself, for what no HTTP client would send.

use std::net::SocketAddr;
use std::time::Duration;

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

    /// Sends a byte again and again, with a pause before each, until the connection ends or something is answered; reads
    /// that to its end.
    ///
    /// # Panics
    /// When the connection goes on for longer than [`PATIENCE`].
    pub async fn drip(&mut self, byte: u8, pause: Duration) -> String {
        let dripping = async {
            loop {
                let mut first = [0; 1];
                tokio::select! {
                    // Whatever comes: an answer's first byte, the end, or a reset.
                    read = self.0.read(&mut first) => {
                        let count = read.unwrap_or(0);
                        return String::from_utf8_lossy(&first[..count]).into_owned();
                    }
                    () = tokio::time::sleep(pause) => self.send(&[byte]).await,
                }
            }
        };
        let first = within(PATIENCE, "an answer or the end", dripping).await;
        if first.is_empty() {
            return first;
        }
        first + &self.rest().await
    }

    /// Sends a body of so many pieces, also as chunks (RFC 9112 7.1), and reads at the same time; the status of the answer,
    /// `None` when there is none.
    ///
    /// # Panics
    /// When the connection goes on for longer than [`PATIENCE`].
    pub async fn pour(self, count: usize, piece: &[u8], as_chunks: bool) -> Option<u16> {
        let (mut reader, mut writer) = self.0.into_split();
        let mut bytes = piece.to_vec();
        if as_chunks {
            bytes = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
        }
        let pouring = tokio::spawn(async move {
            for _ in 0..count {
                if writer.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            if as_chunks {
                let _ = writer.write_all(b"0\r\n\r\n").await;
            }
        });
        let mut head = Vec::new();
        within(PATIENCE, "an answer", async {
            // A reset ends a connection too.
            while !head.ends_with(b"\r\n") {
                let Ok(byte) = reader.read_u8().await else {
                    return;
                };
                head.push(byte);
            }
        })
        .await;
        pouring.abort();
        status(&String::from_utf8_lossy(&head))
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
