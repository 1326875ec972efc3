//! One keep-alive connection that sends ready-made bytes and reads answers: as little work as a client can do, since it
//! takes its processor time from the server that it measures.

use std::net::SocketAddr;

use memchr::memmem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Failure;

const LENGTH: &[u8] = b"\r\ncontent-length:";
const CLOSE: &[u8] = b"\r\nconnection: close";

pub(crate) struct Connection {
    address: SocketAddr,
    stream: TcpStream,
    /// The server has said that it closes after its last answer.
    is_last: bool,
    answer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self, Failure> {
        Ok(Self {
            address,
            stream: connected(address).await?,
            is_last: false,
            answer: Vec::with_capacity(16 * 1024),
        })
    }

    /// Sends a request; gives the status once the answer is read to its end. Where the server has closed as it said, over
    /// another connection.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<u16, Failure> {
        if self.is_last {
            self.stream = connected(self.address).await?;
            self.is_last = false;
        }
        self.stream.write_all(request).await?;
        self.answer.clear();
        loop {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                return Err("the server closed the connection".into());
            }
            if let Some((status, length)) = measured(&self.answer)?
                && self.answer.len() >= length
            {
                let head = head_end(&self.answer).and_then(|end| self.answer.get(..end));
                self.is_last =
                    status == 503 && head.is_some_and(|head| memmem::find(head, CLOSE).is_some());
                return Ok(status);
            }
        }
    }

    /// The last answer, head and body.
    pub(crate) fn answer(&self) -> &[u8] {
        &self.answer
    }

    /// The last answer's body.
    pub(crate) fn body(&self) -> &[u8] {
        head_end(&self.answer).map_or(&[], |end| self.answer.get(end..).unwrap_or_default())
    }
}

async fn connected(address: SocketAddr) -> Result<TcpStream, Failure> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Where an answer's body begins, once its head is here.
pub(crate) fn head_end(answer: &[u8]) -> Option<usize> {
    memmem::find(answer, b"\r\n\r\n").map(|at| at + 4)
}

/// Status and whole length of an answer, once its head is here.
fn measured(answer: &[u8]) -> Result<Option<(u16, usize)>, Failure> {
    let Some(end) = head_end(answer) else {
        return Ok(None);
    };
    let head = answer.get(..end).unwrap_or_default();
    let status = head
        .get(9..12)
        .and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok())
        .ok_or("the answer has no status")?;
    // Servers write these names in small letters here. A client that reads each line would take its time from the server
    // that has more of them.
    if memmem::find(head, b"\r\ntransfer-encoding:").is_some() {
        return Err("the answer is chunked, which is not measured".into());
    }
    let length = memmem::find(head, LENGTH).and_then(|at| head.get(at + LENGTH.len()..));
    let length = length.and_then(|rest| rest.split(|byte| *byte == b'\r').next());
    let length = match length {
        Some(digits) => std::str::from_utf8(digits)?.trim().parse()?,
        None => 0,
    };
    Ok(Some((status, end + length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_measured_once_its_head_is_here() {
        assert_eq!(
            measured(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n").unwrap(),
            None
        );
        let whole = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";
        assert_eq!(measured(whole).unwrap(), Some((200, whole.len())));
        let empty = b"HTTP/1.1 204 No Content\r\n\r\n";
        assert_eq!(measured(empty).unwrap(), Some((204, empty.len())));
    }

    #[test]
    fn a_chunked_answer_is_refused() {
        measured(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").unwrap_err();
    }
}
