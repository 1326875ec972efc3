//! The very bytes of a request, within a size and a time.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use bytes::{Bytes, BytesMut};
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::app::App;
use crate::load::BodyBytes;
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
        read(app, request, app.settings.webhook_body_limit)
            .await
            .map(Self)
    }
}

/// Always less than the request's own time, so that a slow sender is told that it was slow (408), and not that we were
/// (503). A request with less than two seconds gives half of them.
fn body_time(request_timeout: Duration) -> Duration {
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

/// The body, at most `limit` bytes. While it is on its way the request takes no place among those under way.
pub(crate) async fn read(app: &App, request: Request, limit: usize) -> Result<Bytes, Problem> {
    let time = body_time(app.settings.request_timeout);
    let body = collected(request.into_body(), limit, app.load.body());
    app.load.waiting(within(time, body)).await
}

async fn within(
    time: Duration,
    body: impl Future<Output = Result<Bytes, Problem>>,
) -> Result<Bytes, Problem> {
    tokio::time::timeout(time, body)
        .await
        .unwrap_or_else(|_| Err(Problem::of(Kind::BodyTimeout)))
}

async fn collected(body: Body, limit: usize, mut room: BodyBytes<'_>) -> Result<Bytes, Problem> {
    let mut body = Limited::new(body, limit);
    // Most bodies are one piece, which is handed on as it is.
    let (mut first, mut whole) = (None::<Bytes>, BytesMut::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            if error.is::<LengthLimitError>() {
                let words = format!("the body is over {limit} bytes");
                Problem::with_detail(Kind::BodyTooLarge, words)
            } else {
                Problem::with_detail(Kind::BodyUnreadable, "the body broke off")
            }
        })?;
        let Ok(piece) = frame.into_data() else {
            continue;
        };
        if !room.take(piece.len()) {
            return Err(Problem::of(Kind::Overloaded));
        }
        match first.take() {
            None if whole.is_empty() => first = Some(piece),
            before => {
                whole.extend_from_slice(&before.unwrap_or_default());
                whole.extend_from_slice(&piece);
            }
        }
    }
    Ok(first.unwrap_or_else(|| whole.freeze()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Load;

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
        let load = Load::new(1);
        let broken: [Piece; 2] = [Ok("half"), Err(std::io::ErrorKind::UnexpectedEof.into())];
        let broken = Body::from_stream(iter(broken));
        let limits = (4, Duration::from_secs(60));
        for (body, (limit, time), kind) in [
            (never, (4, Duration::ZERO), Kind::BodyTimeout),
            (broken, limits, Kind::BodyUnreadable),
            (Body::from("12345"), limits, Kind::BodyTooLarge),
        ] {
            let refused = within(time, collected(body, limit, load.body())).await;
            assert_eq!(refused.unwrap_err().kind(), kind);
        }
        let pieces: [Piece; 3] = [Ok("1"), Ok("23"), Ok("4")];
        for whole in [Body::from("1234"), Body::from_stream(iter(pieces))] {
            let whole = collected(whole, 4, load.body()).await;
            assert_eq!(whole.unwrap(), "1234");
        }
    }
}
