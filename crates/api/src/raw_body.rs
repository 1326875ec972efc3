//! The very bytes of a request, within a size and a time.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::app::App;
use crate::problem::{Kind, Problem};

/// How long a sender may take for the whole body. Svix gives up after 15 s.
const BODY_TIME: Duration = Duration::from_secs(10);
/// What is left of the request's time after that, for the work.
const WORK_TIME: Duration = Duration::from_secs(1);

/// A webhook's body, at most `webhook_body_limit` bytes. It is never decompressed: the signature is over what was sent.
pub(crate) struct RawBody(pub(crate) Bytes);

impl FromRequest<App> for RawBody {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let limit = app.settings.webhook_body_limit;
        let time = body_time(app.settings.request_timeout);
        read(request.into_body(), limit, time).await.map(Self)
    }
}

/// Always less than the request's own time, so that a slow sender is told that it was slow (408), and not that we were
/// (503). A request with less than two seconds gives half of them.
pub(crate) fn body_time(request_timeout: Duration) -> Duration {
    let rest = request_timeout.saturating_sub(WORK_TIME);
    BODY_TIME.min(rest.max(request_timeout / 2))
}

/// Refuses a body that says it is compressed: nothing is decompressed here, as a few bytes can stand for any number, and what
/// is in it could only be misread. Webhooks are not asked, since theirs is signed as it is.
pub(crate) fn refuse_encoded(headers: &HeaderMap) -> Result<(), Problem> {
    let codings = headers.get_all(CONTENT_ENCODING).iter();
    let is_plain = |value: &HeaderValue| {
        let value = value.as_bytes().trim_ascii();
        value.is_empty() || value.eq_ignore_ascii_case(b"identity")
    };
    if codings.into_iter().all(is_plain) {
        return Ok(());
    }
    Err(Problem::with_detail(
        Kind::UnsupportedMediaType,
        "send the body as it is, without `Content-Encoding`: nothing is decompressed",
    ))
}

/// The body, at most `limit` bytes that come within `time`.
pub(crate) async fn read(body: Body, limit: usize, time: Duration) -> Result<Bytes, Problem> {
    match tokio::time::timeout(time, Limited::new(body, limit).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Problem::with_detail(
            Kind::BodyTooLarge,
            format!("the body is over {limit} bytes"),
        )),
        Ok(Err(_)) => Err(Problem::with_detail(
            Kind::BodyUnreadable,
            "the body broke off",
        )),
        Err(_) => Err(Problem::of(Kind::BodyTimeout)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_has_ten_seconds_or_what_the_request_can_spare() {
        for (request, body) in [
            (300_000, 10_000),
            (14_000, 10_000),
            (11_000, 10_000),
            (10_000, 9_000),
            (3_000, 2_000),
            (2_000, 1_000),
            (1_000, 500),
        ] {
            let time = body_time(Duration::from_millis(request));
            assert_eq!(time, Duration::from_millis(body), "{request}");
        }
    }

    #[test]
    fn a_sender_is_too_slow_before_the_request_is() {
        for millis in 1..=20_000 {
            let request = Duration::from_millis(millis);
            assert!(body_time(request) < request, "{millis}");
        }
    }

    #[test]
    fn nothing_compressed_is_taken() {
        for (coding, is_taken) in [
            ("", true),
            ("identity", true),
            ("Identity", true),
            ("gzip", false),
            ("identity, br", false),
            ("x", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.append(CONTENT_ENCODING, HeaderValue::from_static("identity"));
            headers.append(CONTENT_ENCODING, HeaderValue::from_static(coding));
            assert_eq!(refuse_encoded(&headers).is_ok(), is_taken, "{coding}");
        }
        refuse_encoded(&HeaderMap::new()).unwrap();
    }

    #[tokio::test]
    async fn each_way_to_fail_has_its_kind() {
        use futures_util::stream::{iter, pending};
        type Piece = Result<&'static str, std::io::Error>;
        let never = Body::from_stream(pending::<Piece>());
        let broken: [Piece; 2] = [Ok("half"), Err(std::io::ErrorKind::UnexpectedEof.into())];
        let broken = Body::from_stream(iter(broken));
        let limits = (4, Duration::from_secs(60));
        for (body, (limit, time), kind) in [
            (never, (4, Duration::ZERO), Kind::BodyTimeout),
            (broken, limits, Kind::BodyUnreadable),
            (Body::from("12345"), limits, Kind::BodyTooLarge),
        ] {
            let problem = read(body, limit, time).await.unwrap_err();
            assert_eq!(problem.kind(), kind);
        }
        let (limit, time) = limits;
        assert_eq!(read(Body::from("1234"), limit, time).await.unwrap(), "1234");
    }
}
