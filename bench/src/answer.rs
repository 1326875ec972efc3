//! An answer of the service, which the bare routes give too, byte for byte.

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, DATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};

use crate::Failure;
use crate::connection::head_end;

/// Its headers but those that each server writes itself, and its body.
#[derive(Debug)]
pub(crate) struct Answer {
    headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// As it came over the connection, 200, with its length.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Failure> {
        let end = head_end(bytes).ok_or("an answer without an end of its head")?;
        let (head, body) = bytes.split_at(end);
        let mut headers = HeaderMap::new();
        for line in std::str::from_utf8(head)?.trim_end().split("\r\n").skip(1) {
            let (name, value) = line.split_once(':').ok_or("a header without a colon")?;
            let name: HeaderName = name.parse()?;
            if name != DATE && name != CONTENT_LENGTH {
                headers.append(name, HeaderValue::from_str(value.trim())?);
            }
        }
        Ok(Self {
            headers,
            // As bytes that last as long as the program, which cost nobody a count of who holds them.
            body: Bytes::from_static(body.to_vec().leak()),
        })
    }

    /// The same bytes.
    pub(crate) fn whole(&self) -> Response {
        let mut response = Response::new(Body::from(self.body.clone()));
        *response.headers_mut() = self.headers.clone();
        response
    }

    /// The body, with no header but its type.
    pub(crate) fn body_alone(&self) -> Response {
        ([(CONTENT_TYPE, "application/json")], self.body.clone()).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_given_as_it_came() {
        let came = b"HTTP/1.1 200 OK\r\nvary: Cookie\r\ncontent-length: 2\r\ndate: x\r\n\r\n{}";
        let answer = Answer::read(came).unwrap();
        assert_eq!(&*answer.body, b"{}");
        let headers = answer.whole().headers().clone();
        assert_eq!(headers.len(), 1);
        assert_eq!(headers["vary"], "Cookie");
        Answer::read(b"HTTP/1.1 200 OK\r\n").unwrap_err();
    }
}
