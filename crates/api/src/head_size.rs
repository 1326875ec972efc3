//! The limit on the head of a request, to the byte: hyper's own is one on its buffer, and lets through what came in one
//! piece with it.

use axum::extract::Request;

use crate::problem::{Kind, Problem};

/// Of the request line and all header lines together, as they stand on the wire.
const MAX_HEAD_BYTES: usize = 32 * 1024;

/// Why the request is refused, if it is over the limit.
pub(crate) fn refused(request: &Request) -> Option<Problem> {
    (head_size(request) > MAX_HEAD_BYTES).then(|| {
        Problem::with_detail(
            Kind::HeadTooLarge,
            format!("request line and headers are over {MAX_HEAD_BYTES} bytes"),
        )
    })
}

fn head_size(request: &Request) -> usize {
    let target = request.uri();
    let target = target.path().len() + target.query().map_or(0, |query| query.len() + 1);
    // Besides method and target: two spaces, HTTP/1.1 and the line's end; a colon, a space and the line's end each.
    let line = request.method().as_str().len() + target + " HTTP/1.1 \r\n".len();
    let headers = request.headers().iter();
    line + headers
        .map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len())
        .sum::<usize>()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn the_size_is_that_on_the_wire() {
        let request = Request::get("/a?b=c")
            .header("x-1", "one")
            .header("x-1", "two")
            .body(Body::empty())
            .unwrap();
        let head = "GET /a?b=c HTTP/1.1\r\nx-1: one\r\nx-1: two\r\n";
        assert_eq!(head_size(&request), head.len());
    }
}
